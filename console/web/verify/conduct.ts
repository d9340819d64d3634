/** Steps 9, 11 and 12: one command, enough approvals, one release, within its time and bounds. */

import { digestOf, parseCommand } from "./command";
import type { Outcome as Ran } from "./event";
import {
  at, eventsOf, failed, grouped, hashLines, leafName, ok, receiptOf, said, short, type Found, type Outcome,
} from "./found";
import { released, take } from "./tally";
import { noTime, second, stamp } from "./time";

/** Compares the command with what each decision says it decided. */
export async function digested(f: Found): Promise<Outcome> {
  const command = at(receiptOf(f).entries, 0).command;
  let [known, from] = ["", "command"];
  if (command !== null) {
    try {
      parseCommand(command.value);
    } catch (e) {
      return failed("no command", said(e));
    }
    known = await digestOf(command.value);
  }
  for (const i of eventsOf(f).keys()) {
    const body = at(f.opened, i).body;
    if (body?.kind !== "decided" && body?.kind !== "escalated") {
      continue;
    }
    const { digest } = body.decision;
    if (known === "") {
      [known, from] = [digest, "earlier"];
    } else if (digest !== known) {
      return failed("another", leafName(f, i), ...hashLines("decided", digest.padEnd(64, "0"), from, known));
    }
  }
  f.digest = known;
  return ok(command === null ? "the command is not disclosed" : short(known));
}

/** Re-derives from the decisions that the requirement was met at release. Who is in which group is not in a receipt. */
export function required(f: Found): Outcome {
  let detail = "not released";
  for (const [i, st] of eventsOf(f).entries()) {
    const { who, body } = at(f.opened, i);
    try {
      if (st.kind === "released") {
        detail = released(f.tally, st, body);
      }
      take(f.tally, st, who, body);
    } catch (e) {
      return failed("not met", leafName(f, i), said(e));
    }
  }
  return ok(detail);
}

/** Checks how the command ran: once, where it should, before the approval lapsed, within bounds. */
export function ended(f: Found): Outcome {
  const events = eventsOf(f);
  const releases = [...events.keys()].filter((i) => at(events, i).kind === "released");
  const [first, ...others] = releases;
  if (first === undefined) {
    return ok("not released");
  }
  if (others.length > 0) {
    return failed("twice", ...releases.map((i) => leafName(f, i)));
  }
  try {
    checkPlace(f, first);
    checkTime(f, first);
    switch (events.at(-1)?.state.execution) {
      case "running":
        return ok("once; no outcome on record yet");
      case "unknown":
        return ok("once; the outcome is unknown");
      case "failed":
        return ok("once; failed");
    }
    return ok(withinBounds(f, first));
  } catch (e) {
    return failed("no", leafName(f, first), said(e));
  }
}

/** Checks that the release is for the resource and target of the command. */
function checkPlace(f: Found, i: number): void {
  const opening = at(receiptOf(f).entries, 0).command;
  if (opening === null) {
    return;
  }
  const command = parseCommand(opening.value);
  const { executor } = at(f.statements, i).open;
  if (command.resource !== executor) {
    throw new Error(`it is released for ${JSON.stringify(executor)}, and the command is on ${JSON.stringify(command.resource)}`);
  }
  const body = at(f.opened, i).body;
  if (body?.kind === "released" && command.target !== null && body.target !== command.target) {
    throw new Error(`it is released for the target ${short(body.target)}, and the command is for ${short(command.target)}`);
  }
}

function checkTime(f: Found, i: number): void {
  const st = at(f.statements, i);
  const { runBy, bounds } = f.tally;
  if (st.state.decision === "allowed") {
    return;
  }
  if (runBy === noTime) {
    throw new Error("no event says until when the approval lives");
  }
  if (st.at > runBy) {
    throw new Error(`it is released at ${stamp(st.at)}, and the approval lapsed at ${stamp(runBy)}`);
  }
  for (const [name, limit] of bounds) {
    const bound = st.open.bounds.get(name) ?? "";
    if (over(bound, limit)) {
      throw new Error(`it is released with ${name} ${JSON.stringify(bound)}, and approved with ${limit}`);
    }
  }
}

/** Whether a decimal number is above the limit, or is none. */
function over(value: string, limit: string): boolean {
  const [n, most] = [int64(value), int64(limit)];
  return n === null || most === null || n > most;
}

function int64(text: string): bigint | null {
  const n = /^[+-]?[0-9]+$/.test(text) ? BigInt(text.replace(/^\+/, "")) : null;
  return n === null || BigInt.asIntN(64, n) !== n ? null : n;
}

/** Checks what a successful outcome says of itself. */
function withinBounds(f: Found, i: number): string {
  const { bounds } = at(f.statements, i).open;
  const outcome = outcomeOf(f);
  if (outcome === null) {
    return "once; succeeded";
  }
  const seconds = (outcome.finished_at - outcome.started_at) / second;
  for (const [name, used] of [["bytes", outcome.bytes], ["seconds", String(seconds)]] as const) {
    const limit = bounds.get(name);
    if (limit !== undefined && used !== "" && over(used, limit)) {
      throw new Error(`it used ${used} ${name}, and the bound is ${limit}`);
    }
  }
  const limit = bounds.get("bytes");
  return limit === undefined || outcome.bytes === "" ? "once; succeeded" : `once; ${grouped(outcome.bytes)} of ${grouped(limit)} bytes`;
}

/** The last outcome that is disclosed. */
export function outcomeOf(f: Found): Ran | null {
  const bodies = f.opened.map((o) => o.body).reverse();
  const last = bodies.find((b) => b?.kind === "completed" || b?.kind === "resolved");
  return last?.kind === "completed" || last?.kind === "resolved" ? last.outcome : null;
}
