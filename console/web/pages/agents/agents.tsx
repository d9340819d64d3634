import { Listing } from "../../app/page";
import { useLoad } from "../../app/load";
import type { Place } from "../../app/router";
import { useOnEvent, useSession } from "../../app/session";
import type { Agent, Hold, Token } from "../../app/admin";
import { now } from "../../app/clock";
import { dated, plural, short, span } from "../../app/words";
import { Empty } from "../../parts/notice";
import { Cell, Panel, Table } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import { everybody, HeldNotice, HoldButton } from "./hold";

export function AgentsPage(_: { place: Place }) {
  const list = useLoad<{ agents: readonly Agent[] }>("/v1/agents");
  useOnEvent((e) => {
    if (e.entity) list.again();
  });
  const { holds } = useSession();
  const all = holds.find((h) => h.id === everybody.id);
  return (
    <Listing title="Agents" of={list} acts={!all && <HoldButton whose={everybody} />} awaited="Asking which agents there are." says={({ agents }) => `${plural(agents.length, "agent", "agents")}. An agent asks; it can never approve.`}>
      {({ agents }) => agents.length === 0 ? (
        <Empty icon="bot" title="No agent is registered."><p>An agent gets a token and an address; nothing else in it changes.</p><code class="snip">countersign agent create NAME --owner PERSON</code></Empty>
      ) : (
        <div class="stack">
          {all && <HeldNotice hold={all} />}
          {agents.map((a) => <AgentPanel key={a.id} agent={a} hold={holds.find((h) => h.id === a.id)} />)}
        </div>
      )}
    </Listing>
  );
}

const held = (n: number | undefined): string => (n === undefined ? "" : `, ${plural(n, "held", "held")} in 30 days`);

const AgentPanel = ({ agent, hold }: { agent: Agent; hold: Hold | undefined }) => (
  <Panel id={agent.id} title={<Outside text={agent.name} />} tags={[...(hold ? ["held"] : []), ...(agent.inactive ? ["inactive"] : [])]} end={<a href={`/history?agent=${encodeURIComponent(agent.id)}`}>What it asked<span class="vh"> for, {agent.name}</span></a>}>
    <div class="body">
      {hold && <HeldNotice hold={hold} />}
      <dl class="dl">
        <dt>Owned by</dt><dd><Outside text={agent.owner} /> <span class="soft">who cannot decide for it</span></dd>
        {agent.region && <><dt>Region</dt><dd>{agent.region}</dd></>}
        <dt>Last asked</dt><dd>{agent.last_asked_at ? `${short(agent.last_asked_at)} UTC` : "never"}{held(agent.held_30d)}</dd>
      </dl>
    </div>
    {agent.tokens.length > 0 ? <Tokens name={agent.name} of={agent.tokens} /> : <div class="body"><p class="soft">No token: it cannot ask for anything.</p></div>}
    {!hold && !agent.inactive && <footer><HoldButton whose={agent} /></footer>}
  </Panel>
);

function state(t: Token): string {
  if (t.revoked) return "revoked";
  const left = Date.parse(t.expires) - now();
  return left <= 0 ? "expired" : `works for ${span(left)} more`;
}

const Tokens = ({ name, of }: { name: string; of: readonly Token[] }) => (
  <Table label={`Tokens of ${name}`} columns={[{ name: "Token" }, { name: "Issued" }, { name: "Until" }, { name: "State" }]}>
    {of.map((t) => (
      <tr key={t.id} role="row">
        <Cell class="mono full any">{t.id}</Cell><Cell label="issued">{dated(t.issued_at)}{t.issued_by && <> by <Outside text={t.issued_by} /></>}</Cell><Cell label="until">{dated(t.expires)}</Cell><Cell label="state">{state(t)}</Cell>
      </tr>
    ))}
  </Table>
);
