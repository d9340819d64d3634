/** The public keys of passkeys (COSE_Key, RFC 9052 section 7) and signatures under them. */

import { base64url, hex, type Bytes } from "./bytes";

type Value = bigint | Bytes;

/** A key that signatures can be checked with. */
export interface PublicKey {
  verify(signature: Bytes, data: Bytes): Promise<boolean>;
}

const kty = 1n;
const alg = 3n;
const minModulus = 2048 / 8;

/** Reads a COSE_Key of ES256, EdDSA over Ed25519, or RS256 of 2,048 bits at least; it throws for any other. */
export async function parsePublicKey(cose: Uint8Array): Promise<PublicKey> {
  const key = parseMap(cose);
  switch (`${key.get(kty)} ${key.get(alg)}`) {
    case "2 -7":
      return es256(key);
    case "1 -8":
      return ed25519(key);
    case "3 -257":
      return rs256(key);
  }
  throw new Error("passkey: the key is none of ES256, Ed25519 and RS256");
}

async function es256(key: ReadonlyMap<bigint, Value>): Promise<PublicKey> {
  const [x, y] = [part(key, -2n), part(key, -3n)];
  if (key.get(-1n) !== 1n || x.length !== 32 || y.length !== 32) {
    throw new Error("passkey: an ES256 key is two numbers of 32 bytes on P-256");
  }
  const jwk = { kty: "EC", crv: "P-256", x: base64url(x), y: base64url(y) };
  const imported = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  return { verify: async (sig, data) => crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, rawOf(sig), data) };
}

async function ed25519(key: ReadonlyMap<bigint, Value>): Promise<PublicKey> {
  const x = part(key, -2n);
  if (key.get(-1n) !== 6n || x.length !== 32) {
    throw new Error("passkey: an EdDSA key is 32 bytes on Ed25519");
  }
  const imported = await crypto.subtle.importKey("raw", x, "Ed25519", false, ["verify"]);
  return { verify: async (sig, data) => crypto.subtle.verify("Ed25519", imported, sig, data) };
}

async function rs256(key: ReadonlyMap<bigint, Value>): Promise<PublicKey> {
  const [n, e] = [trimmed(part(key, -1n)), trimmed(part(key, -2n))];
  if (n.length < minModulus) {
    throw new Error("passkey: an RS256 key has 2,048 bits at least");
  }
  const jwk = { kty: "RSA", n: base64url(n), e: base64url(e) };
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  return { verify: async (sig, data) => crypto.subtle.verify(algorithm, imported, sig, data) };
}

function part(key: ReadonlyMap<bigint, Value>, label: bigint): Bytes {
  const v = key.get(label);
  if (v === undefined || typeof v === "bigint") {
    throw new Error(`passkey: the key has no bytes ${label}`);
  }
  return v;
}

function trimmed(b: Bytes): Bytes {
  const at = b.findIndex((x) => x !== 0);
  return b.slice(at < 0 ? b.length : at);
}

/** Reads a flat CBOR map of numbers to numbers or bytes (RFC 8949), all that a COSE_Key is. */
function parseMap(b: Uint8Array): ReadonlyMap<bigint, Value> {
  const r = { b: new Uint8Array(b), at: 0 };
  const [major, size] = head(r);
  if (major !== 5) {
    throw new Error("passkey: the key is no CBOR map");
  }
  const all = new Map<bigint, Value>();
  for (let i = 0n; i < size; i++) {
    const label = item(r);
    if (typeof label !== "bigint" || all.has(label)) {
      throw new Error("passkey: a label of the key is no number, or stands twice");
    }
    all.set(label, item(r));
  }
  if (r.at !== r.b.length) {
    throw new Error("passkey: there is more data after the key");
  }
  return all;
}

interface Reader {
  readonly b: Bytes;
  at: number;
}

/** Reads the first byte of an item and the number that belongs to it. */
function head(r: Reader): [number, bigint] {
  const [first] = take(r, 1);
  const low = (first ?? 0) & 31;
  const major = (first ?? 0) >> 5;
  if (low < 24) {
    return [major, BigInt(low)];
  }
  if (low > 27) {
    throw new Error("passkey: the key has an item of no definite length");
  }
  return [major, BigInt("0x" + hex(take(r, 1 << (low - 24))))];
}

function item(r: Reader): Value {
  const [major, n] = head(r);
  switch (major) {
    case 0:
      return n;
    case 1:
      return -1n - n;
    case 2:
      return take(r, Number(n));
  }
  throw new Error("passkey: the key holds what is neither number nor bytes");
}

function take(r: Reader, n: number): Bytes {
  if (r.at + n > r.b.length) {
    throw new Error("passkey: data ends too early");
  }
  r.at += n;
  return r.b.slice(r.at - n, r.at);
}

/**
 * Turns an ECDSA-Sig-Value (RFC 3279, section 2.2.3) into the two numbers that
 * WebCrypto takes. DER has one spelling for a signature; others are refused.
 */
export function rawOf(der: Bytes): Bytes {
  const r: Reader = { b: der, at: 0 };
  const [tag, size] = take(r, 2);
  const raw = new Uint8Array(64);
  raw.set(derInteger(r), 0);
  raw.set(derInteger(r), 32);
  if (tag !== 0x30 || size !== der.length - 2 || r.at !== der.length) {
    throw new Error("passkey: the signature is no ECDSA signature in DER");
  }
  return raw;
}

/** Reads a positive integer, as 32 bytes. */
function derInteger(r: Reader): Bytes {
  const [tag, size = 0] = take(r, 2);
  const b = take(r, size);
  const [first = 0, second = 0] = b;
  const shortest = first !== 0 || second >= 0x80;
  const digits = trimmed(b);
  if (tag !== 2 || size > 33 || first >= 0x80 || !shortest || digits.length > 32) {
    throw new Error("passkey: a number of the signature is not one of P-256 in DER");
  }
  const padded = new Uint8Array(32);
  padded.set(digits, 32 - digits.length);
  return padded;
}
