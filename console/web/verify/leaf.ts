/** Leaves: in-toto Statements about one event each, in one spelling (docs/log-format.md, section 4). */

import { sizeOf, write, type Json } from "./json";
import { stage, type Body, type Stage, type Verdict } from "./event";
import type { State } from "./moves";
import { counter, digest, document, flag, hash, integer, list, mapOf, record, text, type Of } from "./shape";
import { millis, noTime, stamp, stampedTime, type Time } from "./time";

const statementType = "https://in-toto.io/Statement/v1";
const predicateType = "https://github.com/countersignhq/countersign/event/v1";
const maxLeaf = 8 << 10;

const open = {
  actor: text,
  assurance: text,
  effect: text,
  rules: list(record({ id: text, value: text })),
  policy: digest,
  understanding: text,
  stages: list(stage),
  expires_at: stampedTime,
  choice: text,
  code: text,
  run_by: stampedTime,
  solo: flag,
  executor: text,
  approvals: list(integer),
  bounds: mapOf(text),
  bytes: text,
  unsafe_same_user: flag,
};

const openShape = record(open);
const leafShape = record({
  _type: text,
  predicateType: text,
  predicate: record({
    ...open,
    kind: text,
    version: counter,
    at: stampedTime,
    prev: hash,
    decision: text,
    execution: text,
    who: hash,
    context: hash,
  }),
  subject: list(record({ name: text, digest: record({ "countersign-commitment-v1": hash }) })),
});

/** What a leaf says of an event in the open. */
export type Public = Of<typeof openShape>;

/** What a leaf says. Hashes are hex, empty where there is none. */
export interface Statement {
  readonly request: string;
  readonly version: bigint;
  readonly kind: string;
  readonly at: Time;
  readonly state: State;
  readonly open: Public;
  readonly prev: string;
  /** The commitment to the request's command; empty for an entity. */
  readonly command: string;
  readonly who: string;
  readonly context: string;
}

/** Whether the id is of an entity of the control plane and of no request. */
export function isEntity(id: string): boolean {
  return !id.startsWith("req_");
}

/** Reads a leaf in its one spelling; it throws what is wrong. */
export function parseLeaf(leaf: string): Statement {
  if (sizeOf(leaf) > maxLeaf) {
    throw new Error(`leaf: ${sizeOf(leaf)} bytes, want at most ${maxLeaf}`);
  }
  const w = document(leafShape, leaf);
  const { kind, version, at, prev, decision, execution, who, context, ...rest } = w.predicate;
  const subject = w.subject[0];
  if (subject === undefined || w.subject.length !== 1) {
    throw new Error("leaf: want one subject");
  }
  const st: Statement = {
    request: subject.name,
    version,
    kind,
    at,
    state: { decision, execution },
    open: rest,
    prev,
    command: isEntity(subject.name) ? "" : subject.digest["countersign-commitment-v1"],
    who,
    context,
  };
  const again = spelled(st);
  if (again !== leaf) {
    throw new Error(`leaf: the bytes are not in the one spelling; want ${again}`);
  }
  return st;
}

/** Returns the leaf of the statement; it throws if there cannot be one. */
export function spelled(st: Statement): string {
  check(st);
  const subject = isEntity(st.request) ? st.context : st.command;
  return write(
    new Map<string, Json>([
      ["_type", statementType],
      ["predicate", predicateOf(st)],
      ["predicateType", predicateType],
      ["subject", [new Map<string, Json>([["digest", new Map([["countersign-commitment-v1", subject]])], ["name", st.request]])]],
    ]),
  );
}

function check(st: Statement): void {
  const subject = isEntity(st.request) ? st.context : st.command;
  if (st.request === "" || st.kind === "" || st.open.actor === "" || subject === "") {
    throw new Error("leaf: request, kind, actor and commitment must all be there");
  }
  if ((st.version === 1n) !== (st.prev === "")) {
    throw new Error(`leaf: version ${st.version} and its previous leaf do not fit: the first has none`);
  }
  if (st.version === 0n || st.at === noTime) {
    throw new Error("leaf: version and time must both be there");
  }
  if (!["", "allow", "hold", "deny"].includes(st.open.effect)) {
    throw new Error(`leaf: effect ${JSON.stringify(st.open.effect)} is none of allow, hold, deny`);
  }
}

/** What is empty, zero or false is left out. */
function predicateOf(st: Statement): Json {
  const p = st.open;
  const all = new Map<string, Json>();
  const add = (name: string, v: Json, there: boolean): void => void (there && all.set(name, v));
  const texts = {
    actor: p.actor, assurance: p.assurance, bytes: p.bytes, choice: p.choice, code: p.code, context: st.context,
    decision: st.state.decision, effect: p.effect, execution: st.state.execution, executor: p.executor, kind: st.kind,
    prev: st.prev, understanding: p.understanding, version: String(st.version), who: st.who,
  };
  for (const [name, v] of Object.entries(texts)) {
    add(name, v, v !== "");
  }
  for (const [name, t] of [["at", st.at], ["expires_at", p.expires_at], ["run_by", p.run_by]] as const) {
    add(name, t === noTime ? "" : stamp(t), t !== noTime);
  }
  add("policy", "sha256:" + p.policy, p.policy !== "");
  add("solo", true, p.solo);
  add("unsafe_same_user", true, p.unsafe_same_user);
  add("approvals", p.approvals.map(numeral), p.approvals.length > 0);
  add("bounds", p.bounds, p.bounds.size > 0);
  add("rules", p.rules.map((r) => new Map([["id", r.id], ["value", r.value]])), p.rules.length > 0);
  add("stages", p.stages.map(stageOf), p.stages.length > 0);
  return all;
}

function numeral(n: number): Json {
  return { digits: String(n) };
}

function stageOf(s: Stage): Json {
  return new Map<string, Json>([["assurance", s.assurance], ["quorum", numeral(s.quorum)], ["reviewers", s.reviewers]]);
}

/** What the leaf of an event with this actor and body says in the open. */
export function publicOf(actor: string, b: Body): Public {
  const p = { ...openShape.zero, actor };
  switch (b.kind) {
    case "requested":
      return { ...p, understanding: b.facts.understanding, unsafe_same_user: b.resource.unsafe_same_user };
    case "denied":
    case "allowed":
    case "held":
      return judged(p, b.verdict);
    case "decided":
      return { ...p, ...chosen(b.decision), run_by: millis(b.run_by) };
    case "escalated":
      return { ...p, ...chosen(b.decision), stages: [b.stage] };
    case "refused":
      return { ...p, ...chosen(b.decision), code: b.code };
    case "released": {
      const released = { ...p, executor: b.executor, approvals: b.approvals, bounds: b.bounds };
      return b.verdict === null ? released : judged(released, b.verdict);
    }
    case "completed":
    case "resolved":
      return { ...p, bytes: b.outcome.bytes };
    case "credential.enrolled":
    case "credential.changed":
      return { ...p, solo: b.solo };
  }
  return p;
}

function judged(p: Public, v: Verdict): Public {
  const rules = v.rules.filter((r) => r.value !== "false").map(({ id, value }) => ({ id, value }));
  const judged = { ...p, effect: v.effect, policy: v.policy, understanding: v.understanding, rules };
  const r = v.requirement;
  return r === null ? judged : { ...judged, stages: r.stages, expires_at: millis(r.expires_at) };
}

function chosen(d: { readonly choice: string; readonly assurance: string; readonly solo: boolean }) {
  return { choice: d.choice, assurance: d.assurance, solo: d.solo };
}
