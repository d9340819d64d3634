import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../../app/session";
import { youOf, type Brief } from "../../app/types";
import { Digest } from "../../parts/digest";
import { Line, Reason } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Shut, useShut } from "../../parts/shut";
import { Working } from "./came";
import type { Decide } from "./decide";
import { Lacks } from "./decision";

// useReached says once both the end of the command and this element were on
// the screen.
function useReached(end: RefObject<HTMLElement | null>): boolean {
  const [seen, set] = useState({ command: false, page: false });
  useEffect(() => {
    const command = document.querySelector("[data-end]");
    const watch = new IntersectionObserver((entries) => {
      for (const e of entries) if (e.isIntersecting) set((s) => (e.target === command ? { ...s, command: true } : { ...s, page: true }));
    });
    if (command) watch.observe(command);
    if (end.current) watch.observe(end.current);
    return () => watch.disconnect();
  }, [end]);
  return seen.command && seen.page;
}

// ApproveSteps is the way to approve something critical: four steps, after all
// evidence.
export function ApproveSteps({ brief, decide, onReveal }: { brief: Brief; decide: Decide; onReveal: () => void }) {
  const end = useRef<HTMLOListElement>(null);
  const { status } = useSession();
  const reached = useReached(end);
  const [compared, compare] = useState(false);
  const [name, setName] = useState("");
  const [reason, setReason] = useState("");
  const you = youOf(brief);
  const { deciders } = brief;
  const may = you.may.includes("approve") && brief.approvable;
  const named = name === you.type_name && (!you.reason_required || reason.trim() !== "");
  const shut = useShut(brief.deciders.closed);
  const ready = reached && compared && named && !shut && status.kind !== "off";
  const more = deciders.needed - deciders.signed - 1;
  const passkey = you.needs === "passkey";
  return (
    <section class="panel approve" id="approve" aria-labelledby="h-app">
      <header><h2 id="h-app">To approve instead</h2><span class="end">{may ? `four steps, then yours is ${deciders.signed + 1} of ${deciders.needed}` : ""}</span></header>
      <div class="body">
        {!may && <><p class="lab">Digest</p><Digest words={brief.command.words} wide /><Lacks brief={brief} onReveal={onReveal} /></>}
        {may && (
          <ol class="ladder" ref={end}>
            <li class={reached ? "done" : ""}><p>Read to the end of the command and of this page</p></li>
            <li class={compared ? "done" : ""}>
              <p>Compare these words with every other place that shows this request</p>
              <Digest words={brief.command.words} wide />
              <label class="tick"><input type="checkbox" checked={compared} onChange={(e) => compare(e.currentTarget.checked)} />They are the same, or it is shown nowhere else</label>
            </li>
            <li class={named ? "done" : ""}>
              <Line label="Type the name of the resource" help="It stands in the first sentence." value={name} onValue={setName} mono required />
              {you.reason_required && <Reason value={reason} onValue={setReason} help="Needed to approve. The agent sees it." required />}
            </li>
            <li>
              {shut && <Shut of={shut} />}
              {decide.doing.kind === "passkey" || decide.doing.kind === "writing" ? <Working doing={decide.doing} /> : (
                <button type="button" class="btn" aria-disabled={ready ? undefined : "true"} onClick={() => ready && void decide.choose("approve", { reason: reason.trim() })}>
                  <Icon name={passkey ? "fingerprint-pattern" : "check"} />{passkey ? "Approve with passkey" : "Approve, run once"}
                </button>
              )}
              <p class="faint">{more > 0 ? `Nothing runs yet: ${more === 1 ? "one more person" : `${more} more people`} must do the same.` : "Yours is the last signature: it runs at once, and once."}</p>
            </li>
          </ol>
        )}
      </div>
    </section>
  );
}
