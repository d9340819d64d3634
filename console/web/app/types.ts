// The shapes of the API's JSON, as far as the console reads them. Times are
// RFC 3339 in UTC; digests are "sha256:" and 64 hex digits.

export const severities = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];
export type Assurance = "chat" | "session" | "passkey" | "";
export type Choice = "approve" | "reject" | "escalate";
export type Decision = "pending" | "approved" | "rejected" | "expired" | "withdrawn" | "denied" | "allowed";
export type Execution = "none" | "running" | "succeeded" | "failed" | "unknown";
export type Certainty = "known" | "possible" | "unknown";

// A Span is a part of a text that is drawn one way; the server decides which.
export interface Span {
  text: string;
  role?: "strong" | "marked" | "hidden" | "redacted" | "quiet";
  severity?: Severity;
  label?: string;
  count?: number;
}
export type Text = readonly Span[];

export interface Row {
  id: string;
  version: number;
  severity: Severity;
  sentence: Text;
  command: Text;
  // cut is true when command is not all of it.
  cut: boolean;
  // hidden is how many hidden characters the whole command has.
  hidden: number;
  labels: readonly string[];
  agent: string;
  agent_id: string;
  resource: string;
  rule: string;
  indicators: readonly string[];
  stages: readonly RowStage[];
  assurance: Assurance;
  asked_at: string;
  expires_at?: string;
  decision: Decision;
  execution: Execution;
  decided_at?: string;
  decided_by: readonly string[];
  outcome?: Text;
  // opens_at is when it can be approved at the earliest.
  opens_at?: string;
  // took_s and dwell_ms are of the last choice: seconds from when it could be made,
  // and for how long its page showed the command.
  took_s?: number;
  dwell_ms?: number;
  note: string;
}
// A Group is several requests of one agent that one rule holds.
export interface Group {
  rule: string;
  agent_id: string;
  agent: string;
  severity: Severity;
  items: readonly string[];
  // batch is true where several may be decided in one go.
  batch: boolean;
}
export interface RowStage {
  groups: readonly string[];
  signed: number;
  quorum: number;
  says: string;
}
export interface Inbox {
  at: string;
  after: string;
  mine: readonly Row[];
  waiting: readonly Row[];
  others: readonly Row[];
  groups?: readonly Group[];
  more: boolean;
}
export interface History {
  rows: readonly Row[];
  next?: string;
  after: string;
}

export interface Note {
  severity: Severity;
  says: Text;
  id: string;
}
export interface Line {
  path?: Text;
  number?: number;
  value: Text;
  notes?: readonly Note[];
}
export interface Command {
  kind: string;
  digest: string;
  words: readonly string[];
  title: Line;
  lines: readonly Line[];
  as_sent: Text;
  end: { lines: number; bytes: number; shown: boolean; hidden: number; redacted: number; says: readonly string[] };
}
export interface Fact {
  name: string;
  value: Text;
  detail?: Text;
}
export interface Touch {
  name: Text;
  verb: string;
  classes: string;
  count: string;
  certainty: Certainty;
}
export interface Rule {
  id: string;
  value: string;
  source?: string;
  why?: string;
  doubt?: string;
}
export interface Indicator {
  severity: Severity;
  id: string;
  evidence?: Text;
  where?: string;
  source: string;
  certainty: Certainty;
}
export interface Signature {
  name: Text;
  choice: Choice;
  assurance: Assurance;
  channel: string;
  at: string;
  reason?: Text;
  void?: Text;
  code?: string;
}
export interface Stage {
  groups: readonly string[];
  quorum: number;
  assurance: Assurance;
  says: string;
  signed: readonly Signature[];
}
export interface Deciders {
  signed: number;
  needed: number;
  stages: readonly Stage[];
  reason: boolean;
  barred: readonly { who: Text; why: string }[];
  choices: readonly Signature[];
  refused: readonly Signature[];
  closed?: Closed;
}
// Closed says until when nobody can approve it, and why.
export interface Closed {
  until: string;
  why: readonly Text[];
}
export interface Outcome {
  execution: Execution;
  says: Text;
  result?: string;
}
export type May = Choice | "undo";
export interface You {
  may: readonly May[];
  needs: Assurance;
  why_not: { code: string; detail: string; hint?: string } | null;
  reason_required: boolean;
  // type_name is what must be typed to approve; empty when nothing must.
  type_name: string;
  groups: readonly string[];
}
export interface RecordedEvent {
  index: string;
  version: number;
  kind: string;
  at: string;
  by: string;
  says: Text | null;
  leaf: string;
  took_s?: number;
  dwell_ms?: number;
}
const nobody: You = { may: [], needs: "", why_not: null, reason_required: false, type_name: "", groups: [] };
// youOf is what the reader may do; nothing, if they are no person.
export const youOf = (b: Brief): You => b.you ?? nobody;
// A Brief is a request as every channel shows it, and what its reader may do.
export interface Brief {
  id: string;
  version: number;
  view_digest: string;
  state: { decision: Decision; execution: Execution };
  severity: Severity;
  asked_at: string;
  sentence: Text;
  because?: Text;
  facts: readonly Fact[];
  command: Command;
  touches: { objects: readonly Touch[] | null; unknown?: Text };
  why: { effect: "allow" | "hold" | "deny"; rules: readonly Rule[] | null; says: string };
  indicators: readonly Indicator[] | null;
  claim?: Text;
  bounds?: string;
  repeats?: Text;
  deciders: Deciders;
  expires_at?: string;
  outcome?: Outcome;
  obstacles: readonly Text[];
  approvable: boolean;
  // you is null for whoever is no person.
  you: You | null;
  events: readonly RecordedEvent[];
  like: readonly Row[];
  like_total: number;
}

// A LiveEvent says that something was recorded.
export interface LiveEvent {
  index: string;
  kind: string;
  request?: string;
  entity?: string;
  version: number;
  decision?: Decision;
  execution?: Execution;
  at: string;
}
