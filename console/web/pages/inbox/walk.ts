import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { useKeys } from "../../app/keys";

const idOf = (a: HTMLAnchorElement | undefined): string | undefined => a && (a.dataset["id"] ?? a.pathname.split("/").pop());

// useRows moves the focus along the rows, and says which row has it.
export function useRows(keys: boolean, rows: RefObject<HTMLElement | null>, search: RefObject<HTMLInputElement | null>): string | undefined {
  const [on, set] = useState<string>();
  const at = useRef<string | undefined>(undefined); // ahead of what is drawn, for keys that come fast
  const links = (): HTMLAnchorElement[] => [...(rows.current?.querySelectorAll<HTMLAnchorElement>("a.t") ?? [])];
  const move = (by: number) => {
    const all = links();
    const here = all.findIndex((a) => idOf(a) === at.current);
    const next = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    at.current = idOf(next);
    set(at.current);
  };
  useKeys(keys, {
    j: () => move(1),
    k: () => move(-1),
    Enter: () => links().find((a) => idOf(a) === at.current)?.click(),
    "/": () => search.current?.focus(),
  });
  return on;
}
