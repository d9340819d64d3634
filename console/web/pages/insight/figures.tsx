import type { ComponentChildren } from "preact";
import type { Figures } from "../../app/admin";
import { count, looked, span } from "../../app/words";
import { Cell, Panel, Table } from "../../parts/panel";
import { Share } from "../../parts/spark";

export interface FigureRow {
  of: Figures & { id: string };
  name: ComponentChildren;
}

const seconds = (s: number): string => span(s * 1000);

// FigureTable is how fast choices were made, a line for each person or rule.
export const FigureTable = ({ title, first, end, rows }: { title: ComponentChildren; first: string; end?: ComponentChildren; rows: readonly FigureRow[] }) => (
  <Panel title={title} end={end}>
    <Table label={`Figures by ${first.toLowerCase()}`} class="figures" columns={[{ name: first }, { name: "Approved", num: true }, { name: "Rejected", num: true }, { name: "Escalated", num: true }, { name: "Let through" }, { name: "Time to decide, median" }, { name: "In view, median" }]}>
      {rows.map(({ of, name }) => (
        <tr key={of.id} role="row">
          <Cell class="full any">{name}</Cell>
          <Cell class="num" label="approved">{count(of.approved)}</Cell><Cell class="num" label="rejected">{count(of.rejected)}</Cell><Cell class="num" label="escalated">{count(of.escalated)}</Cell>
          <Cell label="let through">{of.approved + of.rejected > 0 ? <>{of.approve_percent} %<Share percent={of.approve_percent} /></> : "no choice"}</Cell>
          <Cell label="to decide">{seconds(of.median_s)}<small>90 %: {seconds(of.p90_s)}</small></Cell>
          <Cell label="in view">{of.dwelt > 0 ? <>{looked(of.dwell_median_ms)}<small>90 %: {looked(of.dwell_p90_ms)}, of {count(of.dwelt)} that say</small></> : <span class="soft">none says</span>}</Cell>
        </tr>
      ))}
    </Table>
  </Panel>
);
