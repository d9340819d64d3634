import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon";
import { Outside } from "../parts/spans";
import { announce } from "./announce";
import { useSession } from "./session";
import type { Hold } from "./admin";
import { plural, short } from "./words";

const mostLines = 3;

// HeldBand stands over every page while everything of an agent is held.
export function HeldBand() {
  const { holds } = useSession();
  useNews(holds);
  if (holds.length === 0) return null;
  const sorted = [...holds].sort((a, b) => Number(b.id === "all") - Number(a.id === "all"));
  const beyond = sorted.length - mostLines;
  return (
    <section class="heldband" aria-label="What is held">
      {sorted.slice(0, mostLines).map((h) => (
        <p key={h.id}>
          <Icon name="octagon-pause" />
          <span><b>Everything of <Outside text={h.name} /> is held</b> since <time dateTime={h.since}>{short(h.since)}</time> UTC, by <Outside text={h.by} />.{h.reason && <> “<Outside text={h.reason} />”</>}</span>
          {location.pathname !== "/agents" && <a href={h.id === "all" ? "/agents" : `/agents#${h.id}`}>Lift<span class="vh"> the hold of {h.name}</span></a>}
        </p>
      ))}
      {beyond > 0 && <p><a href="/agents">{plural(beyond, "more agent is held", "more agents are held")}</a></p>}
    </section>
  );
}

// useNews tells those who cannot see it that something is held, or no more.
function useNews(holds: readonly Hold[]): void {
  const before = useRef<readonly Hold[]>(holds);
  useEffect(() => {
    const was = before.current;
    before.current = holds;
    const begun = holds.find((h) => !was.some((o) => o.id === h.id));
    const over = was.find((h) => !holds.some((o) => o.id === h.id));
    if (begun) announce(`Everything of ${begun.name} is held, by ${begun.by}.`);
    else if (over) announce(`The hold of ${over.name} is lifted.`);
  }, [holds]);
}
