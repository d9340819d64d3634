/** The file: events of one request, the proof of each, and what the holder may see. */

import { base64, fromStrictBase64, quoted, type Bytes } from "./bytes";
import { parseBytes, textOf, write, type Json } from "./json";
import { maxSize } from "./note";
import { list, maybe, member, record, text, type Of } from "./shape";

const receiptType = "https://github.com/countersignhq/countersign/receipt/v1";

const openingShape = record({ salt: text, value: text });
const eventShape = record({
  index: text,
  leaf: text,
  proof: text,
  command: maybe(openingShape),
  who: maybe(openingShape),
  context: maybe(openingShape),
});
const receiptShape = record({ type: text, origin: text, request: text, events: list(eventShape), enrolments: list(eventShape) });

/** One sealed blob and the salt of its commitment. */
export interface Opening {
  readonly salt: Bytes;
  readonly value: string;
}

/** One leaf of the receipt, with its path and what is disclosed of it. */
export interface Entry {
  readonly index: bigint;
  readonly leaf: string;
  readonly path: readonly Bytes[];
  readonly checkpoint: string;
  readonly command: Opening | null;
  readonly who: Opening | null;
  readonly context: Opening | null;
}

export interface Receipt {
  readonly request: string;
  readonly origin: string;
  readonly entries: readonly Entry[];
  /** The events of the passkeys that signed, in the order of the log. */
  readonly enrolments: readonly Entry[];
  /** The signed note that all proofs are at. */
  readonly checkpoint: string;
}

/** Reads a receipt in its one spelling, byte for byte; it throws what is wrong. */
export function parseReceipt(file: Uint8Array): Receipt {
  const w = member(receiptShape, parseBytes(file), "");
  if (w.type !== receiptType) {
    throw new Error(`receipt: type ${quoted(w.type)} is unknown to this version, want ${quoted(receiptType)}`);
  }
  const entries = w.events.map((e) => entryOf(e));
  const enrolments = w.enrolments.map((e) => entryOf(e));
  const first = entries[0];
  if (first === undefined) {
    throw new Error("receipt: it holds no event");
  }
  if (entries.some((e, i) => i > 0 && e.command !== null)) {
    throw new Error("receipt: the command stands in the first event only");
  }
  if (enrolments.some((e) => e.command !== null || e.who !== null)) {
    throw new Error("receipt: an enrolment discloses nothing but its context");
  }
  if ([...entries, ...enrolments].some((e) => e.checkpoint !== first.checkpoint)) {
    throw new Error("receipt: a proof is at another checkpoint than the first event's");
  }
  const receipt = { request: w.request, origin: w.origin, entries, enrolments, checkpoint: first.checkpoint };
  if (spelled(receipt) !== textOf(file)) {
    throw new Error("receipt: the bytes are not in the one spelling of a receipt; fetch the file again, unformatted");
  }
  return receipt;
}

function entryOf(w: Of<typeof eventShape>): Entry {
  const { path, checkpoint } = parseProof(w.index, w.proof);
  return {
    index: BigInt(w.index),
    leaf: w.leaf,
    path,
    checkpoint,
    command: openingOf(w.command),
    who: openingOf(w.who),
    context: openingOf(w.context),
  };
}

function openingOf(w: Of<typeof openingShape> | null): Opening | null {
  if (w === null) {
    return null;
  }
  const salt = fromStrictBase64(w.salt);
  if (salt.length !== 32) {
    throw new Error(`receipt: salt ${quoted(w.salt)}: want 32 bytes in base64`);
  }
  return { salt, value: w.value };
}

const header = "c2sp.org/tlog-proof@v1\n";
const longest = 1 << 16; // of a line, in bytes

/** Reads a C2SP tlog-proof without extra data, in its one spelling. */
function parseProof(index: string, proof: string): { path: readonly Bytes[]; checkpoint: string } {
  const head = `${header}index ${index}\n`;
  const end = proof.indexOf("\n\n");
  if (!/^(0|[1-9][0-9]{0,18})$/.test(index) || BigInt(index) > maxSize || !proof.startsWith(head) || end < 0) {
    throw new Error(`receipt: the proof is no tlog-proof of index ${quoted(index)} without extra data`);
  }
  const hashes = proof.slice(head.length, end + 1);
  const checkpoint = proof.slice(end + 2);
  const lines = hashes === "" ? [] : hashes.slice(0, -1).split("\n");
  const path = lines.map(fromStrictBase64);
  const whole = checkpoint === "" || checkpoint.endsWith("\n");
  if (path.some((h) => h.length !== 32) || !whole || checkpoint.includes("\r\n") || checkpoint.split("\n").some((l) => l.length >= longest)) {
    throw new Error("receipt: the proof is not in the one spelling of a tlog-proof");
  }
  return { path, checkpoint };
}

function spelled(r: Receipt): string {
  const all = new Map<string, Json>([
    ["events", r.entries.map(wireOf)],
    ["origin", r.origin],
    ["request", r.request],
    ["type", receiptType],
  ]);
  if (r.enrolments.length > 0) {
    all.set("enrolments", r.enrolments.map(wireOf));
  }
  return write(all);
}

function wireOf(e: Entry): Json {
  const hashes = e.path.map((h) => base64(h) + "\n").join("");
  const all = new Map<string, Json>([
    ["index", String(e.index)],
    ["leaf", e.leaf],
    ["proof", `${header}index ${e.index}\n${hashes}\n${e.checkpoint}`],
  ]);
  for (const slot of ["command", "who", "context"] as const) {
    const o = e[slot];
    if (o !== null) {
      all.set(slot, new Map([["salt", base64(o.salt)], ["value", o.value]]));
    }
  }
  return all;
}
