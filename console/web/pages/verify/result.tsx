import { clock } from "../../app/words";
import { Icon } from "../../parts/icon";
import { Outside } from "../../parts/spans";
import { other, type Checked } from "./check";

const stopped = (s: string): string => (s.endsWith(".") ? s : `${s}.`);

// Result is green only when every step holds and it is the receipt that was asked
// for: nothing else on any page is.
export function Result({ of }: { of: Checked }) {
  const { report, asked } = of;
  const bad = report.steps.find((s) => s.result === "failed");
  if (!report.holds) {
    return (
      <div class="result bad" role="status">
        <Icon name="octagon-x" />
        <div><strong>Does not hold</strong><p>Step {bad?.n ?? 1} of {report.steps.length} failed. This receipt was changed after it was written, or is not from this ledger. Rely on nothing in it.</p></div>
      </div>
    );
  }
  if (other(of)) {
    return (
      <div class="result bad" role="status">
        <Icon name="octagon-x" />
        <div><strong>Another request's</strong><p>This receipt is that of <span class="mono any">{report.request}</span>, and <span class="mono any"><Outside text={asked} /></span> was asked for. It proves nothing about that one.</p></div>
      </div>
    );
  }
  return (
    <div class="result ok" role="status">
      <Icon name="shield-check" />
      <div>
        <strong>Holds</strong>
        <p class="mono any">{report.request}</p>
        <p>All {report.steps.length} steps. <Outside text={stopped(report.what)} /> {report.why && <>It was <Outside text={stopped(report.why)} /></>} {report.outcome && <>Outcome: <Outside text={stopped(report.outcome)} /></>}</p>
        {report.who.length > 0 && (
          <ul class="told">{report.who.map((w, i) => (
            <li key={i}><b><Outside text={w.name} /></b> {w.choice === "approve" ? "approved" : w.choice === "reject" ? "rejected" : "escalated"} with a {w.assurance} at <time dateTime={w.at}>{clock(w.at)}</time> UTC{w.solo && ", solo"}{w.reason && <>: “<Outside text={w.reason} />”</>}</li>
          ))}</ul>
        )}
      </div>
    </div>
  );
}
