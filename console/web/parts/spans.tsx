import type { Span, Text } from "../app/types";

// A hidden character is a box with its name, wherever it stands.
export const Hidden = ({ label }: { label: string }) => (
  <span class="hid"><span class="vh">&lt;</span>{label}<span class="vh">&gt;</span></span>
);

function Part({ s }: { s: Span }) {
  switch (s.role) {
    case "hidden":
      return <Hidden label={s.label ?? "hidden"} />;
    case "redacted":
      return <span class="hid secret"><span class="vh">&lt;</span>{s.label ?? "secret"}<span class="vh">&gt;</span></span>;
    case "strong":
      return <b><bdi>{s.text}</bdi></b>;
    case "marked":
      return <span class={`mk ${s.severity ?? ""}`}><bdi>{s.text}</bdi></span>;
    case "quiet":
      return <span class="faint"><bdi>{s.text}</bdi></span>;
    default:
      return <bdi>{s.text}</bdi>;
  }
}

// Spans is a text as the server marked it. Each part is isolated, since letters
// that run from right to left reorder what stands beside them.
export const Spans = ({ of }: { of: Text | undefined }) => <>{(of ?? []).map((s, i) => <Part key={i} s={s} />)}</>;

const unseen = /([\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u00a0\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\ufe00-\ufe0f\uffa0])/u;
const codepoint = (c: string): string => `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

// Outside is text that did not come as spans (a file, a name that somebody typed):
// what nobody could see in it is spelled out.
export const Outside = ({ text }: { text: string }) => (
  <>{text.split(unseen).map((s, i) => (i % 2 === 1 ? <Hidden key={i} label={codepoint(s)} /> : s === "" ? null : <bdi key={i}>{s}</bdi>))}</>
);
