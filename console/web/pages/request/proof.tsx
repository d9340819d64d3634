import { youOf, type Brief } from "../../app/types";
import { useSession } from "../../app/session";
import { Digest } from "../../parts/digest";
import { Icon } from "../../parts/icon";
import { Panel } from "../../parts/panel";
import { Pips } from "../../parts/pips";
import { BarredList, Signatures } from "../../parts/signatures";
import { Spans } from "../../parts/spans";
import { Working } from "./came";
import type { Decide } from "./decide";

export const OutcomePanel = ({ brief }: { brief: Brief }) =>
  brief.outcome ? (
    <Panel title="Outcome" end="recorded by the gate, not by the agent">
      <div class="body">
        <dl class="dl">
          <dt>Execution</dt><dd><b>{brief.outcome.execution}</b></dd>
          <dt>What is known</dt><dd><Spans of={brief.outcome.says} /></dd>
          {brief.outcome.result && <><dt>Result</dt><dd class="mono any">{brief.outcome.result}</dd></>}
          {brief.bounds && <><dt>Bounds</dt><dd>{brief.bounds}</dd></>}
        </dl>
      </div>
    </Panel>
  ) : null;

// Proof is who decided, and the receipt that travels alone.
export function Proof({ brief, decide, onUndo }: { brief: Brief; decide: Decide; onUndo: () => void }) {
  const { status } = useSession();
  const you = youOf(brief);
  const { deciders } = brief;
  const busy = decide.doing.kind === "writing";
  return (
    <aside class="side stack" aria-label="Decision and record">
      <Panel title="Who decided" end={deciders.stages.length > 0 && <Pips signed={deciders.signed} needed={deciders.needed} />}>
        <div class="body">
          {deciders.stages.length > 0 ? <Signatures of={brief} /> : <p>No one, by rule.</p>}
          <BarredList of={deciders.barred} />
          {busy && <Working doing={decide.doing} />}
          {!busy && you.may.includes("undo") && (
            <div class="acts"><button type="button" class="btn wide" disabled={status.kind === "off"} onClick={onUndo}><Icon name="undo-2" />Take the approval back</button><p class="faint">It has not run yet.</p></div>
          )}
        </div>
      </Panel>
      <Panel title="Receipt">
        <div class="body">
          <p class="lab">Digest</p>
          <Digest words={brief.command.words} />
          <p class="soft">The proof of this request. It needs neither this server nor a network to check.</p>
          <div class="acts">
            <a class="btn solid wide" href={`/verify?id=${brief.id}`}><Icon name="file-check" />Verify now</a>
            <a class="btn wide" href={`/v1/requests/${brief.id}/receipt`} download={`${brief.id}.json`}><Icon name="download" />Download receipt</a>
          </div>
          <code class="snip">countersign verify {brief.id}.json --key log.vkey</code>
        </div>
      </Panel>
    </aside>
  );
}
