// Digest is eight numbered words in the same order everywhere, to be read aloud.
export const Digest = ({ words, wide = false, label = "Digest as eight words" }: { words: readonly string[]; wide?: boolean; label?: string }) => (
  <ol class={`words${wide ? " one" : ""}`} aria-label={label}>{words.map((w, i) => <li key={i}>{w}</li>)}</ol>
);
