/**
 * Shapes say what a document may hold. A member that no shape names is refused,
 * one that is missing or null has the zero value of its shape, as in the Go types
 * that write the documents.
 */

import { fromBase64, quoted, type Bytes } from "./bytes";
import { isList, isObject, parse, type Json } from "./json";

/** Reads one kind of value, and says what stands for a missing one. */
export interface Shape<T> {
  readonly zero: T;
  /** Throws if the value is of another kind; where names it in the message. */
  read(v: Exclude<Json, null>, where: string): T;
}

/** What a shape reads. */
export type Of<S> = S extends Shape<infer T> ? T : never;

/** Reads a whole document of the shape. */
export function document<T>(shape: Shape<T>, text: string): T {
  return member(shape, parse(text), "");
}

/** Reads a value of the shape, null being its zero. */
export function member<T>(shape: Shape<T>, v: Json | undefined, where: string): T {
  return v === undefined || v === null ? shape.zero : shape.read(v, where);
}

function wrong(where: string, want: string): never {
  throw new Error(`${where === "" ? "the document" : where} is not ${want}`);
}

export const text: Shape<string> = {
  zero: "",
  read: (v, where) => (typeof v === "string" ? v : wrong(where, "a text")),
};

export const flag: Shape<boolean> = {
  zero: false,
  read: (v, where) => (typeof v === "boolean" ? v : wrong(where, "true or false")),
};

/** An integer within ±(2^53-1). */
export const integer: Shape<number> = {
  zero: 0,
  read: (v, where) => {
    if (typeof v === "object" && "digits" in v && /^-?[0-9]+$/.test(v.digits)) {
      const n = Number(v.digits);
      if (Number.isSafeInteger(n)) {
        return n === 0 ? 0 : n; // one zero only
      }
    }
    return wrong(where, "a plain integer");
  },
};

/** A decimal number of 64 bits, without sign, as a text in its one spelling. */
export const counter: Shape<bigint> = {
  zero: 0n,
  read: (v, where) => {
    if (typeof v !== "string" || !/^(0|[1-9][0-9]{0,19})$/.test(v) || BigInt(v) >= 1n << 64n) {
      return wrong(where, "a decimal number of 64 bits as a text");
    }
    return BigInt(v);
  },
};

/** Bytes as base64. */
export const bytes: Shape<Bytes> = {
  zero: new Uint8Array(0),
  read: (v, where) => (typeof v === "string" ? fromBase64(v) : wrong(where, "base64")),
};

/** A hash of 32 bytes as 64 hex digits, empty if there is none or it is zero. */
export const hash: Shape<string> = {
  zero: "",
  read: (v, where) => {
    if (typeof v !== "string" || !/^[0-9a-f]{64}$/.test(v)) {
      return wrong(where, "64 hex digits in lower case");
    }
    return nonzero(v);
  },
};

/** A digest, "sha256:" and 64 hex digits; read as the digits, empty if there is none or it is zero. */
export const digest: Shape<string> = {
  zero: "",
  read: (v, where) => {
    if (typeof v !== "string" || !/^(sha256:[0-9a-f]{64})?$/.test(v)) {
      return wrong(where, "sha256: and 64 hex digits in lower case");
    }
    return nonzero(v.slice("sha256:".length));
  },
};

function nonzero(digits: string): string {
  return /^0*$/.test(digits) ? "" : digits;
}

/** One of the words; a missing one is the first. */
export function word(...words: readonly [string, ...string[]]): Shape<string> {
  return {
    zero: words[0],
    read: (v, where) => (typeof v === "string" && words.includes(v) ? v : wrong(where, `one of ${words.join(", ")}`)),
  };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    zero: [],
    read: (v, where) => (isList(v) ? v.map((x, i) => member(item, x, `${where}/${i}`)) : wrong(where, "a list")),
  };
}

export function mapOf<T>(item: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return {
    zero: new Map<string, T>(),
    read: (v, where) => {
      if (!isObject(v)) {
        return wrong(where, "an object");
      }
      return new Map([...v].map(([key, x]) => [key, member(item, x, `${where}/${key}`)]));
    },
  };
}

/** A value that may be missing, which is then told from its zero. */
export function maybe<T>(shape: Shape<T>): Shape<T | null> {
  return { zero: null, read: (v, where) => shape.read(v, where) };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;

/** An object with these members and no others. */
export function record<F extends Fields>(fields: F): Shape<{ readonly [K in keyof F]: Of<F[K]> }> {
  type T = { readonly [K in keyof F]: Of<F[K]> };
  const shapes = new Map(Object.entries(fields));
  const made = (of: (name: string, shape: Shape<unknown>) => unknown): T =>
    Object.fromEntries([...shapes].map(([name, shape]) => [name, of(name, shape)])) as T;
  return {
    zero: made((_, shape) => shape.zero),
    read: (v, where) => {
      if (!isObject(v)) {
        return wrong(where, "an object");
      }
      for (const key of v.keys()) {
        if (!shapes.has(key)) {
          throw new Error(`${where}/${key}: key ${quoted(key)} is not known here`);
        }
      }
      return made((name, shape) => member(shape, v.get(name), `${where}/${name}`));
    },
  };
}
