/** What the sealed blobs of an event may hold: the words of package countersign, as documents spell them. */

import { bytes, digest, document, flag, integer, list, mapOf, maybe, record, text, word, type Of, type Shape } from "./shape";
import { time } from "./time";

const principal = record({ kind: text, id: text, name: text, owner: text, issuer: text, subject: text });

const assertion = record({
  credential: text,
  nonce: bytes,
  client_data: bytes,
  auth_data: bytes,
  signature: bytes,
  key: bytes,
  rp_id: text,
  origin: text,
});

const who = record({
  actor: principal,
  on_behalf_of: list(principal),
  origin: record({ door: text, peer: text, client: text, trace: text, server_account: flag }),
  auth_time: time,
  method: text,
  request: text,
  assertion: maybe(assertion),
});

export const stage = record({ reviewers: maybe(list(text)), quorum: integer, assurance: text });

const requirement = record({
  stages: list(stage),
  reason: flag,
  expires_at: time,
  run_within_s: integer,
  bounds: mapOf(text),
  blocked: list(text),
  not_before: time,
  closed: list(text),
  frozen: flag,
  ladder: list(record({ at: time, to: list(text) })),
  remind: maybe(record({ at: time, every_s: integer })),
});

const verdict = record({
  effect: text,
  rules: list(record({ id: text, value: text, effect: text, counts: flag, why: text, source: text, waits: text })),
  requirement: maybe(requirement),
  policy: digest,
  catalogue: digest,
  understanding: text,
});

const decision = record({
  choice: text,
  digest,
  view: digest,
  reason: text,
  to: text,
  assurance: text,
  channel: text,
  solo: flag,
  dwell_ms: integer,
});

const resource = record({
  name: text,
  environment: text,
  regions: list(text),
  data_classes: list(text),
  owners: list(text),
  target: digest,
  unsafe_same_user: flag,
  wrapped: text,
  tools: mapOf(
    record({ verbs: list(text), classes: list(text), sink: text, understand: text, argument: text }),
  ),
  tables: mapOf(record({ classes: list(text), columns: mapOf(text) })),
  pins: mapOf(digest),
  changed: mapOf(digest),
  claims: mapOf(
    record({
      read_only: flag,
      destructive: flag,
      annotated: flag,
      output_schema: flag,
      mirror: mapOf(list(text)),
      places: mapOf(text),
    }),
  ),
});

const facts = record({
  tool: text,
  verbs: list(text),
  objects: list(record({ name: text, verb: text, classes: list(text), count: text, certainty: text })),
  classes: list(text),
  exports: flag,
  sink: maybe(record({ address: text, region: text, certainty: text })),
  certainty: text,
  indicators: list(
    record({
      id: text,
      severity: word("info", "low", "medium", "high", "critical"),
      evidence: text,
      where: text,
      source: text,
      certainty: text,
    }),
  ),
  changes: list(record({ of: text, lines: list(text) })),
  understanding: text,
});

const outcome = record({
  execution: text,
  detail: text,
  result_digest: digest,
  bytes: text,
  started_at: time,
  finished_at: time,
});

const credential = record({
  id: text,
  person: text,
  name: text,
  key: bytes,
  rp_id: text,
  origin: text,
  synced: flag,
  aaguid: text,
  since: time,
  vouched_by: list(text),
  pending: flag,
  confirm_by: time,
  removed: flag,
});

const repeat = record({ request: text, at: time, decision: text, execution: text });

const shapes = {
  requested: record({ resource, facts, reason: text, barred: list(text), repeats: maybe(repeat), key: digest }),
  joined: record({ key: digest }),
  denied: record({ verdict, because: text }),
  allowed: record({ verdict }),
  held: record({ verdict, because: text, void: list(text) }),
  decided: record({ decision, run_by: time }),
  escalated: record({ decision, stage }),
  refused: record({ decision, code: text }),
  expired: record({}),
  withdrawn: record({ reason: text }),
  lapsed: record({}),
  released: record({
    executor: text,
    attempt: text,
    target: digest,
    policy: digest,
    verdict: maybe(verdict),
    approvals: list(integer),
    bounds: mapOf(text),
  }),
  completed: record({ outcome }),
  resolved: record({ outcome, reason: text }),
  "payload.revealed": record({ event: integer, reason: text }),
  "credential.enrolled": record({ credential, solo: flag }),
  "credential.changed": record({ credential, because: text, solo: flag }),
};

type Kind = keyof typeof shapes;

/** What one kind of event says besides who and when, named by its kind. */
export type Body = { [K in Kind]: { readonly kind: K } & Of<(typeof shapes)[K]> }[Kind];

export type Who = Of<typeof who>;
export type Assertion = Of<typeof assertion>;
export type Credential = Of<typeof credential>;
export type Decision = Of<typeof decision>;
export type Outcome = Of<typeof outcome>;
export type Requirement = Of<typeof requirement>;
export type Principal = Of<typeof principal>;
export type Stage = Of<typeof stage>;
export type Verdict = Of<typeof verdict>;

export const nobody: Who = who.zero;

/** Reads the blob about people and machines. */
export function parseWho(value: string): Who {
  return document(who, value);
}

/** Reads the blob of what an event says. A kind that this version does not know is refused. */
export function parseBody(kind: string, value: string): Body {
  if (!Object.hasOwn(shapes, kind)) {
    throw new Error(`event kind ${JSON.stringify(kind)} is unknown to this version`);
  }
  const shape: Shape<object> = shapes[kind as Kind];
  return { kind, ...document(shape, value) } as Body;
}
