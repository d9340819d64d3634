/** Counts decisions as the events come, and tells whether they met what was required. */

import { again, assurances, needing } from "./again";
import type { Body, Decision, Principal, Stage, Verdict, Who } from "./event";
import type { Statement } from "./leaf";
import { noTime, second, stamp, type Time } from "./time";

/** One decision with who made it and whether it still counts. */
export interface Counted {
  readonly decision: Decision;
  readonly by: Principal;
  readonly at: Time;
  readonly version: bigint;
  /** Why it does not count any more, empty while it does. */
  void: string;
}

export interface Tally {
  stages: readonly Stage[];
  bounds: ReadonlyMap<string, string>;
  expires: Time;
  /** For how long a complete approval lives, in nanoseconds. */
  within: bigint;
  runBy: Time;
  decisions: Counted[];
  /** Ids of who asked, for whom, and who stands behind them. */
  barred: string[];
  /** Something that would have to be counted is not disclosed. */
  hidden: boolean;
  /** Of the last held event, with what it has come to need since; null if that is not disclosed. */
  verdict: Verdict | null;
  /** The stages of escalations. */
  added: Stage[];
}

export const notDisclosed = "not disclosed";

const skew = 60n * second;
export function newTally(): Tally {
  return {
    stages: [], bounds: new Map(), expires: noTime, within: 0n, runBy: noTime, decisions: [], barred: [], hidden: false,
    verdict: null, added: [],
  };
}

/** Takes one event in; body is null where it is not disclosed. */
export function take(t: Tally, st: Statement, who: Who, body: Body | null): void {
  if (st.version === 1n) {
    t.hidden = who.actor.id === "";
    t.barred.push(...[...who.on_behalf_of, who.actor].flatMap((p) => [p.id, p.owner]));
  }
  if (body === null) {
    takeHidden(t, st, who);
    return;
  }
  if (body.kind === "decided" || body.kind === "escalated") {
    t.hidden ||= who.actor.id === "";
    t.decisions.push({ decision: body.decision, by: who.actor, at: st.at, version: st.version, void: "" });
  }
  switch (body.kind) {
    case "requested":
      t.barred.push(...body.barred);
      break;
    case "held":
      takeHeld(t, body);
      break;
    case "decided":
      t.runBy = body.run_by;
      if (t.runBy > st.at + t.within + skew) {
        throw new Error(`the approval lives until ${stamp(t.runBy)}, and may only until ${stamp(st.at + t.within + skew)}`);
      }
      break;
    case "escalated":
      if (st.open.actor === "agent" || st.open.actor === "operator") {
        throw new Error(`it is escalated by ${who.actor.id}, who is no person`);
      }
      t.stages = [...t.stages, body.stage];
      t.added.push(body.stage);
      t.verdict = needing(t.verdict, t.stages, st.open.actor);
  }
}

function takeHeld(t: Tally, b: Body & { readonly kind: "held" }): void {
  const r = b.verdict.requirement;
  if (r === null) {
    throw new Error("it is held and requires nothing");
  }
  again(t.verdict, t.added, b.verdict, b.void);
  t.verdict = b.verdict;
  [t.stages, t.bounds, t.expires, t.runBy] = [r.stages, r.bounds, r.expires_at, noTime];
  t.within = BigInt(r.run_within_s) * second;
  for (const d of t.decisions) {
    if (b.void.includes(d.by.id) || b.void.includes("*")) {
      d.void = b.because === "" ? "void" : b.because;
    }
  }
}

/** Takes what a leaf says in the open of an event whose context is not disclosed. */
function takeHidden(t: Tally, st: Statement, who: Who): void {
  const { choice, assurance, solo, run_by } = st.open;
  switch (st.kind) {
    case "decided":
    case "escalated": {
      const decision = { choice, assurance, solo, digest: "", view: "", reason: "", to: "", channel: "", dwell_ms: 0 };
      const by = { ...who.actor, kind: "", id: "", name: "" };
      t.decisions.push({ decision, by, at: st.at, version: st.version, void: "" });
      t.hidden = true;
      t.runBy = run_by === noTime ? t.runBy : run_by;
      t.verdict = st.kind === "escalated" ? null : t.verdict;
      break;
    }
    case "held":
      [t.hidden, t.runBy, t.verdict] = [true, noTime, null];
  }
}

/**
 * Checks that the approvals which a release names were there, counted, and
 * enough, for what was asked when it was held and for what the policy asked when
 * it was released. Returns what to say of it.
 */
export function released(t: Tally, st: Statement, body: Body | null): string {
  if (st.state.decision === "allowed") {
    if (st.open.approvals.length > 0) {
      throw new Error("the policy allowed it, and it names approvals");
    }
    return "none needed: the policy allowed it";
  }
  if (t.hidden || body?.kind !== "released") {
    return notDisclosed;
  }
  if (body.verdict === null || body.verdict.effect === "deny" || body.verdict.policy !== body.policy) {
    throw new Error("nothing says that the policy still let it when it was released");
  }
  if (body.verdict.requirement?.frozen) {
    throw new Error("it was released in a freeze: " + (body.verdict.requirement.closed ?? []).join("; "));
  }
  const approvals: Counted[] = [];
  for (const version of st.open.approvals) {
    const found = t.decisions.find((d) => d.version === BigInt(version));
    if (found === undefined) {
      throw new Error(`it names version ${version} as an approval, which is none`);
    }
    const why = uncounted(t, found, approvals);
    if (why !== "") {
      throw new Error(`version ${version} does not count: ${why}`);
    }
    approvals.push(found);
  }
  if (body.verdict.requirement !== null) {
    try {
      meets(body.verdict.requirement.stages, approvals);
    } catch (e) {
      throw new Error("as the policy was at release: " + (e instanceof Error ? e.message : String(e)));
    }
  }
  return meets(t.stages, approvals);
}

/** Why an approval does not count, empty if it does. */
function uncounted(t: Tally, d: Counted, earlier: readonly Counted[]): string {
  if (d.decision.choice !== "approve") {
    return `its choice is ${d.decision.choice}`;
  }
  if (d.void !== "") {
    return `it became void: ${d.void}`;
  }
  if (d.by.kind !== "person") {
    return `it is by ${d.by.id}, who is no person`;
  }
  if (t.barred.includes(d.by.id)) {
    return `${d.by.name} asked for it, or stands behind who asked`;
  }
  if (earlier.some((e) => e.by.id === d.by.id)) {
    return `${d.by.name} counts once`;
  }
  if (d.at > t.expires) {
    return `it came at ${stamp(d.at)}, after the request expired at ${stamp(t.expires)}`;
  }
  return assurances.includes(d.decision.assurance) ? "" : `its assurance ${d.decision.assurance} is unknown`;
}

/**
 * Places the approvals, strongest first, in the places that the stages offer, most
 * demanding first: if any placing meets them all, this one does.
 */
function meets(stages: readonly Stage[], approvals: readonly Counted[]): string {
  const wanted = stages.reduce((n, s) => n + s.quorum, 0);
  const groups = stages.map((s) => (s.reviewers ?? []).join(" or ")).join(", ");
  if (stages.some((s) => s.quorum < 1)) {
    throw new Error("a stage needs no people");
  }
  if (wanted === 0 || wanted > approvals.length) {
    throw new Error(`${Math.min(wanted, approvals.length)} of ${wanted} places can be met (${groups})`);
  }
  const places = stages.flatMap((s) => Array<number>(s.quorum).fill(place(s.assurance))).sort(descending);
  const have = approvals.map((a) => assurances.indexOf(a.decision.assurance)).sort(descending);
  if (places.some((p, i) => (have[i] ?? -1) < p)) {
    throw new Error(`not all of ${wanted} places are met (${groups})`);
  }
  return `${approvals.length} of ${wanted} of ${groups}`;
}

/** How demanding a place is: a word that nobody knows is met by nothing. */
function place(assurance: string): number {
  const i = assurances.indexOf(assurance);
  return i < 0 ? assurances.length : i;
}

function descending(a: number, b: number): number {
  return b - a;
}
