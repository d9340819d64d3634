/** Says in words what a receipt that holds is about. */

import { parseCommand } from "./command";
import { outcomeOf } from "./conduct";
import { at, eventsOf, grouped, receiptOf, short, type Found } from "./found";
import type { Told } from "./report";
import { notDisclosed } from "./tally";
import { noTime, stamp } from "./time";

export function who(f: Found): readonly Told[] {
  return f.tally.decisions.map(({ decision, by, at }) => ({
    name: by.name === "" ? notDisclosed : by.name,
    id: by.id,
    choice: decision.choice,
    assurance: decision.assurance,
    at: stamp(at),
    reason: decision.reason,
    solo: decision.solo,
  }));
}

/** "demo-bot asked for create_refund on mcp/payments, prod" */
export function what(f: Found): string {
  const { who, body } = at(f.opened, 0);
  const opening = at(receiptOf(f).entries, 0).command;
  if (who.actor.name === "" && opening === null && body === null) {
    return notDisclosed;
  }
  let [tool, where, environment] = [notDisclosed, notDisclosed, ""];
  if (opening !== null) {
    const command = parseCommand(opening.value);
    [tool, where] = [command.method, command.resource];
  }
  if (body?.kind === "requested") {
    [where, environment] = [body.resource.name, body.resource.environment];
    tool = body.facts.tool === "" ? tool : body.facts.tool;
  }
  const asker = who.actor.name === "" ? notDisclosed : who.actor.name;
  return `${asker} asked for ${tool} on ${where}` + (environment === "" ? "" : `, ${environment}`);
}

/** The last verdict: "held by refund-over-100, policy 823412d1" */
export function why(f: Found): string {
  const events = eventsOf(f);
  for (let i = events.length - 1; i >= 0; i--) {
    const { kind, open } = at(events, i);
    const body = at(f.opened, i).body;
    if (kind !== "denied" && kind !== "allowed" && kind !== "held") {
      continue;
    }
    if (body?.kind === "denied" && body.because !== "") {
      return `denied: ${body.because}, policy ${short(open.policy)}`;
    }
    const judged = body?.kind === "denied" || body?.kind === "allowed" || body?.kind === "held";
    const rules = judged ? body.verdict.rules.filter((r) => r.counts) : open.rules;
    const names = rules.length === 0 ? "default" : rules.map((r) => r.id).join(", ");
    return `${kind} by ${names}, policy ${short(open.policy)}`;
  }
  return "not judged yet";
}

/** "succeeded 2026-11-19 16:18:45.814 UTC, 412 bytes" */
export function outcome(f: Found): string {
  const events = eventsOf(f);
  const { state } = at(events, events.length - 1);
  switch (state.execution) {
    case "running":
      return "released, no outcome on record yet";
    case "unknown":
      return "unknown: nobody can tell whether it ran";
    case "none":
      return "did not run: " + state.decision;
  }
  const end = [...events].reverse().find((st) => st.kind === "completed" || st.kind === "resolved")?.at ?? noTime;
  const ran = outcomeOf(f);
  const size = ran === null || ran.bytes === "" ? "" : `, ${grouped(ran.bytes)} bytes`;
  const detail = ran === null || ran.detail === "" ? "" : `: ${ran.detail}`;
  return `${state.execution} ${stamp(end).replace("T", " ").replace("Z", " UTC")}${size}${detail}`;
}
