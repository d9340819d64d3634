/** Signed notes (C2SP signed-note) and the checkpoints in them (C2SP tlog-checkpoint). */

import { base64, fromBase64, fromStrictBase64, hex, quoted, sha256, utf8, type Bytes } from "./bytes";

/** A pinned key: of the log, or of a witness. */
export interface Key {
  readonly name: string;
  /** Eight hex digits. */
  readonly hash: string;
  readonly key: CryptoKey;
}

/** One signature line that a pinned key verified. */
export interface Signature {
  readonly name: string;
  readonly hash: string;
}

/** The signed head of the log. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
  readonly signed: readonly Signature[];
  /** Names of those whose signature no pinned key is for. */
  readonly unknown: readonly string[];
}

const ed25519 = 1;
const most = 100; // signature lines
const unnamed = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]|^$/;

/** Reads a verifier key: "countersign.acme.example/log+403d4ceb+AYBD…". */
export async function parseKey(vkey: string): Promise<Key> {
  const [name = "", hash = "", ...rest] = vkey.split("+");
  const encoded = fromBase64(rest.join("+"));
  if (unnamed.test(name) || encoded[0] !== ed25519 || encoded.length !== 33) {
    throw new Error(`${quoted(vkey)} is not a verifier key of Ed25519`);
  }
  if (hash !== hex((await sha256(utf8(name + "\n"), encoded)).slice(0, 4))) {
    throw new Error(`the hash in the verifier key of ${quoted(name)} is not that of the key`);
  }
  const key = await crypto.subtle.importKey("raw", encoded.slice(1), "Ed25519", false, ["verify"]);
  return { name, hash, key };
}

/**
 * Opens a signed checkpoint: its origin is the one named, a key of that name has
 * signed it, no signature of a pinned key is wrong, and no byte of a line is free
 * to change.
 */
export async function openCheckpoint(text: string, origin: string, keys: readonly Key[]): Promise<Checkpoint> {
  const end = text.lastIndexOf("\n\n");
  if (end < 0 || !text.endsWith("\n") || end + 2 >= text.length || /[\u0000-\u0009\u000b-\u001f]/.test(text)) {
    throw new Error("checkpoint: malformed note");
  }
  const body = text.slice(0, end + 1);
  const lines = text.slice(end + 2, -1).split("\n");
  const { signed, unknown } = await verifyLines(utf8(body), lines, keys);
  if (!signed.some((s) => s.name === origin)) {
    throw new Error(`checkpoint: no signature by ${quoted(origin)} that a known key verifies`);
  }
  const head = parseHead(body);
  if (head.origin !== origin) {
    throw new Error(`checkpoint: origin is ${quoted(head.origin)}, want ${quoted(origin)}`);
  }
  return { ...head, signed, unknown };
}

async function verifyLines(body: Bytes, lines: readonly string[], keys: readonly Key[]) {
  if (lines.length > most) {
    throw new Error(`the checkpoint has ${lines.length} signature lines, and ${most} are read`);
  }
  const signed: Signature[] = [];
  const unknown: string[] = [];
  if (new Set(lines).size !== lines.length) {
    throw new Error(`the checkpoint has ${lines.length} signature lines, ${lines.length - new Set(lines).size} of them repeated`);
  }
  for (const line of lines) {
    const [, name = "", encoded = ""] = /^— ([^ ]*) (.*)$/.exec(line) ?? [];
    const raw = fromStrictBase64(encoded);
    if (unnamed.test(name) || raw.length < 5) {
      throw new Error("checkpoint: malformed signature line");
    }
    const hash = hex(raw.slice(0, 4));
    const key = keys.find((k) => k.name === name && k.hash === hash);
    if (key === undefined) {
      unknown.push(name);
      continue;
    }
    if (signed.some((s) => s.name === name && s.hash === hash)) {
      throw new Error(`the checkpoint has two signatures of one key of ${quoted(name)}`);
    }
    if (!(await crypto.subtle.verify("Ed25519", key.key, raw.slice(4), body))) {
      throw new Error(`checkpoint: invalid signature for key ${name}+${hash}`);
    }
    signed.push({ name, hash });
  }
  return { signed, unknown };
}

function parseHead(body: string) {
  const [origin = "", size = "", root = "", ...rest] = body.split("\n");
  const head = { origin, size: BigInt(/^[0-9]{1,19}$/.test(size) ? size : -1), root: fromBase64(root) };
  const again = `${head.origin}\n${head.size}\n${base64(head.root)}\n`;
  if (origin === "" || head.root.length !== 32 || head.size > maxSize || rest.length !== 1 || again !== body) {
    throw new Error(`checkpoint: want three lines, origin, size and root: ${quoted(body)}`);
  }
  return head;
}

/** The largest size and index: 2^63-1. */
export const maxSize = (1n << 63n) - 1n;
