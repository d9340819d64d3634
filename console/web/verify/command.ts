/** Commands: the exact thing that ran, in its one spelling, and its digest. */

import { hex, quoted, sha256, utf8 } from "./bytes";
import { isObject, parse, write, type Json } from "./json";
import { counter, digest, member, record, text } from "./shape";

/** What is told of a command. */
export interface Command {
  readonly kind: string;
  readonly resource: string;
  /** The upstream it is for, hex; null for a kind that has none, empty if there is none. */
  readonly target: string | null;
  /** "tools/call", or the kind where there is no method. */
  readonly method: string;
}

const mcpShape = record({ kind: text, method: text, params: text, resource: text, target: digest, tool: digest });
const controlShape = record({ body: text, body_kind: text, entity: text, from: counter, kind: text, resource: text });

/** Reads the canonical bytes of a command; it throws what is wrong. */
export function parseCommand(canonical: string): Command {
  const v = parse(canonical);
  const kind = isObject(v) ? v.get("kind") : undefined;
  if (kind === "mcp.request") {
    return mcpRequest(v, canonical);
  }
  if (kind === "control.change") {
    return control(v, canonical);
  }
  throw new Error(`command: unknown kind ${quoted(typeof kind === "string" ? kind : "")}`);
}

function mcpRequest(v: Json, canonical: string): Command {
  const w = member(mcpShape, v, "");
  if (w.params !== "") {
    parse(w.params);
  }
  const all = new Map([["kind", w.kind], ["method", w.method], ["resource", w.resource]]);
  for (const [name, value] of [["params", w.params], ["target", prefixed(w.target)], ["tool", prefixed(w.tool)]] as const) {
    if (value !== "") {
      all.set(name, value);
    }
  }
  demand(all, canonical);
  return { kind: w.kind, resource: w.resource, target: w.target, method: w.method };
}

function control(v: Json, canonical: string): Command {
  const w = member(controlShape, v, "");
  parse(w.body);
  if (w.resource !== "countersign") {
    throw new Error("command: a change of the control plane is on countersign");
  }
  demand(new Map(Object.entries({ ...w, from: String(w.from) })), canonical);
  return { kind: w.kind, resource: w.resource, target: null, method: w.kind };
}

function prefixed(digits: string): string {
  return digits === "" ? "" : "sha256:" + digits;
}

function demand(all: ReadonlyMap<string, string>, canonical: string): void {
  const want = write(all);
  if (want !== canonical) {
    throw new Error(`command: the bytes are not canonical; want ${want}`);
  }
}

/** SHA-256("countersign/command/v1" 0x0A canonical), in hex. */
export async function digestOf(canonical: string): Promise<string> {
  return hex(await sha256(utf8("countersign/command/v1\n" + canonical)));
}
