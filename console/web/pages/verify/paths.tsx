import { useState } from "preact/hooks";
import { count } from "../../app/words";
import { Field } from "../../parts/field";
import type { Path } from "../../verify/report";
import { groups, Hash } from "./hashes";

// Paths shows how one leaf at a time folds to the root, hop by hop; one that does
// not is shown first.
export function Paths({ of, root }: { of: readonly Path[]; root: string }) {
  const wrong = of.findIndex((p) => p.root !== root);
  const [at, choose] = useState(wrong < 0 ? Math.max(0, of.findIndex((p) => p.kind === "released")) : wrong);
  const path = of[at];
  if (!path) return null;
  const folds = path.root === root;
  return (
    <div class="stack">
      {of.length > 1 && (
        <Field label="Path of">{(id) => (
          <select id={id} value={String(at)} onChange={(e) => choose(Number(e.currentTarget.value))}>{of.map((p, i) => <option key={i} value={String(i)}>{`${p.kind}, leaf ${count(p.index)}${p.root === root ? "" : ": does not fold"}`}</option>)}</select>
        )}</Field>
      )}
      {!folds && <><p class="lab">Signed root</p><Hash of={root} /><p class="lab">Computed from this receipt</p><Hash of={path.root} unlike={root} /></>}
      <Tree of={path} root={root} />
      <Hops of={path} folds={folds} />
    </div>
  );
}

const Hops = ({ of, folds }: { of: Path; folds: boolean }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label="Steps of the fold">
    <table class="fold">
      <thead><tr><th class="num" scope="col">Step</th><th scope="col">Sibling</th><th scope="col">Hash of the sibling</th><th scope="col">SHA-256(01, left, right)</th></tr></thead>
      <tbody>
        <tr><td class="num">0</td><td>leaf</td><td>SHA-256(00, leaf)</td><td>{groups(of.leafHash.slice(0, 16))}</td></tr>
        {of.hops.map((h, i) => (
          <tr key={i}><td class="num">{i + 1}</td><td>{h.side}</td><td>{groups(h.sibling.slice(0, 16))}</td><td>{i === of.hops.length - 1 ? <><b>{groups(h.hash.slice(0, 16))}</b> {folds ? "= root" : "≠ root"}</> : groups(h.hash.slice(0, 16))}</td></tr>
        ))}
      </tbody>
    </table>
  </div>
);

interface Node {
  x: number;
  y: number;
}

const most = 3; // levels that are drawn: the top ones, and the leaf's own

// Tree draws the path; its table is below, with every hop.
function Tree({ of, root }: { of: Path; root: string }) {
  const folds = of.root === root;
  const hops = of.hops;
  if (hops.length === 0) return <p class="soft">The leaf is the whole tree: its hash is the root.</p>;
  const drawn = hops.length <= most ? [...hops.keys()].reverse() : [hops.length - 1, hops.length - 2, 0];
  const hidden = hops.length - drawn.length;
  const lines: { from: Node; to: Node; sibling: Node; name: string; left: boolean }[] = [];
  let at: Node = { x: 200, y: 22 };
  drawn.forEach((hop, i) => {
    const left = hops[hop]?.side === "left"; // the sibling's side
    const dx = 78 - i * 14;
    const to = { x: at.x + (left ? dx : -dx), y: at.y + 40 };
    lines.push({ from: at, to, sibling: { x: at.x + (left ? -dx : dx), y: at.y + 40 }, name: `sibling ${hop + 1}`, left });
    at = to;
  });
  const good = folds ? "walk" : "broke";
  const node = folds ? "mine" : "brokenode";
  const height = 22 + drawn.length * 40 + (hidden > 0 ? 34 : 14);
  return (
    <svg class="tree" viewBox={`-80 -14 570 ${height + 14}`} role="img" aria-label={`The path from leaf ${of.index} through ${hops.length} siblings ends at ${folds ? "the signed root" : "another root than the signed one"}.`}>
      {lines.map((l, i) => <path key={i} d={`M${l.from.x} ${l.from.y} ${l.sibling.x} ${l.sibling.y}`} />)}
      {lines.map((l, i) => <path key={i} class={good} d={`M${l.from.x} ${l.from.y} ${l.to.x} ${l.to.y}`} />)}
      {lines.map((l, i) => <circle key={i} cx={l.sibling.x} cy={l.sibling.y} r="5" />)}
      {lines.map((l, i) => <circle key={i} class={node} cx={l.to.x} cy={l.to.y} r={i === lines.length - 1 ? 6 : 5} />)}
      <rect class={node} x="194" y="16" width="12" height="12" />
      <text x="200" y="2" text-anchor="middle">signed {root.slice(0, 8)} {folds ? "=" : "≠"} computed {of.root.slice(0, 8)}</text>
      {lines.map((l, i) => <text key={i} x={l.sibling.x + (l.left ? -12 : 12)} y={l.sibling.y + 4} text-anchor={l.left ? "end" : "start"}>{l.name}</text>)}
      <text x={at.x + (lines[lines.length - 1]?.left ? 14 : -14)} y={at.y + 4} text-anchor={lines[lines.length - 1]?.left ? "start" : "end"}>{count(of.index)}</text>
      {hidden > 0 && <text x="200" y={height - 2} text-anchor="middle">{hidden} {hidden === 1 ? "level" : "levels"} not drawn</text>}
    </svg>
  );
}
