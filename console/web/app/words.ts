import type { Span, Text } from "./types";

// How numbers and times are said. Time is UTC everywhere, and says so.

const two = (n: number): string => String(n).padStart(2, "0");
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const days = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "long", day: "numeric", month: "long", year: "numeric" });
const whole = new Intl.NumberFormat("en");

// clock is "15:04:05".
export const clock = (t: string | number): string => {
  const d = new Date(t);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
};
// fine is "15:04:05.123", to tell events of one second apart.
export const fine = (t: string): string => `${clock(t)}.${String(new Date(t).getUTCMilliseconds()).padStart(3, "0")}`;
// short is "2 Jan 15:04".
export const short = (t: string): string => `${date(t)} ${clock(t).slice(0, 5)}`;
export const date = (t: string): string => {
  const d = new Date(t);
  return `${d.getUTCDate()} ${months[d.getUTCMonth()] ?? ""}`;
};
export const dated = (t: string): string => `${date(t)} ${new Date(t).getUTCFullYear()}`;
export const stamp = (t: string): string => `${dated(t)} ${clock(t)} UTC`;
export const day = (t: string): string => days.format(new Date(t));

export const count = (n: number): string => whole.format(n);
export const plural = (n: number, one: string, many: string): string => `${count(n)} ${n === 1 ? one : many}`;
export const listed = (words: readonly string[], last: string): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words[words.length - 1] ?? ""}`;

// countdown is "24:18", or "1 h 04 min".
export function countdown(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 86400) return `${Math.floor(s / 86400)} d ${two(Math.floor(s / 3600) % 24)} h`;
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 60)}:${two(s % 60)}`;
}

// span is a length of time in its largest unit.
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return plural(Math.floor(s / 86400), "day", "days");
}

// looked is a length of time that may be less than a second.
export const looked = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms));

const local = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short", timeZone: "UTC" });
// here is the time on this device's own clock, "Mon 09:00", and where it says it is.
export const here = (t: string): { at: string; zone: string } => ({ at: local.format(new Date(t)).replace(",", ""), zone: local.resolvedOptions().timeZone });
// inUTC is "Mon 23 Nov 08:00 UTC".
export const inUTC = (t: string): string => `${weekday.format(new Date(t))} ${short(t)} UTC`;

// sentence is the text of an error as a sentence.
export function sentence(s: string): string {
  if (s === "") return "";
  const up = s.charAt(0).toUpperCase() + s.slice(1);
  return /[.?!”]$/.test(up) ? up : `${up}.`;
}

const shown = (s: Span): string => (s.role === "hidden" || s.role === "redacted" ? `<${s.label ?? "hidden"}>` : s.text);
// plain is a text without roles, with what is hidden in it spelled out.
export const plain = (t: Text | undefined): string => (t ?? []).map(shown).join("");
export const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);
// hex is a digest for a table: groups of eight.
export const hex = (digest: string): string => digest.replace(/^sha256:/, "").replace(/(.{8})(?=.)/g, "$1 ");
