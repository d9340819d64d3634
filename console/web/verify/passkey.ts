/** The signature of a decision by a passkey (docs/log-format.md, section 11). */

import { base64url, joined, quoted, same, sha256, utf8, type Bytes } from "./bytes";
import { parsePublicKey } from "./cose";
import type { Assertion } from "./event";
import { isObject, parseBytes, sizeOf, type Json } from "./json";

/** Everything that the signature of one decision names. Digests and hashes are 64 hex digits, or empty for 32 zero bytes. */
export interface Ceremony {
  readonly command: string;
  readonly choice: string;
  readonly request: string;
  readonly held: string;
  readonly policy: string;
  readonly view: string;
  readonly approver: string;
}

/** Throws unless the assertion is a signature, by the key it carries, over the challenge of the ceremony. */
export async function checkAssertion(a: Assertion, c: Ceremony): Promise<void> {
  if (a.nonce.length !== 32) {
    throw new Error(`the nonce has ${a.nonce.length} bytes, want 32`);
  }
  if (!["approve", "reject"].includes(c.choice)) {
    throw new Error(`a passkey signs approve or reject, not ${quoted(c.choice)}`);
  }
  if (c.request === "" || c.approver === "" || sizeOf(c.request) > 1024 || sizeOf(c.approver) > 1024) {
    throw new Error("the request or the approver has no name, or one that is too long");
  }
  checkClientData(a.client_data, await challenge(a.nonce, c), a.origin);
  await checkAuthData(a.auth_data, a.rp_id);
  const key = await parsePublicKey(a.key);
  if (!(await key.verify(a.signature, joined(a.auth_data, await sha256(a.client_data))))) {
    throw new Error("the signature is not one of this key over this decision");
  }
}

/** What the passkey signs. */
async function challenge(nonce: Bytes, c: Ceremony): Promise<Bytes> {
  return sha256(
    utf8("countersign/decision/v1\n"),
    nonce,
    bytesOf(c.command),
    counted(c.choice),
    counted(c.request),
    bytesOf(c.held),
    bytesOf(c.policy),
    bytesOf(c.view),
    counted(c.approver),
  );
}

function bytesOf(digits: string): Bytes {
  return Uint8Array.from({ length: 32 }, (_, i) => Number("0x" + (digits.slice(2 * i, 2 * i + 2) || "0")));
}

function counted(text: string): Bytes {
  const b = utf8(text);
  return joined(Uint8Array.of(b.length >> 8, b.length & 255), b);
}

function checkClientData(b: Bytes, wanted: Bytes, origin: string): void {
  const v = parseBytes(b);
  const of = (name: string): Json | undefined => (isObject(v) ? v.get(name) : undefined);
  for (const [name, want] of [["type", "webauthn.get"], ["challenge", base64url(wanted)], ["origin", origin]] as const) {
    if (of(name) !== want) {
      throw new Error(`client data: ${name} is not ${quoted(want)}`);
    }
  }
  const cross = of("crossOrigin");
  if ((cross !== undefined && cross !== false) || of("topOrigin") !== undefined) {
    throw new Error("client data: it was signed within a page of another origin");
  }
}

/** The flags of authenticator data (W3C Web Authentication level 3, section 6.1). */
const userPresent = 0x01;
const userVerified = 0x04;
const backupAble = 0x08;
const backedUp = 0x10;
const attested = 0x40;
const extended = 0x80;
const authDataSize = 37;

async function checkAuthData(b: Bytes, rpID: string): Promise<void> {
  const flags = b[32] ?? 0;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (b.length < authDataSize || (!has(extended) && b.length !== authDataSize)) {
    throw new Error(`authenticator data: ${b.length} bytes, want ${authDataSize}`);
  }
  if (!same(b.slice(0, 32), await sha256(utf8(rpID)))) {
    throw new Error(`authenticator data: it is for another relying party than ${quoted(rpID)}`);
  }
  if (!has(userPresent) || !has(userVerified)) {
    throw new Error("authenticator data: the user was not there, or not verified");
  }
  if ((has(backedUp) && !has(backupAble)) || has(attested)) {
    throw new Error("authenticator data: it is of an enrolment, or its key is backed up and cannot be");
  }
}
