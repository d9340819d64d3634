/**
 * Verifies a receipt against pinned keys, without network or server: the twelve
 * steps of docs/log-format.md, section 10, which `countersign verify` runs too.
 */

import { hex } from "./bytes";
import { digested, ended, required } from "./conduct";
import { asserted } from "./enrolment";
import { failed, nothingFound, said, type Found, type Outcome } from "./found";
import { parseKey } from "./note";
import type { Report, Step } from "./report";
import { chained, folded, lastTime, opened, origin, read, signed, stated, witnessed } from "./steps";
import { outcome, what, who, why } from "./tell";
import { noTime, stamp } from "./time";

/** Whom a verifier believes. */
export interface Trust {
  /**
   * Verifier keys as text. The first is the log's, pinned when it began; the
   * others are its successors, or of witnesses.
   */
  readonly vkeys: readonly string[];
}

const checks: readonly { readonly name: string; readonly check: (f: Found) => Outcome | Promise<Outcome> }[] = [
  { name: "receipt read", check: read },
  { name: "origin is the pinned one", check: origin },
  { name: "checkpoint signed by the pinned key", check: signed },
  { name: "witnesses cosigned it", check: witnessed },
  { name: "each statement hashes to its leaf", check: stated },
  { name: "each path folds to the signed root", check: folded },
  { name: "each event names the one before it", check: chained },
  { name: "disclosed values open their commitments", check: opened },
  { name: "command hashes to the approved digest", check: digested },
  { name: "passkeys signed this very decision", check: asserted },
  { name: "the decisions meet the requirement", check: required },
  { name: "released once, in time, ended within bounds", check: ended },
];

/**
 * Verifies the bytes of a receipt as they are in the file. It takes any bytes and
 * always reports all twelve steps; it throws only for a key that is none.
 */
export async function verify(bytes: Uint8Array, trust: Trust): Promise<Report> {
  const keys = await Promise.all([...new Set(trust.vkeys)].map(parseKey));
  const own = keys[0];
  if (own === undefined) {
    throw new Error("no verifier key is pinned: a receipt proves nothing by itself");
  }
  const f = nothingFound(bytes, keys, own.name);
  const steps: Step[] = [];
  let holds = true;
  for (const [i, { name, check }] of checks.entries()) {
    if (!holds) {
      steps.push({ n: i + 1, name, detail: "", result: "not checked", lines: [] });
      continue;
    }
    const { detail, lines } = await checked(check, f);
    holds = lines === undefined;
    steps.push({ n: i + 1, name, detail, result: holds ? "ok" : "failed", lines: lines ?? [] });
  }
  return report(f, steps, holds);
}

/** Runs one check. One that throws has failed: what cannot be checked does not hold. */
async function checked(check: (f: Found) => Outcome | Promise<Outcome>, f: Found): Promise<Outcome> {
  try {
    return await check(f);
  } catch (e) {
    return failed("not checkable", said(e));
  }
}

function report(f: Found, steps: readonly Step[], holds: boolean): Report {
  const time = lastTime(f);
  return {
    holds,
    steps,
    request: f.receipt?.request ?? "",
    origin: f.receipt?.origin ?? "",
    size: Number(f.checkpoint?.size ?? 0),
    bytes: f.file.length,
    events: f.receipt?.entries.length ?? 0,
    at: time === noTime ? "" : stamp(time),
    root: f.checkpoint === null ? "" : hex(f.checkpoint.root),
    paths: f.paths,
    who: holds ? who(f) : [],
    what: holds ? what(f) : "",
    why: holds ? why(f) : "",
    outcome: holds ? outcome(f) : "",
    digest: holds ? f.digest : "",
  };
}
