import { useRef, useState } from "preact/hooks";
import { announce } from "../../app/announce";
import { at, post, problemOf, type Problem } from "../../app/api";
import { sign } from "../../app/passkey";
import type { Brief, Choice } from "../../app/types";
import { plural } from "../../app/words";

// Chosen is a request that somebody has read, with what they read of it.
export interface Chosen {
  brief: Brief;
  // dwell is for how long its command was in view, in milliseconds.
  dwell: number;
}
export interface Failed {
  brief: Brief;
  problem: Problem;
}
// Going is where several choices stand that were begun together.
export type Going =
  | { kind: "idle" }
  | { kind: "writing"; choice: Choice; of: number }
  | { kind: "signing"; now: Brief; nth: number; of: number; stop: () => void }
  | { kind: "over"; choice: Choice; made: number; failed: readonly Failed[]; left: readonly Chosen[]; reason: string };

export interface Several {
  going: Going;
  busy: boolean;
  approve: (chosen: readonly Chosen[], reason: string) => Promise<void>;
  rejectOne: (chosen: Chosen, reason: string) => Promise<void>;
  rejectAll: (chosen: readonly Chosen[], reason: string) => Promise<void>;
  forget: () => void;
}

const mostInACall = 100;
interface Came {
  made: number;
  failed: Failed[];
}

// together sends one choice on several in one call; the server decides each by
// itself, and says of each what came of it.
async function together(came: Came, choice: Choice, chosen: readonly Chosen[], reason: string): Promise<void> {
  for (let i = 0; i < chosen.length; i += mostInACall) {
    const part = chosen.slice(i, i + mostInACall);
    const items = part.map(({ brief, dwell }) => ({ request: brief.id, digest: brief.command.digest, view_digest: brief.view_digest, dwell_ms: dwell }));
    let answer: { items: readonly { problem?: Problem }[] };
    try {
      answer = await post("/v1/decisions", { choice, reason, items });
    } catch (e) {
      came.failed.push(...part.map(({ brief }) => ({ brief, problem: problemOf(e) })));
      continue;
    }
    part.forEach(({ brief }, n) => {
      const problem = answer.items[n]?.problem;
      if (problem) came.failed.push({ brief, problem });
      else came.made++;
    });
  }
}

const about = ({ brief }: Chosen, choice: Choice, reason: string) => ({ choice, digest: brief.command.digest, view_digest: brief.view_digest, reason });
const record = (c: Chosen, choice: Choice, reason: string, assertion?: Awaited<ReturnType<typeof sign>>) =>
  post(at("requests", c.brief.id, "decisions"), { ...about(c, choice, reason), assertion, dwell_ms: c.dwell });

// signed takes the passkey of each in turn; what it returns was not asked for any more.
async function signed(came: Came, chosen: readonly Chosen[], reason: string, show: (g: Going) => void): Promise<readonly Chosen[]> {
  for (const [i, c] of chosen.entries()) {
    const stop = new AbortController();
    show({ kind: "signing", now: c.brief, nth: i + 1, of: chosen.length, stop: () => stop.abort() });
    announce(`Your passkey is asked for: ${i + 1} of ${chosen.length}.`);
    let assertion;
    try {
      assertion = await sign(at("requests", c.brief.id, "challenge"), about(c, "approve", reason), stop.signal);
    } catch (e) {
      const problem = problemOf(e);
      if (problem.status === 0) return chosen.slice(i); // the device, or whoever holds it, said no
      came.failed.push({ brief: c.brief, problem });
      continue;
    }
    try {
      await record(c, "approve", reason, assertion);
      came.made++;
    } catch (e) {
      came.failed.push({ brief: c.brief, problem: problemOf(e) });
    }
  }
  return [];
}

// useSeveral decides several requests: in one call where a session is enough, and
// else with a passkey's signature for each, one after the other.
export function useSeveral(reload: () => void): Several {
  const [going, set] = useState<Going>({ kind: "idle" });
  const busy = useRef(false);

  const run = async (choice: Choice, reason: string, work: (came: Came) => Promise<readonly Chosen[]>) => {
    if (busy.current) return;
    busy.current = true;
    const came: Came = { made: 0, failed: [] };
    const left = await work(came);
    busy.current = false;
    set({ kind: "over", choice, ...came, left, reason });
    announce(said(choice, came.made) + (came.failed.length > 0 ? ` ${plural(came.failed.length, "was", "were")} not.` : ""));
    reload();
  };
  const all = async (came: Came, choice: Choice, chosen: readonly Chosen[], reason: string) => {
    if (chosen.length === 0) return;
    set({ kind: "writing", choice, of: chosen.length });
    await together(came, choice, chosen, reason);
  };
  const approve = (chosen: readonly Chosen[], reason: string) => run("approve", reason, async (came) => {
    const plain = chosen.filter((c) => c.brief.you?.needs !== "passkey");
    await all(came, "approve", plain, reason);
    return signed(came, chosen.filter((c) => c.brief.you?.needs === "passkey"), reason, set);
  });
  const rejectAll = (chosen: readonly Chosen[], reason: string) => run("reject", reason, async (came) => {
    await all(came, "reject", chosen, reason);
    return [];
  });
  const rejectOne = (chosen: Chosen, reason: string) => run("reject", reason, async (came) => {
    set({ kind: "writing", choice: "reject", of: 1 });
    try {
      await record(chosen, "reject", reason);
      came.made++;
    } catch (e) {
      came.failed.push({ brief: chosen.brief, problem: problemOf(e) });
    }
    return [];
  });
  return { going, busy: going.kind === "writing" || going.kind === "signing", approve, rejectOne, rejectAll, forget: () => set({ kind: "idle" }) };
}

const deeds: Record<Choice, string> = { approve: "approved", reject: "rejected", escalate: "escalated" };
export const said = (choice: Choice, n: number): string => (n === 0 ? `Nothing was ${deeds[choice]}.` : `You ${deeds[choice]} ${plural(n, "request", "requests")}.`);
