/** Times to the nanosecond, which Date does not have: some of the record's are finer than a millisecond. */

import { quoted } from "./bytes";
import type { Shape } from "./shape";

/** Nanoseconds since 1970 in UTC. */
export type Time = bigint;

const milli = 1_000_000n;
export const second = 1_000_000_000n;

/** The zero of Go's time.Time: the first moment of year 1. It stands for no time. */
export const noTime: Time = -62_135_596_800n * second;

const rfc3339 = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** A time as encoding/json spells it (RFC 3339). */
export const time: Shape<Time> = {
  zero: noTime,
  read: (v, where) => {
    const t = typeof v === "string" ? parsed(v) : null;
    if (t === null) {
      throw new Error(`${where} is not a time such as 2026-11-19T12:00:00Z`);
    }
    return t;
  },
};

/** A time as a leaf spells it: in UTC, in milliseconds. */
export const stampedTime: Shape<Time> = {
  zero: noTime,
  read: (v, where) => {
    const t = typeof v === "string" ? parsed(v) : null;
    if (t === null || stamp(t) !== v) {
      throw new Error(`${where} is not a time such as 2026-11-19T12:00:00.000Z`);
    }
    return t;
  },
};

function parsed(text: string): Time | null {
  const m = rfc3339.exec(text);
  if (m === null) {
    return null;
  }
  const [, day = "", h = "", min = "", s = "", fraction = "", sign = "", offsetH = "0", offsetMin = "0"] = m;
  const midnight = new Date(`${day}T00:00:00.000Z`);
  const real = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  if (!real || Number(h) > 23 || Number(min) > 59 || Number(s) > 59 || Number(offsetH) > 23 || Number(offsetMin) > 59) {
    return null;
  }
  const seconds = Number(h) * 3600 + Number(min) * 60 + Number(s);
  const offset = (Number(offsetH) * 3600 + Number(offsetMin) * 60) * (sign === "-" ? -1 : 1);
  const nanos = BigInt(fraction.padEnd(9, "0").slice(0, 9));
  return BigInt(midnight.getTime()) * milli + BigInt(seconds - offset) * second + nanos;
}

/** The time in the precision of the record. */
export function millis(t: Time): Time {
  return t - (((t - noTime) % milli) + milli) % milli;
}

/** "2026-11-19T12:00:00.000Z" */
export function stamp(t: Time): string {
  const text = new Date(Number(millis(t) / milli)).toISOString();
  if (t < noTime || text.length !== "2026-11-19T12:00:00.000Z".length) {
    throw new Error(`time ${quoted(text)} is not in the years 1 to 9999`);
  }
  return text;
}
