import { useRef, useState } from "preact/hooks";
import { asked } from "../../app/router";
import type { Group, Row } from "../../app/types";
import { count, plural } from "../../app/words";
import { Icon, Risk } from "../../parts/icon";
import { Reason } from "../../parts/field";
import { Outside, Spans } from "../../parts/spans";
import { Fuse } from "../../parts/time";
import { RejectAsk } from "../request/asks";
import { Item, type Read } from "./item";
import type { Chosen, Several } from "./several";

export const keyOf = (g: Group): string => `${g.agent_id}~${g.rule}`;

// GroupRow is several requests of one agent that one rule holds, as one row that
// opens into them.
export function GroupRow({ group, rows, open, on }: { group: Group; rows: readonly Row[]; open: boolean; on: boolean }) {
  const key = keyOf(group);
  const first = rows[0];
  const soonest = rows.reduce<Row | undefined>((a, r) => (r.expires_at && (!a?.expires_at || r.expires_at < a.expires_at) ? r : a), undefined);
  const places = [...new Set(rows.map((r) => r.resource))];
  return (
    <li class={`row group${open ? " open" : ""}${on ? " on" : ""}`}>
      <Risk of={group.severity} />
      <div class="main">
        <a class="t" data-id={key} href={asked({ group: open ? "" : key })} aria-expanded={open}><Icon name="chevron-right" />{plural(rows.length, "request", "requests")} of <b><Outside text={group.agent} /></b>, held by one rule</a>
        <code class="c"><Spans of={first?.command} /></code>
        <p class="m"><span>{rows.length > 1 && `and ${count(rows.length - 1)} more`}</span>{places.slice(0, 3).map((p) => <span key={p}><Outside text={p} /></span>)}{places.length > 3 && <span>{count(places.length - 3)} more resources</span>}</p>
      </div>
      <div class="k"><span class="mono">{group.rule || "no rule"}</span><small>{first?.stages.find((s) => s.signed < s.quorum)?.says ?? ""}</small></div>
      <div class="q"><span class="pips">{count(rows.length)}</span></div>
      {soonest?.expires_at ? <Fuse from={soonest.opens_at ?? soonest.asked_at} until={soonest.expires_at} /> : <span class="fuse" />}
    </li>
  );
}

const mostItems = 20; // at a time: each is shown whole

// GroupItems are the requests of an open group, each whole, and what can be done
// about several where the server lets that be.
export function GroupItems({ group, rows, several, off }: { group: Group; rows: readonly Row[]; several: Several; off: boolean }) {
  const [most, more] = useState(mostItems);
  const [ticked, tick] = useState<ReadonlySet<string>>(new Set());
  const [read, setRead] = useState<ReadonlyMap<string, Read>>(new Map());
  const shown = rows.slice(0, most);
  const ready = shown.filter((r) => read.has(r.id));
  const chosen = ready.filter((r) => ticked.has(r.id)).flatMap((r) => read.get(r.id) ?? []);
  const turn = (id: string) => tick((s) => (s.has(id) ? new Set([...s].filter((x) => x !== id)) : new Set([...s, id])));
  const onRead = useRef((id: string, r: Read | undefined) => setRead((m) => {
    const next = new Map(m);
    if (r) next.set(id, r);
    else next.delete(id);
    return next;
  }));
  return (
    <li class="items">
      {!group.batch && <p class="soft">Something here is above low, so nothing in this group is decided together. Open each to approve it.</p>}
      <ol aria-label={`Requests of ${group.agent}`}>
        {shown.map((r) => <Item key={r.id} row={r} batch={group.batch} ticked={ticked.has(r.id)} onTick={turn} onRead={onRead.current} several={several} off={off} />)}
      </ol>
      {rows.length > shown.length && <p><button type="button" class="btn small" onClick={() => more(most + mostItems)}>Show {count(Math.min(mostItems, rows.length - shown.length))} more of {count(rows.length)}</button></p>}
      {group.batch && <Together key={keyOf(group)} chosen={chosen} all={ready.length} onAll={() => tick(new Set(chosen.length === ready.length ? [] : ready.map((r) => r.id)))} several={several} off={off} />}
    </li>
  );
}

// Together is one choice on those that are ticked.
function Together({ chosen, all, onAll, several, off }: { chosen: readonly Read[]; all: number; onAll: () => void; several: Several; off: boolean }) {
  const [reason, set] = useState("");
  const [asking, ask] = useState(false);
  const now = (): Chosen[] => chosen.map((r) => ({ brief: r.brief, dwell: r.dwell() }));
  const blocked = chosen.filter((r) => !r.approvable);
  const keys = chosen.filter((r) => r.brief.you?.needs === "passkey").length;
  const why = chosen.some((r) => r.brief.you?.reason_required);
  const lacks = off || several.busy || chosen.length === 0;
  return (
    <div class="together stack" role="group" aria-label="The ticked requests">
      <label class="tick"><input type="checkbox" checked={all > 0 && chosen.length === all} disabled={all === 0} onChange={onAll} />All {count(all)} that are shown here</label>
      {why && <Reason value={reason} onValue={set} help="Needed to approve. The agent sees it, for each." required />}
      {blocked.length > 0 && <p class="lacks">{plural(blocked.length, "of the ticked cannot", "of the ticked cannot")} be approved now; each says why.</p>}
      <div class="acts start">
        <button type="button" class="btn solid" disabled={lacks || blocked.length > 0 || (why && reason.trim() === "")} onClick={() => void several.approve(now(), reason.trim())}>
          <Icon name={keys > 0 ? "fingerprint-pattern" : "check"} />Approve the {count(chosen.length)} ticked
        </button>
        <button type="button" class="btn" disabled={lacks} onClick={() => ask(true)}><Icon name="x" />Reject the {count(chosen.length)} ticked</button>
      </div>
      {keys > 0 && <p class="faint">Your passkey signs each by itself: {plural(keys, "signature", "signatures")}, one after the other.</p>}
      {asking && <RejectAsk undo={false} many={chosen.length} was="" onClose={() => ask(false)} onReason={(r) => { ask(false); void several.rejectAll(now(), r); }} />}
    </div>
  );
}
