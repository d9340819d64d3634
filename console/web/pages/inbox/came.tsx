import { useEffect, useRef } from "preact/hooks";
import { sentence, count, plural } from "../../app/words";
import { Notice } from "../../parts/notice";
import { Spans } from "../../parts/spans";
import { noun } from "../request/decide";
import { said, type Several } from "./several";

// CameOfSeveral says where several choices stand, and what came of each that came
// to nothing. It outlives the rows, which go as they are decided, and stays in sight
// wherever on the page the choice was made.
export function CameOfSeveral({ of: several }: { of: Several }) {
  const box = useRef<HTMLDivElement>(null);
  const { kind } = several.going;
  useEffect(() => {
    // The button that was pressed is off, or gone with its row.
    if (kind !== "idle" && document.activeElement === document.body) box.current?.focus({ preventScroll: true });
  }, [kind]);
  return <div class={kind === "idle" ? "" : "board came"} ref={box} tabIndex={-1}><Going of={several} /></div>;
}

function Going({ of: several }: { of: Several }) {
  const { going } = several;
  switch (going.kind) {
    case "idle":
      return null;
    case "writing":
      return <Notice icon="hourglass" title={`Writing ${plural(going.of, noun[going.choice], `${noun[going.choice]}s`)} to the ledger.`}><p>Each counts once it is on record.</p></Notice>;
    case "signing":
      return (
        <Notice icon="fingerprint-pattern" title={`Your passkey is asked for: ${count(going.nth)} of ${count(going.of)}.`}>
          <p><Spans of={going.now.sentence} /></p>
          <progress max={going.of} value={going.nth - 1} aria-label="Signed so far" />
          <p>What it signs names this one command, this view and that you approve it, nothing else.</p>
          <div class="acts"><button type="button" class="btn small" onClick={going.stop}>Do not sign this, and stop</button></div>
        </Notice>
      );
    case "over": {
      const { made, failed, left, choice, reason } = going;
      return (
        <Notice answers kind={failed.length + left.length > 0 ? "warn" : "done"} title={`${said(choice, made)}${made > 0 ? " It is on record." : ""}`}>
          {failed.length > 0 && (
            <ul class="failed">{failed.map((f) => <li key={f.brief.id}><a class="mono" href={`/r/${f.brief.id}`}>{f.brief.id}</a>: {sentence(f.problem.detail)} <span class="mono">{f.problem.code}</span></li>)}</ul>
          )}
          {left.length > 0 && <p>The passkey was not used for {plural(left.length, "request", "requests")}, so of {left.length === 1 ? "it" : "them"} nothing was recorded.</p>}
          <div class="acts">
            {left.length > 0 && <button type="button" class="btn small" onClick={() => void several.approve(left, reason)}>Go on with the {count(left.length)} left</button>}
            <button type="button" class="btn small plain" onClick={several.forget}>Put this away</button>
          </div>
        </Notice>
      );
    }
  }
}
