/** Steps 1 to 8: the file, the log's signature, the paths, the chain, what is disclosed. */

import { hex, quoted, utf8 } from "./bytes";
import { nobody, parseBody, parseWho } from "./event";
import {
  at, checkpointOf, entriesOf, eventsOf, failed, hashLines, leafName, ok, receiptOf, said, short,
  type Found, type Opened, type Outcome,
} from "./found";
import { isEntity, parseLeaf, publicOf, spelled, type Statement } from "./leaf";
import { checkMove, start } from "./moves";
import { openCheckpoint } from "./note";
import { parseReceipt, type Entry, type Opening } from "./receipt";
import type { Path } from "./report";
import { noTime, type Time } from "./time";
import { fold, leafHash } from "./tree";

export function read(f: Found): Outcome {
  try {
    f.receipt = parseReceipt(f.file);
  } catch (e) {
    return failed("unreadable", said(e));
  }
  return ok("no unknown field");
}

export function origin(f: Found): Outcome {
  const r = receiptOf(f);
  for (const name of [r.origin, r.checkpoint.split("\n", 1)[0] ?? ""]) {
    if (name !== f.origin) {
      return failed("another", `pinned    ${f.origin}`, `receipt   ${name}`);
    }
  }
  return ok("same");
}

export async function signed(f: Found): Promise<Outcome> {
  try {
    f.checkpoint = await openCheckpoint(receiptOf(f).checkpoint, f.origin, f.keys);
  } catch (e) {
    return failed("no", said(e));
  }
  return ok(`Ed25519 ${f.checkpoint.signed.find((s) => s.name === f.origin)?.hash}`);
}

export function witnessed(f: Found): Outcome {
  const { signed, unknown } = checkpointOf(f);
  if (unknown.length > 0) {
    return failed(
      `${signed.length} of ${signed.length + unknown.length}`,
      `no key is known for the signature of ${unknown[0]}: name the key`,
    );
  }
  const witnesses = signed.filter((s) => s.name !== f.origin).length;
  return ok(witnesses === 0 ? "none named; trust: log key only" : `${witnesses} of ${witnesses}`);
}

export async function stated(f: Found): Promise<Outcome> {
  const entries = entriesOf(f);
  const events = receiptOf(f).entries.length;
  const all: Statement[] = [];
  for (const [i, e] of entries.entries()) {
    try {
      const st = parseLeaf(e.leaf);
      if (i < events) {
        checkSubject(st, receiptOf(f).request);
      } else {
        checkEnrolling(st);
      }
      all.push(st);
    } catch (thrown) {
      return failed(`${i} of ${entries.length}`, leafName({ ...f, statements: all }, i), said(thrown));
    }
  }
  f.statements = all;
  f.hashes = await Promise.all(entries.map(async (e) => hex(await leafHash(utf8(e.leaf)))));
  return ok(`${entries.length} of ${entries.length}`);
}

function checkSubject(st: Statement, request: string): void {
  if (st.request !== request) {
    throw new Error(`it is about ${st.request}`);
  }
  if (isEntity(st.request)) {
    throw new Error(`${st.request} is no request`);
  }
}

function checkEnrolling(st: Statement): void {
  const want = st.version === 1n ? "credential.enrolled" : "credential.changed";
  if (st.kind !== want || !/^key:./s.test(st.request)) {
    throw new Error(`${st.kind}, version ${st.version} of ${st.request}, is no event of a passkey's enrolment`);
  }
}

export async function folded(f: Found): Promise<Outcome> {
  const entries = entriesOf(f);
  const { size, root } = checkpointOf(f);
  const signedRoot = hex(root);
  const leaves = await Promise.all(entries.map((e) => leafHash(utf8(e.leaf))));
  const came = await Promise.all(entries.map((e, i) => fold(size, e.index, at(leaves, i), e.path)));
  const paths = came.map((c, i): Path => {
    const { kind } = at(f.statements, i);
    return { kind, index: Number(at(entries, i).index), leafHash: at(f.hashes, i), hops: c.hops, root: hex(c.root) };
  });
  const bad = [...paths.keys()].filter((i) => !at(came, i).whole || at(paths, i).root !== signedRoot);
  f.paths = paths;
  const count = `${entries.length - bad.length} of ${entries.length}`;
  const [first] = bad;
  if (first !== undefined) {
    return failed(count, leafName(f, first), ...hashLines("signed", signedRoot, "computed", at(paths, first).root));
  }
  return ok(`${count}  ${short(signedRoot)}`);
}

export function chained(f: Found): Outcome {
  const events = eventsOf(f);
  const total = events.length - 1;
  for (const i of events.keys()) {
    try {
      checkFollows(f, i);
    } catch (e) {
      return failed(`${Math.max(i - 1, 0)} of ${total}`, leafName(f, i), said(e));
    }
  }
  const tips = new Map<string, Tip>();
  for (let i = events.length; i < f.statements.length; i++) {
    try {
      checkEnrolled(f, i, tips);
    } catch (e) {
      return failed(`${total} of ${total}`, leafName(f, i), said(e));
    }
  }
  return ok(total === 0 ? "one event, none before it" : `${total} of ${total}`);
}

function checkFollows(f: Found, i: number): void {
  const st = at(f.statements, i);
  if (st.version !== BigInt(i + 1)) {
    throw new Error(`it is version ${st.version}, want ${i + 1}: an event is missing`);
  }
  const before = i === 0 ? null : at(f.statements, i - 1);
  checkMove(before?.state ?? start, st.kind, st.state);
  if (before === null) {
    return;
  }
  if (st.prev !== at(f.hashes, i - 1)) {
    throw new Error(`it names the leaf ${short(st.prev)} as the one before it, which hashes to ${short(at(f.hashes, i - 1))}`);
  }
  checkLater(f, i);
  if (st.command !== before.command) {
    throw new Error("it is about another command than the event before it");
  }
}

function checkLater(f: Found, i: number): void {
  const entries = entriesOf(f);
  const [before, now]: [Time, Time] = [at(f.statements, i - 1).at, at(f.statements, i).at];
  if (at(entries, i).index <= at(entries, i - 1).index || now < before) {
    throw new Error("it is recorded before the event that it follows");
  }
}

interface Tip {
  readonly version: bigint;
  readonly hash: string;
}

/** Checks that the events of each passkey follow one another, and all of them stand as in the log. */
function checkEnrolled(f: Found, i: number, tips: Map<string, Tip>): void {
  const st = at(f.statements, i);
  const tip = tips.get(st.request) ?? { version: 0n, hash: "" };
  if (st.version !== tip.version + 1n) {
    throw new Error(`it is version ${st.version}, want ${tip.version + 1n}: an event is missing`);
  }
  if (st.prev !== tip.hash) {
    throw new Error(`it names the leaf ${short(st.prev)} as the one before it, which hashes to ${short(tip.hash)}`);
  }
  if (i > receiptOf(f).entries.length) {
    checkLater(f, i);
  }
  tips.set(st.request, { version: st.version, hash: at(f.hashes, i) });
}

export async function opened(f: Found): Promise<Outcome> {
  const events = receiptOf(f).entries.length;
  const all: Opened[] = [];
  let [good, hidden] = [0, 0];
  for (const [i, e] of entriesOf(f).entries()) {
    const st = at(f.statements, i);
    try {
      await checkOpenings(st, e);
      all.push(open(st, e));
    } catch (thrown) {
      return failed(`${good} open`, leafName(f, i), said(thrown));
    }
    const slots = [e.context, ...(i < events ? [e.who] : []), ...(i === 0 ? [e.command] : [])];
    good += slots.filter((o) => o !== null).length;
    hidden += slots.filter((o) => o === null).length;
  }
  f.opened = all;
  return ok(hidden > 0 ? `${good} of ${good}, ${hidden} not disclosed` : `${good} of ${good}`);
}

async function checkOpenings(st: Statement, e: Entry): Promise<void> {
  const slots = ["command", "who", "context"] as const;
  const made = await Promise.all(slots.map((slot) => commitment(slot, e[slot])));
  for (const [i, slot] of slots.entries()) {
    const got = made[i] ?? st[slot];
    if (got !== st[slot]) {
      throw new Error(`the disclosed value does not open its commitment (${slot}): got ${got}, want ${quoted(st[slot])}`);
    }
  }
}

/** HMAC-SHA-256(salt, slot 0x0A blob), in hex; null of what is not disclosed. */
async function commitment(slot: "command" | "who" | "context", o: Opening | null): Promise<string | null> {
  if (o === null) {
    return null;
  }
  const key = await crypto.subtle.importKey("raw", o.salt, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const message = utf8(`countersign/${slot}-commitment/v1\n${o.value}`);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, message)));
}

/** Reads what is disclosed, and compares it with what the leaf says in the open. */
function open(st: Statement, e: Entry): Opened {
  const who = e.who === null ? nobody : parseWho(e.who.value);
  if (e.context === null) {
    return { who, body: null };
  }
  const body = parseBody(st.kind, e.context.value);
  const actor = e.who === null ? st.open.actor : who.actor.kind;
  const want = spelled({ ...st, open: publicOf(actor, body) });
  if (want !== spelled(st)) {
    throw new Error("the open part of the statement does not agree with the sealed part");
  }
  return { who, body };
}

/** When the last event in the receipt was recorded. */
export function lastTime(f: Found): Time {
  return f.receipt === null ? noTime : (eventsOf(f).at(-1)?.at ?? noTime);
}
