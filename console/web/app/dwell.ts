import type { RefObject } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";

const most = 24 * 3600_000; // milliseconds; the server believes no more

export interface Dwell {
  // block goes to what has to be in view: the command.
  block: RefObject<HTMLOListElement | null>;
  // read is for how long it was, in milliseconds.
  read: () => number;
}

// useDwell counts for how long the command was really before somebody: the page
// not hidden, and part of the command inside the window.
export function useDwell(): Dwell {
  const block = useRef<HTMLOListElement>(null);
  const seen = useRef<{ total: number; since: number | undefined }>({ total: 0, since: undefined });
  useEffect(() => {
    let inside = false;
    const look = () => {
      const { total, since } = seen.current;
      const now = inside && !document.hidden;
      if (now && since === undefined) seen.current = { total, since: performance.now() };
      if (!now && since !== undefined) seen.current = { total: total + performance.now() - since, since: undefined };
    };
    const watch = new IntersectionObserver((entries) => {
      for (const e of entries) inside = e.isIntersecting;
      look();
    });
    if (block.current) watch.observe(block.current);
    document.addEventListener("visibilitychange", look);
    return () => {
      watch.disconnect();
      document.removeEventListener("visibilitychange", look);
      inside = false;
      look();
    };
  }, []);
  const read = useCallback(() => {
    const { total, since } = seen.current;
    return Math.min(most, Math.round(total + (since === undefined ? 0 : performance.now() - since)));
  }, []);
  return { block, read };
}
