import { Top } from "../../app/page";
import { useTitle, type Place } from "../../app/router";
import { useMe } from "../../app/session";
import { dated, stamp } from "../../app/words";
import { Icon } from "../../parts/icon";
import { Panel } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import { AwayPanel } from "./away";
import { Chats } from "./chats";
import { Recovery } from "./recovery";

// AccountPage is what is the reader's own.
export function AccountPage(_: { place: Place }) {
  useTitle("Your account");
  const { person, session, passkeys } = useMe();
  const counting = passkeys.filter((k) => !k.pending).length;
  return (
    <div class="wrap narrow">
      <Top title="Your account" says="What you are here, and where your word counts." />
      <div class="stack">
        <Panel title={<Outside text={person.name} />}>
          <div class="body">
            <dl class="dl">
              <dt>Groups</dt><dd>{person.groups.length > 0 ? person.groups.join(", ") : "none: nothing is yours to decide"}</dd>
              <dt>Here since</dt><dd>{dated(person.since)}</dd>
              <dt>Signed in</dt><dd>with a {session.method}, {stamp(session.auth_time)}, until {stamp(session.expires_at)}</dd>
              <dt>Passkeys</dt><dd>{counting === 0 ? "none that counts" : counting}</dd>
            </dl>
          </div>
          <footer><a href={`/people#${person.id}`}><Icon name="key-round" />Your passkeys</a> <a href={`/history?person=${encodeURIComponent(person.id)}`}><Icon name="history" />What you decided</a> <a href="/insight"><Icon name="chart-column" />How you decide</a></footer>
        </Panel>
        <Chats />
        <AwayPanel />
        <Recovery />
      </div>
    </div>
  );
}
