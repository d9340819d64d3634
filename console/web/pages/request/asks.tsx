import { useState } from "preact/hooks";
import { problemOf, type Problem } from "../../app/api";
import { Dialog } from "../../parts/dialog";
import { ProblemNotice } from "../../parts/notice";
import { Field, Reason } from "../../parts/field";

// RejectAsk asks why; the agent sees it.
export function RejectAsk({ undo, many = 1, was, onClose, onReason }: { undo: boolean; many?: number; was: string; onClose: () => void; onReason: (reason: string) => void }) {
  const [reason, set] = useState(was);
  return (
    <Dialog title={undo ? "Take your approval back" : many > 1 ? `Reject ${many} requests` : "Reject this request"} onClose={onClose}>
      <form class="stack" onSubmit={(e) => { e.preventDefault(); onReason(reason.trim()); }}>
        <p class="soft">{undo ? "It has not run. Rejecting it now means that it never will under this request." : `One person is enough, and no passkey is needed. ${many > 1 ? "None of them" : "It"} will ${many > 1 ? "" : "not "}run; if the agent asks again, that is a new request.`}</p>
        <Reason value={reason} onValue={set} help="The agent sees it. At most 280 characters." required />
        <div class="acts two"><button class="btn solid" disabled={reason.trim() === ""}>{undo ? "Reject after all" : "Reject"}</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
      </form>
    </Dialog>
  );
}

// EscalateAsk asks whom else, and why.
export function EscalateAsk({ groups, was, onClose, onAsk }: { groups: readonly string[]; was: string; onClose: () => void; onAsk: (to: string, reason: string) => void }) {
  const [reason, set] = useState(was);
  const [to, choose] = useState("");
  const ready = to !== "" && reason.trim() !== "";
  return (
    <Dialog title="Escalate this request" onClose={onClose}>
      <form class="stack" onSubmit={(e) => { e.preventDefault(); if (ready) onAsk(to, reason.trim()); }}>
        <p class="soft">Somebody of the group that you name must approve as well. It never takes a signature away that is needed now.</p>
        <Field label="Group that must approve as well">{(id) => (
          <select id={id} value={to} required onChange={(e) => choose(e.currentTarget.value)}><option value="">Choose a group</option>{groups.map((g) => <option key={g}>{g}</option>)}</select>
        )}</Field>
        <Reason value={reason} onValue={set} help="The group and the agent see it. At most 280 characters." required />
        <div class="acts two"><button class="btn solid" disabled={!ready}>Escalate</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
      </form>
    </Dialog>
  );
}

// RevealAsk asks why somebody wants to see what was left out; that goes on record.
export function RevealAsk({ onClose, onReason }: { onClose: () => void; onReason: (reason: string) => Promise<void> }) {
  const [reason, set] = useState("");
  const [problem, fail] = useState<Problem>();
  const [asking, ask] = useState(false);
  const reveal = async () => {
    ask(true);
    try {
      await onReason(reason.trim());
    } catch (e) {
      fail(problemOf(e));
      ask(false);
    }
  };
  return (
    <Dialog title="Reveal what was left out" onClose={onClose}>
      <form class="stack" onSubmit={(e) => { e.preventDefault(); void reveal(); }}>
        <p class="soft">Values that may be personal or secret are left out of this view. Revealing them is an event of this request: who, when and why stand on record.</p>
        {problem && <ProblemNotice of={problem} />}
        <Reason value={reason} onValue={set} help="It goes on record. At most 280 characters." required />
        <div class="acts two"><button class="btn solid" disabled={asking || reason.trim() === ""}>{asking ? "Writing it to the ledger" : "Reveal, on record"}</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
      </form>
    </Dialog>
  );
}
