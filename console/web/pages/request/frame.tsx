import { youOf, type Brief } from "../../app/types";
import { capital } from "../../app/words";
import { DecisionWord, ExecutionWord, Risk, Shape } from "../../parts/icon";
import { Pips } from "../../parts/pips";
import { Fuse } from "../../parts/time";

// Band makes a critical request look different before a word of it is read.
export const Band = ({ brief }: { brief: Brief }) => (
  <div class="band" role="note"><Shape of="critical" /><span>Critical: {brief.deciders.stages.map((s) => s.says).join("; ")}</span><span class="end hide-s">Rejecting needs one person and no passkey</span></div>
);

export const Crumb = ({ brief, pending }: { brief: Brief; pending: boolean }) => (
  <div class="crumb">
    <a href={pending ? "/" : "/history"}>{pending ? "Inbox" : "History"}</a><span aria-hidden="true">/</span><span class="mono any">{brief.id}</span>
    <span class="end"><Risk of={brief.severity} /><DecisionWord of={brief.state.decision} title />{brief.state.execution !== "none" && <ExecutionWord of={brief.state.execution} title />}</span>
  </div>
);

// BottomBar keeps time and quorum in sight on a phone. It never approves.
export const BottomBar = ({ brief, critical }: { brief: Brief; critical: boolean }) => (
  <div class="bar">
    {brief.expires_at && <Fuse from={brief.deciders.closed?.until ?? brief.asked_at} until={brief.expires_at} />}
    <Pips signed={brief.deciders.signed} needed={brief.deciders.needed} />
    <a class={`btn${critical ? "" : " solid"}`} href="#decide">{critical ? "To the decision" : youOf(brief).may.length > 0 ? "Decide" : capital("the decision")}</a>
  </div>
);
