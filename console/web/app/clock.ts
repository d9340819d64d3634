import { useEffect, useState } from "preact/hooks";

// Time left is the server's business, so its clock counts and not this device's.
let ahead = 0; // milliseconds that the server is ahead of this device

// keepTime learns the server's time from a Date header, which has whole seconds.
export function keepTime(date: string | null): void {
  const then = date ? Date.parse(date) : NaN;
  if (Number.isNaN(then)) return;
  const seen = then + 500 - Date.now();
  if (Math.abs(seen - ahead) > 1500) ahead = seen;
}

export const now = (): number => Date.now() + ahead;

const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (!document.hidden) for (const w of [...watchers]) w();
}

// useSecond draws its component again each second, all of them at once.
export function useSecond(): number {
  const [at, set] = useState(now);
  useEffect(() => {
    const watch = () => set(now());
    watchers.add(watch);
    timer ??= setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      watchers.delete(watch);
      document.removeEventListener("visibilitychange", tick);
      if (watchers.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return at;
}
