import { useState } from "preact/hooks";
import { useMe, useSession } from "../../app/session";
import { youOf, type Brief, type May } from "../../app/types";
import { now } from "../../app/clock";
import { sentence, span } from "../../app/words";
import { Digest } from "../../parts/digest";
import { Reason } from "../../parts/field";
import { Icon, Risk } from "../../parts/icon";
import { Pips } from "../../parts/pips";
import { BarredList, Signatures } from "../../parts/signatures";
import { Shut, useShut } from "../../parts/shut";
import { Spans } from "../../parts/spans";
import { Clock } from "../../parts/time";
import { Working } from "./came";
import type { Decide } from "./decide";
import { Renew } from "../../parts/renew";

export type Asking = "reject" | "escalate" | "reveal";

interface Props {
  brief: Brief;
  decide: Decide;
  critical: boolean;
  onAsk: (what: Asking) => void;
}

// DecisionPanel is the reader's side of a pending request.
export function DecisionPanel({ brief, decide, critical, onAsk }: Props) {
  const { deciders } = brief;
  const mine = youOf(brief).may.length > 0;
  return (
    <aside class="side panel decide" id="decide" aria-labelledby="h-dec" tabIndex={-1}>
      <header>
        <h2 id="h-dec">{mine ? "Your decision" : "The decision"}</h2>
        <span class="end">{critical ? <Risk of="critical" /> : <Pips signed={deciders.signed} needed={deciders.needed} />}</span>
      </header>
      <div class="body two-col">
        <div>
          {brief.expires_at && <Clock from={deciders.closed?.until ?? brief.asked_at} until={brief.expires_at} />}
          <Signatures of={brief} />
          <BarredList of={deciders.barred} />
          {!critical && <><hr class="tinyrule" /><p class="lab">Digest</p><Digest words={brief.command.words} /></>}
        </div>
        <div class="stack"><Acts brief={brief} decide={decide} critical={critical} onAsk={onAsk} /></div>
      </div>
    </aside>
  );
}

function Acts({ brief, decide, critical, onAsk }: Props) {
  const { status } = useSession();
  const [reason, setReason] = useState("");
  const you = youOf(brief);
  const shut = useShut(brief.deciders.closed);
  const has = (what: May) => you.may.includes(what);
  const busy = decide.doing.kind === "passkey" || decide.doing.kind === "writing";
  const off = status.kind === "off";
  if (busy && !(critical && decide.doing.kind === "passkey")) return <Working doing={decide.doing} />;
  const approve = has("approve") && brief.approvable;
  const lacksReason = you.reason_required && reason.trim() === "";
  return (
    <>
      {off && <p class="lacks"><b>Not live, so nothing can be decided here.</b></p>}
      {approve && !critical && you.reason_required && <Reason value={reason} onValue={setReason} help="Needed to approve. The agent sees it." required />}
      {approve && shut && <Shut of={shut} />}
      <div class="acts">
        {approve && !critical && (
          <button type="button" class="btn solid wide" disabled={off || lacksReason || shut !== undefined} onClick={() => void decide.choose("approve", { reason: reason.trim() })}>
            <Icon name={you.needs === "passkey" ? "fingerprint-pattern" : "check"} />{you.needs === "passkey" ? "Approve with passkey" : "Approve, run once"}
          </button>
        )}
        {!approve && <Lacks brief={brief} onReveal={() => onAsk("reveal")} />}
        {(has("reject") || has("escalate")) && (
          <div class="acts two">
            {has("reject") && <button type="button" class={`btn${approve && !critical && !shut ? "" : " solid"}`} disabled={off} onClick={() => onAsk("reject")}><Icon name="x" />Reject</button>}
            {has("escalate") && you.groups.length > 0 && <button type="button" class="btn" disabled={off} onClick={() => onAsk("escalate")}><Icon name="arrow-up" />Escalate</button>}
          </div>
        )}
      </div>
      {critical && approve && <p class="faint">To approve, read on to the end of the page.</p>}
      <Signed brief={brief} critical={critical} />
    </>
  );
}

// Lacks says why there is no Approve: what stands in everybody's way, then what
// stands in the reader's.
export function Lacks({ brief, onReveal }: { brief: Brief; onReveal: () => void }) {
  const { obstacles } = brief;
  const why = youOf(brief).why_not;
  return (
    <>
      {obstacles.map((o, i) => <p key={i} class="lacks"><b><Spans of={o} /></b></p>)}
      {brief.command.end.redacted > 0 && obstacles.length > 0 && <button type="button" class="btn wide" onClick={onReveal}><Icon name="eye" />Reveal what was left out</button>}
      {why && !(why.code === "cannot_be_approved" && obstacles.length > 0) && <div class="lacks"><p><b>{sentence(why.detail)}</b> {sentence(why.hint ?? "")} <span class="mono">{why.code}</span></p>{why.code === "assurance_too_low" && <Renew />}</div>}
    </>
  );
}

function Signed({ brief, critical }: { brief: Brief; critical: boolean }) {
  const me = useMe();
  const age = span(now() - Date.parse(me.session.auth_time));
  return (
    <p class="faint">
      Signed in as {me.person.name}, {me.session.method === "passkey" ? "passkey" : "link"} {age} ago.{brief.bounds && !critical && ` If approved it runs ${brief.bounds}.`}
      {me.session.solo && <> You came in by a link, so what you decide is recorded as <span class="mono">solo</span>.</>}
    </p>
  );
}
