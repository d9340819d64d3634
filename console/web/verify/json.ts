/**
 * JSON that has one meaning only: what package canon reads and writes. Unlike
 * JSON.parse, a key that stands twice, also in another case, is refused, and a
 * number keeps its spelling.
 */

import { quoted, utf8 } from "./bytes";
import { folded } from "./fold";

/** A number as it is spelled. */
export interface Digits {
  readonly digits: string;
}

/** A JSON value. Objects are maps, so that no key has a meaning of its own. */
export type Json = null | boolean | string | Digits | readonly Json[] | ReadonlyMap<string, Json>;

const maxDepth = 64;
const maxBytes = 8 << 20;

/** Reads the bytes of a document; it throws what is wrong. */
export function parseBytes(b: Uint8Array): Json {
  if (b.length > maxBytes) {
    throw new Error(`the document has ${b.length} bytes and the limit is ${maxBytes}`);
  }
  return parse(textOf(b));
}

/** Reads UTF-8; a byte order mark stays, for parse to refuse. */
export function textOf(b: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(b);
  } catch {
    throw new Error("the document is not valid UTF-8");
  }
}

/** Reads a document; it throws what is wrong. */
export function parse(text: string): Json {
  const r: Reader = { text, at: 0, depth: 0 };
  if (text.startsWith("\ufeff")) {
    fail(r, "the document starts with a byte order mark");
  }
  space(r);
  const v = value(r);
  space(r);
  if (r.at < text.length) {
    fail(r, "there is more data after the value");
  }
  return v;
}

/** Writes RFC 8785: keys in the order of UTF-16 code units, as this language sorts. */
export function write(v: Json): string {
  if (v === null || typeof v === "boolean") {
    return String(v);
  }
  if (typeof v === "string") {
    return JSON.stringify(v);
  }
  if (isList(v)) {
    return "[" + v.map(write).join(",") + "]";
  }
  if (isObject(v)) {
    const keys = [...v.keys()].sort();
    return "{" + keys.map((k) => JSON.stringify(k) + ":" + write(v.get(k) ?? null)).join(",") + "}";
  }
  return integral(v.digits);
}

/** Only integers that every reader agrees on are written: within ±(2^53-1), in one spelling. */
function integral(digits: string): string {
  if (!/^(0|-?[1-9][0-9]*)$/.test(digits) || !Number.isSafeInteger(Number(digits))) {
    throw new Error(`number ${quoted(digits)} is not a plain integer within ±(2^53-1)`);
  }
  return digits;
}

/** How many bytes a text has in UTF-8. */
export function sizeOf(text: string): number {
  return utf8(text).length;
}

export function isList(v: Json): v is readonly Json[] {
  return Array.isArray(v);
}

export function isObject(v: Json): v is ReadonlyMap<string, Json> {
  return v instanceof Map;
}

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
}

function fail(r: Reader, problem: string): never {
  throw new Error(`JSON at character ${r.at}: ${problem}`);
}

function space(r: Reader): void {
  while (r.at < r.text.length && " \n\t\r".includes(r.text.charAt(r.at))) {
    r.at++;
  }
}

function value(r: Reader): Json {
  switch (r.text.charAt(r.at)) {
    case "{":
      return object(r);
    case "[":
      return list(r);
    case '"':
      return string(r);
    case "t":
      return literal(r, "true", true);
    case "f":
      return literal(r, "false", false);
    case "n":
      return literal(r, "null", null);
  }
  return number(r);
}

function literal(r: Reader, word: string, v: boolean | null): boolean | null {
  if (!r.text.startsWith(word, r.at)) {
    fail(r, "a value should stand here");
  }
  r.at += word.length;
  return v;
}

function enter(r: Reader): void {
  if (++r.depth > maxDepth) {
    fail(r, `objects and arrays are nested more than ${maxDepth} deep`);
  }
  r.at++;
  space(r);
}

/** Reads what stands between items and tells whether another one comes. */
function another(r: Reader, end: string): boolean {
  space(r);
  const c = r.text.charAt(r.at);
  if (c !== "," && c !== end) {
    fail(r, `',' or '${end}' should stand here`);
  }
  r.at++;
  if (c === end) {
    r.depth--;
    return false;
  }
  space(r);
  return true;
}

function list(r: Reader): Json {
  enter(r);
  const all: Json[] = [];
  if (r.text.charAt(r.at) === "]") {
    r.at++;
    r.depth--;
    return all;
  }
  do {
    all.push(value(r));
  } while (another(r, "]"));
  return all;
}

function object(r: Reader): Json {
  enter(r);
  const all = new Map<string, Json>();
  const seen = new Map<string, string>();
  if (r.text.charAt(r.at) === "}") {
    r.at++;
    r.depth--;
    return all;
  }
  do {
    if (r.text.charAt(r.at) !== '"') {
      fail(r, "a key in double quotes should stand here");
    }
    const key = string(r);
    const other = seen.get(folded(key));
    if (other !== undefined) {
      fail(r, other === key ? `key ${quoted(key)} stands twice in one object` : `keys ${quoted(other)} and ${quoted(key)} differ only by case`);
    }
    seen.set(folded(key), key);
    space(r);
    if (r.text.charAt(r.at) !== ":") {
      fail(r, "':' should stand here");
    }
    r.at++;
    space(r);
    all.set(key, value(r));
  } while (another(r, "}"));
  return all;
}

const plain = /[^"\\\u0000-\u001f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function string(r: Reader): string {
  const start = r.at;
  r.at++;
  for (;;) {
    plain.lastIndex = r.at;
    r.at += plain.exec(r.text)?.[0].length ?? 0;
    const c = r.text.charAt(r.at);
    if (c === '"') {
      break;
    }
    escape.lastIndex = r.at;
    const found = escape.exec(r.text)?.[0];
    if (c !== "\\" || found === undefined) {
      fail(r, c === "" ? "a string does not end" : "a control character or an escape that JSON does not have");
    }
    r.at += found.length;
  }
  r.at++;
  const text: unknown = JSON.parse(r.text.slice(start, r.at));
  if (typeof text !== "string" || !paired(text)) {
    fail(r, "a lone surrogate is not a character");
  }
  return text;
}

/** Whether no half of a surrogate pair stands alone. */
function paired(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

const numeral = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function number(r: Reader): Digits {
  numeral.lastIndex = r.at;
  const found = numeral.exec(r.text)?.[0];
  if (found === undefined) {
    fail(r, "a value should stand here");
  }
  r.at += found.length;
  return { digits: found };
}
