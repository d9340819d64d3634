import { useEffect, useState } from "preact/hooks";
import { at } from "../../app/api";
import { useDwell } from "../../app/dwell";
import { useLoad } from "../../app/load";
import { useOnEvent } from "../../app/session";
import { youOf, type Brief, type Row } from "../../app/types";
import { plural, sentence } from "../../app/words";
import { CommandLines } from "../../parts/command";
import { Icon, Risk } from "../../parts/icon";
import { ProblemNotice, Waiting } from "../../parts/notice";
import { Shut, useShut } from "../../parts/shut";
import { Outside, Spans } from "../../parts/spans";
import { Fuse } from "../../parts/time";
import { RejectAsk } from "../request/asks";
import { factName } from "../request/evidence";
import type { Several } from "./several";

// Read is what stands on the page of one request of a group.
export interface Read {
  brief: Brief;
  approvable: boolean;
  dwell: () => number;
}

interface Props {
  row: Row;
  batch: boolean;
  ticked: boolean;
  onTick: (id: string) => void;
  onRead: (id: string, read: Read | undefined) => void;
  several: Several;
  off: boolean;
}

// Item is one request of an open group. All that its view digest covers is shown,
// since that is what a decision here is about.
export function Item(p: Props) {
  const { data, problem, again } = useLoad<Brief>(at("requests", p.row.id, "brief"));
  useOnEvent((e) => {
    if (e.request === p.row.id) again();
  });
  const name = `item-${p.row.id}`;
  return (
    <li class="item" aria-labelledby={name}>
      <div class="head">
        {p.batch && <label class="tick"><input type="checkbox" checked={p.ticked && data !== undefined} disabled={!data} onChange={() => p.onTick(p.row.id)} /><span class="vh">Tick: </span></label>}
        <h3 id={name}><Spans of={p.row.sentence} /></h3>
        {!p.batch && <Risk of={p.row.severity} />}
        {p.row.expires_at && <Fuse from={p.row.opens_at ?? p.row.asked_at} until={p.row.expires_at} />}
      </div>
      {problem && <ProblemNotice of={problem} />}
      {data ? <Whole {...p} brief={data} /> : !problem && <Waiting on="Asking for all of it." />}
    </li>
  );
}

function Whole({ row, batch, brief, onRead, several, off }: Props & { brief: Brief }) {
  const dwell = useDwell();
  const [rejecting, reject] = useState(false);
  const you = youOf(brief);
  const shut = useShut(brief.deciders.closed);
  const approvable = you.may.includes("approve") && brief.approvable && !shut;
  const { read } = dwell;
  useEffect(() => {
    onRead(row.id, { brief, approvable, dwell: read });
    return () => onRead(row.id, undefined);
  }, [row.id, brief, approvable, read, onRead]);
  const busy = off || several.busy;
  return (
    <>
      <div class="panel"><CommandLines command={brief.command} block={dwell.block} /></div>
      <Known of={brief} />
      {shut && you.may.includes("approve") && <Shut of={shut} />}
      {brief.obstacles.map((o, i) => <p key={i} class="lacks"><b><Spans of={o} /></b></p>)}
      {you.why_not && <p class="lacks"><b>{sentence(you.why_not.detail)}</b> {sentence(you.why_not.hint ?? "")}</p>}
      <div class="acts start">
        {batch && approvable && !you.reason_required && (
          <button type="button" class="btn small" disabled={busy} onClick={() => void several.approve([{ brief, dwell: read() }], "")}><Icon name={you.needs === "passkey" ? "fingerprint-pattern" : "check"} />Approve<span class="vh"> only this</span></button>
        )}
        {you.may.includes("reject") && <button type="button" class="btn small" disabled={busy} onClick={() => reject(true)}><Icon name="x" />Reject<span class="vh"> only this</span></button>}
        <a class="btn small" href={`/r/${row.id}`}>Open<span class="vh"> {row.id}</span></a>
      </div>
      {rejecting && <RejectAsk undo={false} was="" onClose={() => reject(false)} onReason={(r) => { reject(false); void several.rejectOne({ brief, dwell: read() }, r); }} />}
    </>
  );
}

// Known is the rest of the view, in few lines.
function Known({ of: b }: { of: Brief }) {
  const objects = b.touches.objects ?? [];
  const found = b.indicators ?? [];
  return (
    <details class="known" open>
      <summary>Who asks, what it would touch, why it is held</summary>
      <p class="facts">{b.facts.map((f) => <span key={f.name}><span class="faint">{factName(f.name)}</span> <Spans of={f.value} />{f.detail?.length ? <span class="soft"> (<Spans of={f.detail} />)</span> : null}</span>)}</p>
      <dl class="dl two">
        <dt>Would touch</dt>
        <dd>{b.touches.unknown && <p class="unknown"><Spans of={b.touches.unknown} /></p>}{objects.map((o, i) => <p key={i}><span class="mono"><Spans of={o.name} /></span> {o.verb}, {o.classes}, {o.count}, {o.certainty === "unknown" ? <b>unknown</b> : o.certainty}</p>)}</dd>
        <dt>Held because</dt>
        <dd>{(b.why.rules ?? []).map((r) => <p key={r.id}><span class="mono">{r.id}</span> {r.why} {r.doubt}</p>)}{(b.why.rules ?? []).length === 0 && "No rule speaks of it."} <Spans of={b.because} /></dd>
        <dt>Found</dt>
        <dd>{found.map((i, n) => <p key={n}><Risk of={i.severity} /> <span class="mono">{i.id}</span> <Spans of={i.evidence} /></p>)}{found.length === 0 && "no risk indicator"}</dd>
        <dt>It claims</dt>
        <dd>{b.claim?.length ? <>“<Spans of={b.claim} />”</> : "nothing"}</dd>
        <dt>Decided by</dt>
        <dd>{b.deciders.stages.map((s) => s.says).join("; ")}{b.deciders.barred.map((x, i) => <p key={i}><Spans of={x.who} /> cannot: {x.why}</p>)}{b.bounds && <p>If approved it runs {b.bounds}.</p>}</dd>
      </dl>
      {b.command.end.redacted > 0 && <p class="soft">{plural(b.command.end.redacted, "secret is", "secrets are")} left out; <a href={`/r/${b.id}`}>open it</a> to reveal.</p>}
      <p class="faint"><Outside text={b.command.words.join(" ")} /></p>
    </details>
  );
}
