import { useEffect, useState } from "preact/hooks";

// A Place is what the address says; all state that a link should carry is in it.
export interface Place {
  path: string;
  query: URLSearchParams;
  hash: string;
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash.slice(1) });
const moved = new Event("moved");

export function go(href: string, how: "push" | "replace" = "push"): void {
  const from = location.pathname;
  history[how === "push" ? "pushState" : "replaceState"](null, "", href);
  if (how === "push" && location.pathname !== from) scrollTo(0, 0);
  window.dispatchEvent(moved);
}

// asked is the address with other values; empty ones are left out.
export function asked(changes: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") query.delete(name);
    else query.set(name, value);
  }
  const search = query.toString();
  return location.pathname + (search === "" ? "" : `?${search}`);
}

// What the server draws itself.
const elsewhere = /^\/(v1|plain|signin|signout|static)(\/|$)/;

function follow(e: MouseEvent): void {
  const a = e.target instanceof Element ? e.target.closest("a") : null;
  if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
  if (a.target !== "" || a.hasAttribute("download") || a.origin !== location.origin || elsewhere.test(a.pathname)) return;
  if (a.hash !== "" && a.pathname === location.pathname && a.search === location.search) return;
  e.preventDefault();
  go(a.href);
}

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const look = () => set(here());
    const events = ["moved", "popstate", "hashchange"];
    for (const e of events) window.addEventListener(e, look);
    document.addEventListener("click", follow);
    return () => {
      for (const e of events) window.removeEventListener(e, look);
      document.removeEventListener("click", follow);
    };
  }, []);
  return place;
}

let last: string | undefined; // the path whose heading has had the focus

// useTitle names the page once it is there, and gives its heading the focus when
// the reader came to it by a link.
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title === undefined) return;
    document.title = `${title} · Countersign`;
    const path = location.pathname;
    if (last !== undefined && last !== path) {
      const heading = document.querySelector<HTMLElement>("main h1") ?? document.querySelector<HTMLElement>("main");
      heading?.setAttribute("tabindex", "-1");
      heading?.focus({ preventScroll: true });
    }
    last = path;
  }, [title]);
}
