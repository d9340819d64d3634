import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { aborted, get, problemOf, type Problem } from "./api";
import { useCoalesced } from "./session";

export interface Loaded<T> {
  data: T | undefined;
  problem: Problem | undefined;
  // again asks once more; what is shown stays until the answer is there.
  again: () => void;
  // set shows an answer that came another way.
  set: (data: T) => void;
}

// useLoad shows what the server says at a path.
export function useLoad<T>(path: string): Loaded<T> {
  const [state, setState] = useState<{ path: string; data?: T; problem?: Problem }>({ path });
  const wanted = useRef(path);
  wanted.current = path;
  const load = useCallback(async () => {
    const asked = wanted.current;
    try {
      const data = await get<T>(asked);
      if (asked === wanted.current) setState({ path: asked, data });
    } catch (e) {
      if (!aborted(e) && asked === wanted.current) setState((s) => (s.path === asked && s.data !== undefined ? { ...s, problem: problemOf(e) } : { path: asked, problem: problemOf(e) }));
    }
  }, []);
  const again = useCoalesced(load);
  useEffect(again, [path, again]);
  const set = useCallback((data: T) => setState({ path: wanted.current, data }), []);
  const fresh = state.path === path;
  return { data: fresh ? state.data : undefined, problem: fresh ? state.problem : undefined, again, set };
}
