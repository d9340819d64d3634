import { count } from "../../app/words";
import type { Path } from "../../verify/report";

// groups is hex in groups of eight.
export const groups = (hex: string): string => hex.replace(/(.{8})(?=.)/g, "$1 ");

// Hash is a hash; groups in which it differs from another are marked.
export function Hash({ of, unlike }: { of: string; unlike?: string }) {
  const other = unlike === undefined ? undefined : groups(unlike).split(" ");
  return <p class="hash">{groups(of).split(" ").map((g, i) => <span key={i}>{other && other[i] !== g ? <span class="x">{g}</span> : g} </span>)}</p>;
}

export const Leaves = ({ of }: { of: readonly Path[] }) =>
  of.length === 0 ? null : (
    <div class="scroll" tabIndex={0} role="region" aria-label="Hashes of the leaves">
      <table class="fold">
        <thead><tr><th class="num" scope="col">Leaf</th><th scope="col">Event</th><th scope="col">SHA-256(00, leaf)</th></tr></thead>
        <tbody>{of.map((p) => <tr key={p.index}><td class="num">{count(p.index)}</td><td>{p.kind}</td><td>{groups(p.leafHash)}</td></tr>)}</tbody>
      </table>
    </div>
  );
