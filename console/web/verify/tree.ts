/** The hashes of the log (RFC 6962, section 2.1), as bytes. */

import { hex, sha256, type Bytes } from "./bytes";
import type { Hop } from "./report";

/** SHA-256(0x00 leaf) */
export function leafHash(leaf: Uint8Array): Promise<Bytes> {
  return sha256(Uint8Array.of(0), leaf);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Bytes> {
  return sha256(Uint8Array.of(1), left, right);
}

/** What a path comes to, hop by hop. */
export interface Folded {
  readonly root: Bytes;
  readonly hops: readonly Hop[];
  /** Whether the path is as long as the place of the leaf in a log of the size wants. */
  readonly whole: boolean;
}

/** Folds a leaf's path to a root (RFC 9162, section 2.1.3.2). */
export async function fold(size: bigint, index: bigint, leaf: Bytes, path: readonly Bytes[]): Promise<Folded> {
  let [at, last, hash] = [index, size - 1n, leaf];
  let whole = index < size;
  const hops: Hop[] = [];
  for (const sibling of path) {
    whole &&= last > 0n;
    const left = (at & 1n) === 0n && at < last;
    hash = left ? await nodeHash(hash, sibling) : await nodeHash(sibling, hash);
    hops.push({ side: left ? "right" : "left", sibling: hex(sibling), hash: hex(hash) });
    while (!left && (at & 1n) === 0n && at > 0n) {
      [at, last] = [at >> 1n, last >> 1n];
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return { root: hash, hops, whole: whole && last === 0n };
}
