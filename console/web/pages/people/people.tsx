import { Listing } from "../../app/page";
import { useLoad } from "../../app/load";
import type { Place } from "../../app/router";
import { useMe, useOnEvent } from "../../app/session";
import type { Person } from "../../app/admin";
import { plural } from "../../app/words";
import { Invites } from "./invites";
import { PersonPanel } from "./person";

export function PeoplePage(_: { place: Place }) {
  const me = useMe();
  const list = useLoad<{ people: readonly Person[] }>("/v1/people");
  useOnEvent((e) => {
    if (e.entity) list.again();
  });
  return (
    <Listing title="People" of={list} awaited="Asking who is here."
      says={({ people }) => `${plural(people.filter((p) => !p.inactive).length, "person", "people")}, ${me.enrolled} with a passkey that counts. Nobody here has a password.`}>
      {({ people }) => {
        const sorted = [...people].sort((a, b) => Number(a.inactive ?? false) - Number(b.inactive ?? false) || a.name.localeCompare(b.name));
        const groups = [...new Set(people.flatMap((p) => p.groups))].sort();
        return (
          <div class="stack">
            <Invites groups={groups} />
            {sorted.map((p) => <PersonPanel key={p.id} person={p} people={people} onChange={list.again} />)}
          </div>
        );
      }}
    </Listing>
  );
}
