import { useEffect, useRef } from "preact/hooks";
import { announce } from "../app/announce";
import { now, useSecond } from "../app/clock";
import type { Closed } from "../app/types";
import { capital, countdown, here, inUTC, plain, sentence } from "../app/words";

// useShut is why nobody can approve it now, and nothing as soon as somebody can.
export function useShut(closed: Closed | undefined): Closed | undefined {
  const second = useSecond();
  const left = closed ? Date.parse(closed.until) - second : 0;
  const was = useRef(false);
  const shut = left > 0;
  useEffect(() => {
    if (was.current && !shut) announce("It can be approved now.");
    was.current = shut;
  }, [shut]);
  return shut ? closed : undefined;
}

// Shut says when approving begins: on this device's clock, in UTC, and in the zone
// of the hours where the server says it.
export function Shut({ of }: { of: Closed }) {
  const { at, zone } = here(of.until);
  return (
    <div class="lacks shut">
      <p><b>Approving begins {at}</b> on this device’s clock ({zone}): {inUTC(of.until)}, in <span role="timer">{countdown(Date.parse(of.until) - now())}</span>.</p>
      {of.why.map((w, i) => <p key={i} class="soft">{sentence(capital(plain(w)))}</p>)}
      <p class="soft">It can be rejected or escalated now.</p>
    </div>
  );
}

// Opens is the same in a row, while it is so.
export function Opens({ at }: { at: string }) {
  return Date.parse(at) > useSecond() ? <span>opens {here(at).at}<span class="vh">, {inUTC(at)}</span></span> : null;
}
