import { Fragment } from "preact";
import type { Row } from "../../app/types";
import { capital, clock, day, plain, stamp } from "../../app/words";
import { DecisionWord, ExecutionWord, Risk, Shape } from "../../parts/icon";
import { Cell, Table } from "../../parts/panel";
import { Outside, Spans } from "../../parts/spans";
import { pace, shortPace } from "../../parts/time";

// by names who decided, or says why nobody did.
export function by(r: Row): string {
  if (r.decision === "withdrawn") return "taken back";
  if (r.decision === "expired") return "no one in time";
  if (r.decided_by.length > 0) return r.decided_by.join(", ");
  return "no one, by rule";
}

const columns = [{ name: "UTC" }, { name: "Risk" }, { name: "What", wide: true }, { name: "Decided by" }, { name: "Decision" }, { name: "Execution" }];

export function Compact({ rows }: { rows: readonly Row[] }) {
  return (
    <div class="rows">
      <Table label="Requests" columns={columns} class="hist">
        {rows.map((r, i) => {
          const before = rows[i - 1];
          const first = !before || day(before.asked_at) !== day(r.asked_at);
          return (
            <Fragment key={r.id}>
              {first && <tr role="row" class="day"><th role="cell" colSpan={6}>{day(r.asked_at)}</th></tr>}
              <tr role="row">
                <Cell class="mono"><time dateTime={r.asked_at} title={stamp(r.asked_at)}>{clock(r.asked_at)}</time></Cell>
                <Cell><Risk of={r.severity} /></Cell>
                <Cell class="full any"><a href={`/r/${r.id}`}><Spans of={r.sentence} /></a><small><Outside text={r.resource} />{r.rule && `, ${r.rule}`}</small></Cell>
                <Cell class="by"><Outside text={by(r)} />{r.took_s !== undefined && r.decided_by.length > 0 && <small title={capital(pace(r))}>{shortPace(r)}</small>}</Cell>
                <Cell><DecisionWord of={r.decision} /></Cell>
                <Cell label="execution"><ExecutionWord of={r.execution} /></Cell>
              </tr>
            </Fragment>
          );
        })}
      </Table>
    </div>
  );
}

export const Timeline = ({ rows }: { rows: readonly Row[] }) => (
  <div class="panel"><div class="body">
    <ol class="tl">
      {rows.map((r) => (
        <li key={r.id}>
          <time dateTime={r.asked_at} title={stamp(r.asked_at)}>{clock(r.asked_at)}</time>
          <Shape of={r.severity} class={`dot ${r.severity}`} />
          <div class="said">
            <p><a href={`/r/${r.id}`}><Spans of={r.sentence} /></a></p>
            <p class="soft">{stamp(r.asked_at)}, {r.severity}; {r.decision}{r.decided_at && ` at ${clock(r.decided_at)} UTC`} by <Outside text={by(r)} />{r.took_s !== undefined && r.decided_by.length > 0 && `, ${pace(r)}`}{r.execution !== "none" && <>; <b>{r.execution}</b></>}{r.outcome && r.outcome.length > 0 && <>: <Spans of={r.outcome} /></>}</p>
            <small>{r.rule && <><span class="mono">{r.rule}</span>, </>}<Outside text={r.resource} />, <span class="mono">{r.id}</span></small>
          </div>
        </li>
      ))}
    </ol>
  </div></div>
);

export function Json({ rows }: { rows: readonly Row[] }) {
  const lines = JSON.stringify(rows, null, 2).split("\n");
  return <pre class="raw" tabIndex={0} aria-label="The requests as JSON">{lines.map((l, i) => <Fragment key={i}>{i > 0 && "\n"}<Outside text={l} /></Fragment>)}</pre>;
}

// table is the rows for a spreadsheet; hidden characters stay spelled out.
export const table = (rows: readonly Row[]): string[][] => [
  ["id", "asked_at", "severity", "sentence", "command", "resource", "agent", "rule", "decision", "decided_at", "decided_by", "took_s", "dwell_ms", "execution", "outcome"],
  ...rows.map((r) => [r.id, r.asked_at, r.severity, plain(r.sentence), plain(r.command), r.resource, r.agent, r.rule, r.decision, r.decided_at ?? "", r.decided_by.join("; "), String(r.took_s ?? ""), String(r.dwell_ms ?? ""), r.execution, plain(r.outcome)]),
];
