import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { keep, recall } from "./kept";

// useKeysOn says whether single keys act, and lets the reader turn them off: they
// are in the way of speech input (WCAG 2.1.4).
export function useKeysOn(): [boolean, () => void] {
  const [on, set] = useState(() => recall("keys") !== "off");
  const turn = () => {
    keep("keys", on ? "off" : "on");
    set(!on);
  };
  return [on, turn];
}

// useKeys acts on single keys that nothing else takes, from the moment that what
// they act on is drawn.
export function useKeys(on: boolean, keys: Readonly<Record<string, () => void>>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useLayoutEffect(() => {
    if (!on) return;
    const press = (e: KeyboardEvent) => {
      const typing = e.target instanceof Element && e.target.closest("input, textarea, select, [contenteditable], dialog");
      const act = latest.current[e.key];
      if (!act || typing || e.metaKey || e.ctrlKey || e.altKey) return;
      if (e.key === "Enter" && e.target instanceof Element && e.target.closest("a, button, summary")) return;
      e.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [on]);
}
