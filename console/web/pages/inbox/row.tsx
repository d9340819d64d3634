import { memo } from "../../parts/memo";
import type { Row } from "../../app/types";
import { Risk } from "../../parts/icon";
import { Pips } from "../../parts/pips";
import { Opens } from "../../parts/shut";
import { Outside, Spans } from "../../parts/spans";
import { Fuse } from "../../parts/time";

// InboxRow is one request that waits. Only its link acts: nothing is decided here.
export const InboxRow = memo(function InboxRow({ row, on }: { row: Row; on: boolean }) {
  const { hidden } = row;
  const tail = row.command[row.command.length - 1]?.text ?? "";
  const signed = row.stages.reduce((n, s) => n + Math.min(s.signed, s.quorum), 0);
  const needed = row.stages.reduce((n, s) => n + s.quorum, 0);
  const open = row.stages.find((s) => s.signed < s.quorum);
  return (
    <li class={`row${row.severity === "critical" ? " bar-critical" : ""}${on ? " on" : ""}`}>
      <Risk of={row.severity} />
      <div class="main">
        <a class="t" href={`/r/${row.id}`}><Spans of={row.sentence} /></a>
        <code class="c"><Spans of={row.command} />{row.cut && !tail.startsWith("...") && "…"}{row.cut && <span class="vh"> (cut here)</span>}</code>
        <p class="m">
          <span><Outside text={row.resource} /></span>
          {row.labels.filter((l) => l !== row.resource).map((l) => <span key={l}><Outside text={l} /></span>)}
          {hidden > 0 && <span><b class="critical">{hidden} hidden {hidden === 1 ? "character" : "characters"}</b></span>}
          {row.opens_at && <Opens at={row.opens_at} />}
          {row.note && <span><Outside text={row.note} /></span>}
        </p>
      </div>
      <div class="k"><span class="mono">{row.rule || "no rule"}</span><small>{open?.says ?? ""}</small></div>
      <div class="q"><Pips signed={signed} needed={needed} /></div>
      {row.expires_at ? <Fuse from={row.opens_at ?? row.asked_at} until={row.expires_at} /> : <span class="fuse" />}
    </li>
  );
});
