/** Bytes and their texts, hashes and comparisons, all over what browsers bring. */

/** Bytes that WebCrypto takes: never a shared buffer. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** The bytes one after the other. */
export function joined(...parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

/** Whether they are the same bytes. Nothing here is secret, so time may tell. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** Lower-case hex. */
export function hex(b: Uint8Array): string {
  return Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
}

/** Base64 with padding (RFC 4648, section 4). */
export function base64(b: Uint8Array): string {
  let text = "";
  for (const x of b) {
    text += String.fromCharCode(x);
  }
  return btoa(text);
}

/** Base64 without padding, in the alphabet of addresses (RFC 4648, section 5). */
export function base64url(b: Uint8Array): string {
  return base64(b).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Reads base64 with padding; line ends in it and loose last bits are let pass. */
export function fromBase64(text: string): Bytes {
  const packed = text.replace(/[\r\n]/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) {
    throw new Error(`${quoted(text)} is not base64 with padding`);
  }
  return Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
}

/** Reads base64 in the one spelling that base64 gives. */
export function fromStrictBase64(text: string): Bytes {
  const b = fromBase64(text);
  if (base64(b) !== text) {
    throw new Error(`${quoted(text)} is not in the one spelling of base64`);
  }
  return b;
}

/** SHA-256 over the parts, one after the other. */
export async function sha256(...parts: readonly Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

/** A text of the receipt within a message, shortened. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? text.slice(0, 120) + "..." : text);
}
