/** Checks a request that is held once more. */

import type { Stage, Verdict } from "./event";
import { stamp } from "./time";

/** The words for how surely somebody is known, each above the one before it. */
export const assurances = ["", "chat", "session", "passkey"];

/**
 * Throws unless a request that is held once more keeps the stages that escalations
 * added, and, unless all its approvals became void, the verdict it had with what it
 * had come to need. It may only be approved earlier.
 */
export function again(had: Verdict | null, added: readonly Stage[], now: Verdict, voided: readonly string[]): void {
  const left = [...(now.requirement?.stages ?? [])];
  for (const s of added) {
    const i = left.findIndex((l) => same(l.reviewers ?? [], s.reviewers ?? []) && l.quorum >= s.quorum && meets(l.assurance, s.assurance));
    if (i < 0) {
      throw new Error(`it is held again without the stage of ${(s.reviewers ?? []).join(" or ")} that an escalation added`);
    }
    left.splice(i, 1);
  }
  if (had === null || voided.includes("*")) {
    return;
  }
  const [before, after] = [had.requirement, now.requirement];
  if (before !== null && after !== null) {
    const { not_before, closed, frozen } = after;
    if (not_before > before.not_before) {
      throw new Error(`it is held again, and not before ${stamp(not_before)}`);
    }
    if (same({ ...had, requirement: { ...before, not_before, closed, frozen } }, now)) {
      return;
    }
  }
  throw new Error("it is held again under another verdict than it had");
}

/** The verdict of a request once an escalation left it these stages: the next rung of the ladder if the gateway added it. */
export function needing(v: Verdict | null, stages: readonly Stage[], by: string): Verdict | null {
  if (v === null || v.requirement === null) {
    return null;
  }
  const ladder = by === "gateway" ? v.requirement.ladder.slice(1) : v.requirement.ladder;
  return { ...v, requirement: { ...v.requirement, stages, ladder } };
}

function meets(assurance: string, wanted: string): boolean {
  return assurances.includes(wanted) && assurances.indexOf(assurance) >= assurances.indexOf(wanted);
}

/** Whether two values of one shape say the same. */
function same(a: unknown, b: unknown): boolean {
  if (a instanceof Map && b instanceof Map) {
    return same(sorted(a), sorted(b));
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return a === b;
  }
  const [one, two] = [Object.entries(a), new Map(Object.entries(b))];
  return one.length === two.size && one.every(([name, value]) => two.has(name) && same(value, two.get(name)));
}

function sorted(m: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...m].sort(([a], [b]) => (a < b ? -1 : 1));
}
