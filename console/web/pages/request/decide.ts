import { useRef, useState } from "preact/hooks";
import { announce } from "../../app/announce";
import { at, post, problemOf, type Problem } from "../../app/api";
import { sign } from "../../app/passkey";
import type { Brief, Choice } from "../../app/types";

// Doing is where the reader's own choice stands. It is made only once the server
// has answered that the ledger has it.
export type Doing =
  | { kind: "idle" }
  | { kind: "passkey"; stop: () => void }
  | { kind: "writing"; choice: Choice }
  | { kind: "made"; choice: Choice }
  | { kind: "refused"; choice: Choice; problem: Problem; seen: Brief };

export interface Said {
  reason: string;
  to?: string;
}

export interface Decide {
  doing: Doing;
  choose: (choice: Choice, said: Said) => Promise<void>;
  forget: () => void;
}

// After these the page shows what is there now.
const stale = new Set(["already_settled", "already_decided", "view_changed", "conflict", "digest_mismatch", "expired", "withdrawn", "denied"]);

// useDecide takes the choices; dwell is for how long the command was in view.
export function useDecide(brief: Brief, reload: () => void, dwell: () => number): Decide {
  const [doing, set] = useState<Doing>({ kind: "idle" });
  const busy = useRef(false);
  const choose = async (choice: Choice, said: Said) => {
    if (busy.current) return;
    busy.current = true;
    const about = { choice, digest: brief.command.digest, view_digest: brief.view_digest, reason: said.reason, to: said.to };
    try {
      let assertion: Awaited<ReturnType<typeof sign>> | undefined;
      if (choice === "approve" && brief.you?.needs === "passkey") {
        const stop = new AbortController();
        set({ kind: "passkey", stop: () => stop.abort() });
        assertion = await sign(at("requests", brief.id, "challenge"), about, stop.signal);
      }
      set({ kind: "writing", choice });
      await post(at("requests", brief.id, "decisions"), { ...about, assertion, dwell_ms: dwell() });
      set({ kind: "made", choice });
      announce(`${made[choice]} It is on record.`);
      reload();
    } catch (e) {
      const problem = problemOf(e);
      set({ kind: "refused", choice, problem, seen: brief });
      if (stale.has(problem.code)) reload();
    } finally {
      busy.current = false;
    }
  };
  return { doing, choose, forget: () => set({ kind: "idle" }) };
}

export const made: Record<Choice, string> = { approve: "You approved it.", reject: "You rejected it.", escalate: "You escalated it." };
export const noun: Record<Choice, string> = { approve: "approval", reject: "rejection", escalate: "escalation" };

// changed names the parts of a view that are not what they were.
export function changed(before: Brief, after: Brief): string[] {
  const parts: readonly [string, (b: Brief) => unknown][] = [
    ["the sentence", (b) => b.sentence], ["the facts", (b) => b.facts], ["the command", (b) => b.command], ["what it would touch", (b) => b.touches],
    ["the rules", (b) => b.why], ["the risk indicators", (b) => b.indicators], ["the claim", (b) => b.claim], ["the bounds", (b) => b.bounds],
    ["who decides", (b) => [b.deciders.stages.map((s) => [s.groups, s.quorum, s.assurance]), b.deciders.barred]], ["why it waits again", (b) => b.because],
  ];
  return parts.filter(([, of]) => JSON.stringify(of(before)) !== JSON.stringify(of(after))).map(([name]) => name);
}
