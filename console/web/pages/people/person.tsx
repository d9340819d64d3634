import { useState } from "preact/hooks";
import { at, post, problemOf, remove, type Problem } from "../../app/api";
import { useMe, useSession } from "../../app/session";
import type { Passkey, Person } from "../../app/admin";
import { dated, listed, stamp } from "../../app/words";
import { Dialog } from "../../parts/dialog";
import { Reason } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Refused } from "../../parts/refused";
import { Cell, Panel, Table } from "../../parts/panel";
import { Outside } from "../../parts/spans";

interface Props {
  person: Person;
  people: readonly Person[];
  onChange: () => void;
}

const nameOf = (id: string, people: readonly Person[]): string => (id === "operator" ? "the operator" : (people.find((p) => p.id === id)?.name ?? id));

// PersonPanel is one person: what they may decide, and with which passkeys.
export function PersonPanel({ person, people, onChange }: Props) {
  const me = useMe();
  const self = me.person.id === person.id;
  const keys = person.passkeys ?? [];
  return (
    <Panel id={person.id} title={<Outside text={person.name} />} tags={[...(self ? ["you"] : []), ...(person.away?.now ? ["away"] : []), ...(person.inactive ? ["inactive"] : [])]} end={person.groups.length > 0 ? person.groups.join(", ") : "in no group"}>
      <div class="body">
        <dl class="dl">
          <dt>Known by</dt><dd><Outside text={person.issuer} /> <span class="mono soft any"><Outside text={person.subject} /></span></dd>
          <dt>Here since</dt><dd>{dated(person.since)}{person.invited_by && <>, invited by <Outside text={nameOf(person.invited_by, people)} /></>}</dd>
          {person.away && <><dt>Away</dt><dd>{!person.away.now && `from ${stamp(person.away.from)}, `}until {stamp(person.away.until)}; {person.away.stand_in ? <><Outside text={person.away.stand_in} /> stands in</> : "nobody stands in"}</dd></>}
          <dt>Last decided</dt><dd>{person.last_decided_at ? stamp(person.last_decided_at) : "never"}</dd>
        </dl>
      </div>
      {keys.length > 0 ? <Keys name={person.name} of={keys} people={people} self={self} onChange={onChange} /> : <div class="body"><p class="soft">No passkey: {self ? "you" : "they"} can decide only what a session is enough for.</p></div>}
      {self && <footer><a href="/join"><Icon name="plus" />Make a passkey</a></footer>}
    </Panel>
  );
}

function Keys({ name, of, people, self, onChange }: { name: string; of: readonly Passkey[]; people: readonly Person[]; self: boolean; onChange: () => void }) {
  const { renew } = useSession();
  const [removing, setRemoving] = useState<Passkey>();
  const [problem, fail] = useState<Problem>();
  const done = () => {
    fail(undefined);
    onChange();
    void renew();
  };
  const confirm = async (k: Passkey) => {
    try {
      await post(at("passkeys", k.id, "confirm"));
      done();
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <>
      {problem && <div class="body"><Refused of={problem} /></div>}
      <Table label={`Passkeys of ${name}`} columns={[{ name: "Passkey" }, { name: "Since" }, { name: "Kept" }, { name: "Vouched for by" }, { name: "Counts" }, { name: "Act", num: true }]}>
        {of.map((k) => (
          <tr key={k.id} role="row">
            <Cell class="full any"><Outside text={k.name || "unnamed"} /></Cell>
            <Cell label="since">{dated(k.since)}</Cell>
            <Cell label="kept">{k.synced ? "may be synced" : "on one device"}</Cell>
            <Cell label="by"><Outside text={listed((k.vouched_by ?? []).map((v) => nameOf(v, people)), "and") || "unknown"} /></Cell>
            <Cell label="counts" class={k.pending ? "full" : ""}>{k.pending ? <b>not yet: a second person must confirm it{k.confirm_by && <>, or it lapses on {dated(k.confirm_by)}</>}</b> : "yes"}</Cell>
            <Cell class="acting">
              {k.pending && !self && <button type="button" class="btn small" onClick={() => void confirm(k)}>Confirm<span class="vh"> {k.name}</span></button>}
              {self && <button type="button" class="btn small" onClick={() => setRemoving(k)}>Remove<span class="vh"> {k.name}</span></button>}
            </Cell>
          </tr>
        ))}
      </Table>
      {removing && <RemoveAsk passkey={removing} onClose={() => setRemoving(undefined)} onDone={() => { setRemoving(undefined); done(); }} />}
    </>
  );
}

function RemoveAsk({ passkey, onClose, onDone }: { passkey: Passkey; onClose: () => void; onDone: () => void }) {
  const [reason, set] = useState("");
  const [problem, fail] = useState<Problem>();
  const drop = async () => {
    try {
      await remove(at("passkeys", passkey.id), { reason: reason.trim() });
      onDone();
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <Dialog title={`Remove the passkey ${passkey.name}`} onClose={onClose}>
      <form class="stack" onSubmit={(e) => { e.preventDefault(); void drop(); }}>
        <p class="soft">It signs nothing from then on. What it signed before stays on record. This cannot be undone; the device can be enrolled again.</p>
        {problem && <Refused of={problem} />}
        <Reason value={reason} onValue={set} help="It goes on record. At most 280 characters." required />
        <div class="acts two"><button class="btn solid" disabled={reason.trim() === ""}>Remove it</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
      </form>
    </Dialog>
  );
}
