import type { Assurance } from "./types";

// What stands on the pages around the requests: who is here, what is guarded.

export interface Passkey {
  id: string;
  name: string;
  since: string;
  synced: boolean;
  // pending is true until a second person has confirmed it.
  pending: boolean;
  // confirm_by is when one that was enrolled with a recovery code lapses unless it is confirmed.
  confirm_by?: string;
  vouched_by?: readonly string[];
}
export interface ChecklistItem {
  id: string;
  done: boolean;
  title: string;
  detail: string;
  href: string;
}
export interface Me {
  person: { id: string; name: string; groups: readonly string[]; since: string };
  session: { method: "link" | "passkey"; auth_time: string; opened_at: string; expires_at: string; assurance: Assurance; solo: boolean };
  passkeys: readonly Passkey[];
  // enrolled is how many people hold a passkey that counts.
  enrolled: number;
  // paired is true once two people held one; nobody changes the rules alone from then on.
  paired: boolean;
  claimed: boolean;
  demo: boolean;
  version: string;
  public_url: string;
  log: { origin: string; size: string; root: string; vkey: string };
  checklist: readonly ChecklistItem[];
}
export interface Person {
  id: string;
  name: string;
  issuer: string;
  subject: string;
  groups: readonly string[];
  inactive?: boolean;
  since: string;
  passkeys?: readonly Passkey[];
  invited_by?: string;
  last_decided_at?: string;
  away?: Away;
}
// An Away is somebody's absence, one that is still to come too. Without a stand-in
// nobody decides in their place.
export interface Away {
  person: string;
  person_id: string;
  stand_in?: string;
  stand_in_id?: string;
  from: string;
  until: string;
  since: string;
  now: boolean;
}
export interface MyAway {
  away: Away | null;
  for: readonly Away[];
}
export interface OnCall {
  group: string;
  pool: string;
  people: readonly string[];
}
export interface People {
  people: readonly Person[];
  on_call?: readonly OnCall[];
}
export interface Invite {
  id: string;
  name: string;
  groups: readonly string[];
  by: string;
  expires_at: string;
  link?: string;
  // request is what lets the person in, where people have to approve that first.
  request?: string;
}
export interface Token {
  id: string;
  issued_by?: string;
  issued_at: string;
  expires: string;
  revoked?: boolean;
}
export interface Agent {
  id: string;
  name: string;
  owner: string;
  owner_id: string;
  region?: string;
  inactive?: boolean;
  tokens: readonly Token[];
  last_asked_at?: string;
  held_30d?: number;
}
export interface Tool {
  verbs?: readonly string[];
  classes?: readonly string[];
  sink?: string;
  listed: boolean;
  pin?: string;
  changed?: string;
}
export interface Resource {
  name: string;
  environment?: string;
  regions?: readonly string[];
  data_classes?: readonly string[];
  owners?: readonly string[];
  unsafe_same_user?: boolean;
  tools?: Readonly<Record<string, Tool>>;
  guarded_by?: readonly string[];
}
export interface PolicyRule {
  id: string;
  why?: string;
  effect: string;
  source?: string;
  match?: string;
  when?: string;
  require?: string;
}
export interface Policy {
  bundle: string;
  files: readonly { name: string; text: string }[];
  rules: readonly PolicyRule[];
  changed_at?: string;
  changed_by?: string;
  solo?: boolean;
}
export interface NoticeRow {
  at: string;
  text: string;
}
// A Ceremony is what the browser is asked to do with a passkey.
export interface CreateCeremony {
  ceremony: string;
  public_key: PublicKeyCredentialCreationOptionsJSON;
  person: { id: string; name: string };
  why: "setup" | "invite" | "recovery" | "another";
}
export interface AskCeremony {
  ceremony: string;
  public_key: PublicKeyCredentialRequestOptionsJSON;
}
export interface Enrolled {
  passkey: Passkey;
  recovery_codes: readonly string[] | null;
}

// A Hold says that everything of an agent is held, or with the id "all" of all.
export interface Hold {
  id: string;
  name: string;
  reason: string;
  by: string;
  since: string;
}
// A ChatLink is an account of a chat whose clicks are the reader's.
export interface ChatLink {
  chat: string;
  workspace: string;
  account: string;
  name?: string;
  since: string;
}
export interface ChatLinks {
  links: readonly ChatLink[];
  // chats are those that are connected.
  chats: readonly string[];
}
export interface LinkCode {
  code: string;
  type: string;
  expires_at: string;
}
// Figures count choices, and say how long they took and for how long the command
// was in view; dwelt is how many choices say the latter.
export interface Figures {
  approved: number;
  rejected: number;
  escalated: number;
  approve_percent: number;
  median_s: number;
  p90_s: number;
  dwelt: number;
  dwell_median_ms: number;
  dwell_p90_ms: number;
}
export type RuleFigures = Figures & { id: string };
export type ReviewerFigures = Figures & { id: string; name: string; rules: readonly RuleFigures[] };
export type DayFigures = Figures & { day: string; held: number };
export interface Insight {
  since: string;
  everybody: boolean;
  requests: number;
  days: readonly DayFigures[];
  reviewers: readonly ReviewerFigures[];
  rules: readonly RuleFigures[];
  more: boolean;
}
