import type { Brief } from "../../app/types";
import { listed, sentence } from "../../app/words";
import { Icon } from "../../parts/icon";
import { Notice } from "../../parts/notice";
import { changed, made, noun, type Doing } from "./decide";

// CameOf says what came of the choice that the reader just tried to make.
export function CameOf({ doing, brief }: { doing: Doing; brief: Brief }) {
  if (doing.kind === "made") {
    if (brief.state.decision !== "pending") return null; // how it ended is said already
    const more = brief.deciders.needed - brief.deciders.signed;
    const next = doing.choice === "approve" ? `Nothing runs yet: ${more === 1 ? "one more person" : `${more} more people`} must sign.` : doing.choice === "escalate" ? "Another group must sign as well." : "";
    return <Notice kind="done" title={`${made[doing.choice]} It is on record.`}>{next && <p>{next}</p>}</Notice>;
  }
  if (doing.kind !== "refused") return null;
  const { problem, choice, seen } = doing;
  const mine = problem.status === 0 && problem.code === "unreachable" ? "" : `Your ${noun[choice]} was not recorded.`;
  const other = changed(seen, brief);
  const stale = problem.code === "view_changed";
  return (
    <Notice answers kind={problem.status >= 500 || problem.status === 403 ? "bad" : "warn"} icon={problem.code === "self_approval" ? "ban" : "circle-alert"} title={stale ? "Read it again before you decide." : sentence(problem.detail)}>
      <p>
        {stale && `${sentence(problem.detail)} `}{stale && other.length > 0 && `What changed: ${listed(other, "and")}. `}{mine} {sentence(problem.hint)} <span class="mono">{problem.code}</span>
      </p>
    </Notice>
  );
}

// Working says what is awaited in place of the buttons.
export function Working({ doing }: { doing: Doing }) {
  if (doing.kind === "passkey") {
    return (
      <div class="acts" role="status">
        <p class="lacks"><b>Your passkey is asked for.</b> Your device shows it now. What it signs names this command, this view and that you approve it, nothing else.</p>
        <button type="button" class="btn wide" onClick={doing.stop}>Do not sign</button>
      </div>
    );
  }
  if (doing.kind !== "writing") return null;
  return (
    <div class="acts" role="status">
      <button type="button" class="btn wide" aria-disabled="true"><Icon name="hourglass" />Writing your {noun[doing.choice]} to the ledger</button>
      <p class="soft">It counts once it is on record. If you close this page, History says whether it was.</p>
    </div>
  );
}
