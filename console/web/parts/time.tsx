import { useSecond } from "../app/clock";
import { clock, countdown, looked, span, stamp } from "../app/words";

// lastPart of the time is said louder.
const lastPart = 0.2;

function left(now: number, from: string, until: string): { ms: number; share: number; short: boolean } {
  const ms = Math.max(0, Date.parse(until) - now);
  const whole = Date.parse(until) - Date.parse(from);
  const share = whole > 0 ? Math.min(1, ms / whole) : 0;
  return { ms, share, short: share < lastPart };
}

// Fuse is the time left as a number, and a line that shortens.
export function Fuse({ from, until }: { from: string; until: string }) {
  const { ms, share, short } = left(useSecond(), from, until);
  return (
    <span class={`fuse${short ? " short" : ""}`}>
      <span>{ms === 0 ? "out of time" : countdown(ms)}{ms > 0 && <span class="vh"> left, until {stamp(until)}</span>}</span>
      <svg viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
        <path class="bed" d="M0 1.5H100" stroke-width="3" />
        <path class="left" d={`M0 1.5H${(share * 100).toFixed(1)}`} stroke-width="3" />
      </svg>
    </span>
  );
}

// Clock is the time left where somebody decides, and what happens then.
export function Clock({ from, until }: { from: string; until: string }) {
  const { ms, share, short } = left(useSecond(), from, until);
  const how = short ? " short" : "";
  return (
    <>
      <div class={`clock${how}`} role="timer"><b>{countdown(ms)}</b><span class="soft">{ms === 0 ? "time is up" : "then it is refused"}</span></div>
      <svg class={`fuseline${how}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <path d="M0 2H100" stroke="var(--line)" stroke-width="4" />
        <path d={`M0 2H${(share * 100).toFixed(1)}`} stroke="currentColor" stroke-width="4" />
      </svg>
      <p class="faint until">At <time dateTime={until}>{clock(until)}</time> UTC.</p>
    </>
  );
}

// Ago is how long since, in its largest unit.
export const Moment = ({ at, as }: { at: string; as: (t: string) => string }) => <time dateTime={at} title={stamp(at)}>{as(at)}</time>;

// pace is how fast a choice was made: "after 4 min, the command in view for 31 s".
export const pace = (of: { took_s?: number; dwell_ms?: number }): string =>
  of.took_s === undefined ? "" : `after ${span(of.took_s * 1000)}${of.dwell_ms ? `, the command in view for ${looked(of.dwell_ms)}` : ""}`;
// shortPace is the same where there is little room: "5 min, in view 41 s".
export const shortPace = (of: { took_s?: number; dwell_ms?: number }): string =>
  of.took_s === undefined ? "" : `${span(of.took_s * 1000)}${of.dwell_ms ? `, in view ${looked(of.dwell_ms)}` : ""}`;
