import { Listing } from "../../app/page";
import { useLoad } from "../../app/load";
import type { Place } from "../../app/router";
import { useMe, useOnEvent } from "../../app/session";
import type { OnCall, People } from "../../app/admin";
import { plural } from "../../app/words";
import { Invites } from "./invites";
import { Cell, Panel, Table } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import { PersonPanel } from "./person";

export function PeoplePage(_: { place: Place }) {
  const me = useMe();
  const list = useLoad<People>("/v1/people");
  useOnEvent((e) => {
    if (e.entity) list.again();
  });
  return (
    <Listing title="People" of={list} awaited="Asking who is here."
      says={({ people }) => `${plural(people.filter((p) => !p.inactive).length, "person", "people")}, ${me.enrolled} with a passkey that counts. Nobody here has a password.`}>
      {({ people, on_call: duty = [] }) => {
        const sorted = [...people].sort((a, b) => Number(a.inactive ?? false) - Number(b.inactive ?? false) || a.name.localeCompare(b.name));
        const groups = [...new Set(people.flatMap((p) => p.groups))].sort();
        return (
          <div class="stack">
            {duty.length > 0 && <Duty of={duty} />}
            <Invites groups={groups} />
            {sorted.map((p) => <PersonPanel key={p.id} person={p} people={people} onChange={list.again} />)}
          </div>
        );
      }}
    </Listing>
  );
}

// Duty is who is on call, as the schedules say and the record has it.
const Duty = ({ of }: { of: readonly OnCall[] }) => (
  <Panel title="On call now" id="on-call" end="chosen by the schedules, from the pools">
    <Table label="Who is on duty" columns={[{ name: "Group" }, { name: "On duty" }, { name: "Pool" }]}>
      {of.map((g) => (
        <tr key={g.group} role="row"><Cell class="mono full any">{g.group}</Cell><Cell label="on duty">{g.people.length > 0 ? <Outside text={g.people.join(", ")} /> : <b>nobody</b>}</Cell><Cell label="pool" class="mono">{g.pool}</Cell></tr>
      ))}
    </Table>
  </Panel>
);
