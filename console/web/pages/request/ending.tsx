import type { Brief, Signature } from "../../app/types";
import { clock, listed, plain } from "../../app/words";
import { Notice } from "../../parts/notice";
import { Spans } from "../../parts/spans";

const of = (b: Brief, choice: Signature["choice"]): readonly Signature[] => b.deciders.choices.filter((c) => c.choice === choice && !c.void?.length);
const names = (s: readonly Signature[]): string => listed([...new Set(s.map((c) => plain(c.name)))], "and");

// lost are the approvals that are missing of those needed: of people who have none
// that counts any more.
function lost(b: Brief): readonly Signature[] {
  if (b.deciders.signed >= b.deciders.needed) return [];
  const counted = of(b, "approve").map((c) => plain(c.name));
  return b.deciders.choices.filter((c) => c.choice === "approve" && !counted.includes(plain(c.name)));
}

const Quote = ({ by }: { by: Signature | undefined }) => (by?.reason?.length ? <blockquote class="soft">“<Spans of={by.reason} />”</blockquote> : null);

// Ending says how a request ended, or where it is on its way there.
export function Ending({ brief }: { brief: Brief }) {
  const { decision, execution } = brief.state;
  const again = "If the agent asks again, that is a new request.";
  switch (execution) {
    case "succeeded":
      return (
        <Notice kind="done" title={decision === "approved" ? "Ran once, as approved." : "Ran once, by rule."}>
          <p>{decision === "approved" ? `${names(of(brief, "approve"))} approved this exact command. ` : "Nobody was asked: a rule allows it. "}Nothing can run under this {decision === "approved" ? "approval" : "request"} again.</p>
        </Notice>
      );
    case "failed":
      return <Notice kind="bad" title="It ran, and failed."><p>{brief.outcome && <Spans of={brief.outcome.says} />} Nothing runs under this approval again.</p></Notice>;
    case "unknown":
      return <Notice kind="bad" icon="circle-help" title="Nobody knows whether it ran."><p>The gate released it and got no answer. Look at the resource itself, then record what happened: <span class="mono">countersign resolve {brief.id}</span></p></Notice>;
    case "running":
      return <Notice icon="hourglass" title="Running now."><p>The gate released it once. Its outcome appears here when it is on record.</p></Notice>;
  }
  switch (decision) {
    case "approved": {
      const [by, gone] = [names(of(brief, "approve")), lost(brief)];
      return <Notice kind={gone.length ? "warn" : "done"} title={gone.length ? "Approved, and not every approval counts any more." : "Approved. It has not run yet."}><p>{by && `${by} approved it. `}{gone.length > 0 && `What ${names(gone)} approved counts no longer. `}The gate checks policy, people and bytes once more when the agent takes it up{brief.bounds && `; it runs ${brief.bounds}`}.{gone.length > 0 && " It waits again if somebody is missing then."}</p></Notice>;
    }
    case "allowed":
      return <Notice title="Allowed by rule. It has not run yet."><p>Nobody is asked.</p></Notice>;
    case "rejected": {
      const by = of(brief, "reject")[0];
      return <Notice icon="x" title={`${by ? `${plain(by.name)} rejected it` : "Rejected"}. It did not run.`}><Quote by={by} /><p>{by && `At ${clock(by.at)} UTC. `}{again}</p></Notice>;
    }
    case "expired":
      return <Notice icon="clock" title="Nobody decided in time. It did not run."><p>{brief.expires_at && `It expired at ${clock(brief.expires_at)} UTC and counts as refused. `}The agent was told; {again.charAt(0).toLowerCase() + again.slice(1)}</p></Notice>;
    case "withdrawn":
      return <Notice icon="undo-2" title="The requester took it back. It did not run."><p>{again}</p></Notice>;
    case "denied":
      return <Notice icon="ban" title="Denied by rule. It did not run."><p>Nobody can approve what a rule denies. {plain(brief.because)}</p></Notice>;
    case "pending":
      return brief.because?.length ? <Notice kind="warn" title="It waits again."><p><Spans of={brief.because} /></p></Notice> : null;
  }
}
