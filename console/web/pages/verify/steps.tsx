import type { ComponentChildren } from "preact";
import { capital, count } from "../../app/words";
import { Icon } from "../../parts/icon";
import { Outside } from "../../parts/spans";
import type { Report, Step } from "../../verify/report";
import { holds, type Checked } from "./check";
import { groups, Hash, Leaves } from "./hashes";
import { Paths } from "./paths";

// What each step computes, in the terms of docs/log-format.md.
const hows: readonly string[] = [
  "The file is read strictly: canonical JSON of at most 16 MiB, no unknown field, no key twice.",
  "The origin that the receipt names is the name within the pinned key.",
  "Ed25519 over the checkpoint's origin, size and root, under the pinned key (c2sp.org/signed-note).",
  "Ed25519 over the same checkpoint and a time, under each witness key that is pinned (c2sp.org/tlog-cosignature).",
  "SHA-256(00, leaf) of each statement, as the receipt has it.",
  "SHA-256(01, left, right), hop by hop from each leaf; what is left at the top must be the signed root.",
  "Each statement names the hash of the leaf before it; none is missing, none is twice.",
  "SHA-256(salt, value) of each disclosed value is the commitment in its statement.",
  "SHA-256 of the canonical command is the digest that every decision names.",
  "The challenge of each passkey signature is computed anew from the decision: command, choice, request, view, policy, person. Then the signature is checked under the enrolled key.",
  "Different people, each of a group of their stage, none of whom asked for it or owns the agent, as many as were required.",
  "One release, after the approvals and before they lapsed; one end, within the bounds.",
];

export function Steps({ of }: { of: Checked }) {
  const { report, took } = of;
  const n = (r: Step["result"]) => report.steps.filter((s) => s.result === r).length;
  const says = report.holds ? `${report.steps.length} of ${report.steps.length} hold, ${took.toFixed(1)} ms` : `${n("ok")} hold, 1 failed, ${n("not checked")} not checked`;
  return (
    <section class={`panel${holds(of) ? " ok-all" : ""}`} aria-labelledby="h-steps">
      <header><h2 id="h-steps">Steps</h2><span class="end">{says}</span></header>
      {report.steps.map((s) => <OneStep key={`${report.request} ${s.n} ${s.result}`} of={s} report={report} />)}
    </section>
  );
}

const icons = { ok: "check", failed: "x", "not checked": "minus" } as const;
const classes = { ok: "", failed: " bad", "not checked": " skipd" };

function OneStep({ of: s, report }: { of: Step; report: Report }) {
  return (
    <details class={`step${classes[s.result]}`} open={s.result === "failed"}>
      <summary>
        <Icon name={icons[s.result]} class="tick" /><span class="k">{s.n}</span>
        <span class="what"><b>{capital(s.name)}</b>{s.n === 3 && s.result === "ok" && <small>tree size {count(report.size)}</small>}{s.n === 2 && s.result === "ok" && <small class="mono"><Outside text={report.origin} /></small>}</span>
        <span class="v"><span class="vh">{s.result === "ok" ? "holds: " : s.result === "failed" ? "failed: " : ""}</span>{s.result === "not checked" ? "not checked" : <Outside text={s.detail} />}<Icon name="chevron-right" /></span>
      </summary>
      <div class="more stack">
        <p class="soft">{hows[s.n - 1]}</p>
        {s.lines.length > 0 && !(s.n === 6 && report.paths.some((p) => p.root !== report.root)) && <pre class="hash lines">{s.lines.map((l, i) => <span key={i}><Outside text={l} />{"\n"}</span>)}</pre>}
        {s.result === "not checked" ? <p class="soft">A step before it failed, so nothing here can be relied on.</p> : <Shown n={s.n} report={report} />}
      </div>
    </details>
  );
}

// Shown are the hashes behind a step, where it has some.
function Shown({ n, report }: { n: number; report: Report }): ComponentChildren {
  switch (n) {
    case 1:
      return <p>{count(report.bytes)} bytes, {count(report.events)} events.</p>;
    case 3:
      return report.root === "" ? null : <><p class="lab">Signed root</p><Hash of={report.root} /></>;
    case 5:
      return <Leaves of={report.paths} />;
    case 6:
      return <Paths of={report.paths} root={report.root} />;
    case 9:
      return report.digest === "" ? null : <><p class="lab">Digest</p><p class="hash">{groups(report.digest)}</p></>;
    default:
      return null;
  }
}
