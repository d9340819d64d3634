import { useState } from "preact/hooks";
import { at, post, problemOf, remove, type Problem } from "../../app/api";
import { useMe, useSession } from "../../app/session";
import type { Hold } from "../../app/admin";
import { short } from "../../app/words";
import { Dialog } from "../../parts/dialog";
import { Reason } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Notice } from "../../parts/notice";
import { Refused } from "../../parts/refused";
import { Outside } from "../../parts/spans";

// Whose everything is to be held: an agent's, or with the id "all" everybody's.
export interface Whose {
  id: string;
  name: string;
}
export const everybody: Whose = { id: "all", name: "all agents" };

// HoldButton holds everything of somebody, once confirmed.
export function HoldButton({ whose }: { whose: Whose }) {
  const [asking, ask] = useState(false);
  return (
    <>
      <button type="button" class="btn" onClick={() => ask(true)}><Icon name="octagon-pause" />{whose.id === "all" ? `Hold everything of ${whose.name}` : <>Hold everything<span class="vh"> of {whose.name}</span></>}</button>
      {asking && <HoldAsk whose={whose} onClose={() => ask(false)} />}
    </>
  );
}

function HoldAsk({ whose, onClose }: { whose: Whose; onClose: () => void }) {
  const { lookAtHolds } = useSession();
  const me = useMe();
  const [reason, set] = useState("");
  const [problem, fail] = useState<Problem>();
  const hold = async () => {
    try {
      await post("/v1/holds", { ...(whose.id === "all" ? { all: true } : { agent: whose.id }), reason: reason.trim() });
      lookAtHolds();
      onClose();
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <Dialog title={`Hold everything of ${whose.name}`} onClose={onClose}>
      <form class="stack" onSubmit={(e) => { e.preventDefault(); void hold(); }}>
        <p>From now on all that {whose.id === "all" ? "any agent asks" : "it asks"} for waits for people, reads as well, and nothing that is approved runs until it is lifted. What runs already is not ended.</p>
        <p class="soft">You hold it alone, at once. {me.paired ? "Lifting it takes two people." : "Lifting it is a change on record."}</p>
        {problem && <Refused of={problem} />}
        <Reason value={reason} onValue={set} help="Everybody reads it over every page. It may stay empty: stopping comes first." />
        <div class="acts two"><button class="btn solid">Hold everything</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
      </form>
    </Dialog>
  );
}

// HeldNotice says who holds it and why, and lets go.
export function HeldNotice({ hold }: { hold: Hold }) {
  const [asking, ask] = useState(false);
  return (
    <>
      <Notice icon="octagon-pause" title={<>Everything of <Outside text={hold.name} /> is held.</>}>
        <p>Since {short(hold.since)} UTC, by <Outside text={hold.by} />. {hold.reason ? <>“<Outside text={hold.reason} />”</> : "They gave no reason."}</p>
        <div class="acts"><button type="button" class="btn" onClick={() => ask(true)}>Lift the hold<span class="vh"> of {hold.name}</span></button></div>
      </Notice>
      {asking && <LiftAsk hold={hold} onClose={() => ask(false)} />}
    </>
  );
}

function LiftAsk({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const { lookAtHolds } = useSession();
  const me = useMe();
  const [reason, set] = useState("");
  const [problem, fail] = useState<Problem>();
  const [waits, setWaits] = useState<string>();
  const lift = async () => {
    try {
      const { request } = await remove<{ request?: string }>(`${at("holds", hold.id)}?reason=${encodeURIComponent(reason.trim())}`);
      fail(undefined);
      setWaits(request);
      lookAtHolds();
      if (!request) onClose();
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <Dialog title={`Lift the hold of ${hold.name}`} onClose={onClose}>
      {waits ? (
        <Notice kind="done" answers title="It waits for people, and stays held until then.">
          <p>You asked, so others approve it: it is in their Inbox.</p>
          <div class="acts"><a class="btn small" href={`/r/${waits}`}>See the request</a></div>
        </Notice>
      ) : (
        <form class="stack" onSubmit={(e) => { e.preventDefault(); void lift(); }}>
          <p>What the policy allows runs again, and what was approved meanwhile and has not lapsed. What waits for people goes on waiting for them.</p>
          <p class="soft">{me.paired ? "This gives rights back, so you cannot do it alone: you ask here, and others approve it." : "Until two people have passkeys, whoever has one lifts it alone; it is recorded as solo."}</p>
          {problem && <Refused of={problem} />}
          <Reason value={reason} onValue={set} help="It goes on record. At most 280 characters." required />
          <div class="acts two"><button class="btn solid" disabled={reason.trim() === ""}>{me.paired ? "Ask to lift it" : "Lift it"}</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
        </form>
      )}
    </Dialog>
  );
}
