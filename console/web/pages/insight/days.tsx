import type { DayFigures } from "../../app/admin";
import { count, date, span } from "../../app/words";
import { Cell, Panel, Table } from "../../parts/panel";
import { Spark } from "../../parts/spark";

const sum = (of: readonly number[]): number => of.reduce((n, x) => n + x, 0);
const chosen = (d: DayFigures): number => d.approved + d.rejected + d.escalated;

// Days are the same days three times over, and once more as a table.
export function Days({ of, everybody }: { of: readonly DayFigures[]; everybody: boolean }) {
  const first = of[0];
  const last = of[of.length - 1];
  if (!first || !last) return null;
  const whose = everybody ? "Choices" : "Your choices";
  const busy = of.filter((d) => d.held > 0 || chosen(d) > 0);
  const slow = Math.max(0, ...of.map((d) => d.median_s));
  return (
    <Panel title="Day by day" end={`${date(first.day)} to ${date(last.day)}, UTC`}>
      <div class="body"><div class="sparks">
        <figure><figcaption>Held<b>{count(sum(of.map((d) => d.held)))}</b></figcaption><Spark of={of.map((d) => d.held)} says={`Requests held, each day: ${count(sum(of.map((d) => d.held)))} in all.`} /></figure>
        <figure><figcaption>{whose}<b>{count(sum(of.map(chosen)))}</b></figcaption><Spark of={of.map(chosen)} says={`${whose}, each day: ${count(sum(of.map(chosen)))} in all.`} /></figure>
        <figure><figcaption>Median time to decide<b>{busy.some((d) => chosen(d) > 0) ? `at most ${span(slow * 1000)}` : "none"}</b></figcaption><Spark of={of.map((d) => d.median_s)} says={`Median time to decide, each day: at most ${span(slow * 1000)}.`} /></figure>
      </div></div>
      {busy.length > 0 && (
        <details class="twin"><summary>As a table</summary>
          <Table label="Day by day" columns={[{ name: "Day" }, { name: "Held", num: true }, { name: "Approved", num: true }, { name: "Rejected", num: true }, { name: "Escalated", num: true }, { name: "Median time", num: true }]}>
            {[...busy].reverse().map((d) => (
              <tr key={d.day} role="row">
                <Cell class="full">{date(d.day)}</Cell><Cell class="num" label="held">{count(d.held)}</Cell><Cell class="num" label="approved">{count(d.approved)}</Cell><Cell class="num" label="rejected">{count(d.rejected)}</Cell><Cell class="num" label="escalated">{count(d.escalated)}</Cell><Cell class="num" label="median">{chosen(d) > 0 ? span(d.median_s * 1000) : "none"}</Cell>
              </tr>
            ))}
          </Table>
        </details>
      )}
    </Panel>
  );
}
