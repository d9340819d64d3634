/** What the steps of a verification have found so far, and how they say what failed. */

import type { Body, Who } from "./event";
import type { Statement } from "./leaf";
import type { Checkpoint, Key } from "./note";
import type { Entry, Receipt } from "./receipt";
import type { Path } from "./report";
import { newTally, type Tally } from "./tally";

/** One event with what is disclosed of it. */
export interface Opened {
  readonly who: Who;
  /** Null where it is not disclosed. */
  readonly body: Body | null;
}

export interface Found {
  readonly file: Uint8Array;
  readonly keys: readonly Key[];
  /** The name of the log's own key. */
  readonly origin: string;
  receipt: Receipt | null;
  checkpoint: Checkpoint | null;
  /** Of the events, then of the enrolments, like hashes and opened. */
  statements: readonly Statement[];
  /** Leaf hashes in hex. */
  hashes: readonly string[];
  paths: readonly Path[];
  opened: readonly Opened[];
  readonly tally: Tally;
  /** Of the command, empty if it is not known. */
  digest: string;
}

export function nothingFound(file: Uint8Array, keys: readonly Key[], origin: string): Found {
  return {
    file, keys, origin, receipt: null, checkpoint: null, statements: [], hashes: [], paths: [], opened: [],
    tally: newTally(), digest: "",
  };
}

/** What a step came to; lines are there only if it failed. */
export interface Outcome {
  readonly detail: string;
  readonly lines?: readonly string[];
}

export function ok(detail: string): Outcome {
  return { detail };
}

export function failed(detail: string, ...lines: readonly string[]): Outcome {
  return { detail, lines };
}

/** The text of what was thrown. */
export function said(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The receipt, which every step behind the first has. */
export function receiptOf(f: Found): Receipt {
  if (f.receipt === null) {
    throw new Error("no receipt was read");
  }
  return f.receipt;
}

/** The checkpoint, which every step behind the third has. */
export function checkpointOf(f: Found): Checkpoint {
  if (f.checkpoint === null) {
    throw new Error("no checkpoint was verified");
  }
  return f.checkpoint;
}

/** The entries of the receipt: the events, then the enrolments behind them. */
export function entriesOf(f: Found): readonly Entry[] {
  const r = receiptOf(f);
  return [...r.entries, ...r.enrolments];
}

/** The item of the list, which must be there. */
export function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) {
    throw new Error(`item ${i} of ${list.length} is missing`);
  }
  return item;
}

/** Names an event of the receipt: "held, leaf 48,233". */
export function leafName(f: Found, i: number): string {
  return `${f.statements[i]?.kind ?? `event ${i + 1}`}, leaf ${grouped(String(at(entriesOf(f), i).index))}`;
}

/** The statements of the events alone. */
export function eventsOf(f: Found): readonly Statement[] {
  return f.statements.slice(0, receiptOf(f).entries.length);
}

/** Two hashes in hex that should be one, in groups of eight digits. */
export function hashLines(first: string, a: string, second: string, b: string): readonly string[] {
  const lines = (name: string, digits: string): string[] =>
    [digits.slice(0, 32), digits.slice(32)].map((half, i) => `${(i === 0 ? name : "").padEnd(9)} ${half.replace(/(.{8})(?=.)/g, "$1 ")}`);
  return [...lines(first, a), ...lines(second, b)];
}

/** A hash or digest as a detail shows it. */
export function short(digits: string): string {
  return digits === "" ? "00000000" : digits.slice(0, 8);
}

/** Writes a decimal number as people read it: "48,233". */
export function grouped(n: string): string {
  return Array.from(n, (c, i) => (i > 0 && (n.length - i) % 3 === 0 ? "," : "") + c).join("");
}
