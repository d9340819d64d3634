import type { Assurance, Brief, Choice, Signature, Stage } from "../app/types";
import { clock, listed } from "../app/words";
import { Icon, type IconName } from "./icon";
import { Spans } from "./spans";

const deeds: Record<Choice, string> = { approve: "approved", reject: "rejected", escalate: "escalated" };
const marks: Record<Choice, IconName> = { approve: "check", reject: "x", escalate: "arrow-up" };

export const deed = (c: Choice): string => deeds[c];
export const withWhat = (a: Assurance): string => (a === "" ? "" : a === "chat" ? " with chat assurance" : ` with a ${a}`);

const Signed = ({ by, nth }: { by: Signature; nth: string }) => (
  <li>
    <div class="who"><Spans of={by.name} /><Icon name={by.assurance === "passkey" ? "fingerprint-pattern" : marks[by.choice]} /></div>
    <div class="under"><span>{deed(by.choice)}{withWhat(by.assurance)}</span><span><time dateTime={by.at}>{clock(by.at)}</time> UTC{nth}</span></div>
    {by.reason && by.reason.length > 0 && <p class="said soft">“<Spans of={by.reason} />”</p>}
    {by.void && by.void.length > 0 && <p class="said soft">It no longer counts: <Spans of={by.void} /></p>}
  </li>
);

const Open = ({ who, needs, nth }: { who: string; needs: string; nth: string }) => (
  <li class="open"><div class="who">{who}</div><div class="under"><span>{needs}</span><span>{nth}</span></div></li>
);

const mostLines = 8;

function Lines({ stage, pending }: { stage: Stage; pending: boolean }) {
  const groups = listed(stage.groups, "or");
  const open = pending ? Math.max(0, Math.min(stage.quorum, mostLines) - stage.signed.length) : 0;
  const needs = stage.assurance === "chat" ? "needs chat assurance or more" : stage.assurance === "" ? "not signed" : `needs a ${stage.assurance}`;
  return (
    <ol class="sigs" aria-label={`${stage.says}: ${stage.signed.length} of ${stage.quorum}`}>
      {stage.signed.map((s, i) => <Signed key={i} by={s} nth={`, ${i + 1} of ${stage.quorum}`} />)}
      {Array.from({ length: open }, (_, i) => {
        const n = stage.signed.length + i + 1;
        return <Open key={n} who={`${n === 1 ? "anyone" : "another"} of ${groups}`} needs={n === 1 ? needs : `${needs}, a different person`} nth={`${n} of ${stage.quorum}`} />;
      })}
    </ol>
  );
}

// Signatures are the quorum as it would be on paper: open lines while somebody
// can sign, what no longer counts, and what else people said once it is over.
export function Signatures({ of: brief }: { of: Brief }) {
  const pending = brief.state.decision === "pending";
  const others = brief.deciders.choices.filter((c) => (c.choice === "approve" ? (c.void?.length ?? 0) > 0 : !pending));
  return (
    <>
      {brief.deciders.stages.map((s, i) => <Lines key={i} stage={s} pending={pending} />)}
      {others.length > 0 && <ol class="sigs" aria-label="Also said">{others.map((s, i) => <Signed key={i} by={s} nth="" />)}</ol>}
      {pending && <Escalations of={brief.deciders.choices} />}
    </>
  );
}

const Escalations = ({ of }: { of: readonly Signature[] }) => {
  const up = of.filter((c) => c.choice === "escalate");
  return up.length === 0 ? null : (
    <ul class="barredlist">{up.map((c, i) => (
      <li key={i} class="barred"><Icon name="arrow-up" /><span><Spans of={c.name} /> escalated it at {clock(c.at)} UTC{c.reason && c.reason.length > 0 && <>: “<Spans of={c.reason} />”</>}</span></li>
    ))}</ul>
  );
};

export const BarredList = ({ of }: { of: Brief["deciders"]["barred"] }) => (
  of.length === 0 ? null : (
    <>
      <hr class="tinyrule" />
      <ul class="barredlist">{of.map((b, i) => (
        <li key={i} class="barred"><Icon name="ban" /><span><Spans of={b.who} /> cannot decide: {b.why}.</span></li>
      ))}</ul>
    </>
  )
);
