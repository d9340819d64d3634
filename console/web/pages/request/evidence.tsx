import type { Brief, Indicator } from "../../app/types";
import { count, plural, short } from "../../app/words";
import { DecisionWord, ExecutionWord, Icon, Risk } from "../../parts/icon";
import { Cell, Panel, Table } from "../../parts/panel";
import { Outside, Spans } from "../../parts/spans";
import { Moment } from "../../parts/time";

const names: Readonly<Record<string, string>> = { asks: "Who asks", for: "On behalf of", where: "Where", data: "Data", "came in": "Came in" };

export const factName = (name: string): string => names[name] ?? name;
export const Facts = ({ of }: { of: Brief["facts"] }) => (
  <dl class="strip">{of.map((f) => <div key={f.name}><dt>{factName(f.name)}</dt><dd><Spans of={f.value} /><small><Spans of={f.detail} /></small></dd></div>)}</dl>
);

export function Touches({ of, pending }: { of: Brief["touches"]; pending: boolean }) {
  const objects = of.objects ?? [];
  return (
    <Panel title={pending ? "What it would touch" : "What it is about"}>
      {of.unknown && of.unknown.length > 0 && <div class="body"><p class="unknown"><Spans of={of.unknown} /></p></div>}
      {objects.length > 0 && (
        <Table label="Objects" columns={[{ name: "Object" }, { name: "Verb" }, { name: "Data" }, { name: "Count", num: true }, { name: "Certainty" }]}>
          {objects.map((t, i) => (
            <tr key={i} role="row">
              <Cell class="mono full any"><Spans of={t.name} /></Cell><Cell class="mono">{t.verb}</Cell><Cell label="data">{t.classes}</Cell>
              <Cell class="num" label="count">{t.count}</Cell><Cell label="certainty">{t.certainty === "unknown" ? <b>unknown</b> : t.certainty}</Cell>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}

const whys = { deny: "Why it was denied", allow: "Why it was allowed", hold: "Why it was held" };
const sources: Readonly<Record<string, string>> = { bytes: "the bytes", parser: "the parser", catalogue: "the catalogue", annotation: "the tool's own words", history: "history" };

function Found({ of: i }: { of: Indicator }) {
  return (
    <li>
      <Risk of={i.severity} />
      <p><span class="mono">{i.id}</span> <span class="soft"><Spans of={i.evidence} />{i.where && ` at ${i.where}`}, from {sources[i.source] ?? i.source}, {i.certainty}</span></p>
    </li>
  );
}

export function Why({ brief, pending }: { brief: Brief; pending: boolean }) {
  const rules = brief.why.rules ?? [];
  const found = brief.indicators ?? [];
  return (
    <Panel title={pending ? "Why it is held" : whys[brief.why.effect]} end={brief.why.says}>
      <div class="body">
        {rules.map((r) => (
          <div key={r.id} class="rule">
            <p><a class="mono rulelink" href={`/policy#${encodeURIComponent(r.id)}`}>{r.id}</a> <span class="faint any">{r.source}</span></p>
            {r.why && <p>{r.why}</p>}{r.doubt && <p class="soft">{r.doubt}</p>}
          </div>
        ))}
        {rules.length === 0 && <p>No rule speaks of it. What no rule speaks of is held.</p>}
        <hr class="tinyrule" />
        {found.length > 0 ? <ul class="finds">{found.map((i, n) => <Found key={n} of={i} />)}</ul> : <p class="soft">No risk indicator was found.</p>}
      </div>
    </Panel>
  );
}

export const Claim = ({ of }: { of: Brief["claim"] }) => (
  <Panel title={<><Icon name="quote" />What the requester claims</>} class="claim" end="not checked by anyone">
    <div class="body">{of && of.length > 0 ? <blockquote><Spans of={of} /></blockquote> : <p class="soft">It gives no reason.</p>}</div>
  </Panel>
);

export function Like({ brief }: { brief: Brief }) {
  const more = brief.like_total > brief.like.length;
  const none = brief.like.length === 0 && !brief.repeats?.length;
  return (
    <Panel title="Requests like this before" end={brief.like.length > 0 && `${more ? `the newest ${brief.like.length} of ${count(brief.like_total)}` : plural(brief.like.length, "request", "requests")} by the same agent with the same tool`}>
      {none && <div class="body"><p>None that you may see.</p></div>}
      {brief.repeats && brief.repeats.length > 0 && <div class="body"><p><Spans of={brief.repeats} /></p></div>}
      {brief.like.length > 0 && (
        <Table label="Earlier requests" columns={[{ name: "When, UTC" }, { name: "What", wide: true }, { name: "Decided by" }, { name: "Decision" }, { name: "Execution" }]}>
          {brief.like.map((r) => (
            <tr key={r.id} role="row">
              <Cell class="nowrap"><Moment at={r.asked_at} as={short} /></Cell>
              <Cell class="full any"><a href={`/r/${r.id}`}><Spans of={r.sentence} /></a></Cell>
              <Cell label="by"><Outside text={r.decided_by.join(", ") || "no one"} /></Cell>
              <Cell><DecisionWord of={r.decision} /></Cell>
              <Cell label="execution"><ExecutionWord of={r.execution} /></Cell>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}
