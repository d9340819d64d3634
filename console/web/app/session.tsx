import { createContext, type ComponentChildren } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, problemOf } from "./api";
import { Live, type Status } from "./live";
import type { Hold, Me } from "./admin";
import type { Inbox, LiveEvent } from "./types";

// A Session is who reads these pages, what waits for them, and whether what they
// see follows what is recorded.
export interface Session {
  // who is undefined until the server has said, and null for somebody who is not signed in.
  who: Me | null | undefined;
  inbox: Inbox | undefined;
  // holds are the agents of which everything is held.
  holds: readonly Hold[];
  problem: Problem | undefined;
  status: Status;
  leaves: number;
  again: () => void;
  renew: () => Promise<void>;
  lookAtHolds: () => void;
  reconnect: () => void;
  onEvent: (hear: (e: LiveEvent) => void) => () => void;
}

const Context = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const s = useContext(Context);
  if (!s) throw new Error("no session around this part");
  return s;
}

// useMe is the reader where a page is only drawn for somebody signed in.
export function useMe(): Me {
  const { who } = useSession();
  if (!who) throw new Error("nobody is signed in");
  return who;
}

// useOnEvent tells of what is recorded while the component is there.
export function useOnEvent(hear: (e: LiveEvent) => void): void {
  const { onEvent } = useSession();
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => onEvent((e) => latest.current(e)), [onEvent]);
}

export function SessionProvider({ children }: { children: ComponentChildren }) {
  const [who, setWho] = useState<Me | null>();
  const [inbox, setInbox] = useState<Inbox>();
  const [holds, setHolds] = useState<readonly Hold[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const [status, setStatus] = useState<Status>({ kind: "starting" });
  const [leaves, setLeaves] = useState(0);
  const live = useRef<Live | undefined>(undefined);
  const shown = useRef(false);
  const heard = useRef(new Set<(e: LiveEvent) => void>());

  const renew = useCallback(async () => {
    try {
      const me = await get<Me>("/v1/me");
      setWho(me);
      setLeaves((n) => Math.max(n, Number(me.log.size)));
    } catch (e) {
      const p = problemOf(e);
      if (p.status === 401) setWho(null);
      else setProblem(p);
    }
  }, []);

  const load = useCallback(async () => {
    try {
      const next = await get<Inbox>("/v1/inbox");
      shown.current = true;
      setInbox(next);
      setProblem(undefined);
      if (live.current?.status.kind === "off") live.current.from(next.after);
      return next;
    } catch (e) {
      const p = problemOf(e);
      if (p.status === 401) setWho(null);
      // With a list on the page, that the server is away is said once, by Offline.
      if (p.code !== "unreachable" || !shown.current) setProblem(p);
      return undefined;
    }
  }, []);
  const again = useCoalesced(load);
  const loadHolds = useCallback(async () => {
    try {
      setHolds((await get<{ holds: readonly Hold[] }>("/v1/holds")).holds);
    } catch {
      // What was held stays on the page; that the server is away is said by Offline.
    }
  }, []);
  const lookAtHolds = useCoalesced(loadHolds);

  useEffect(() => void renew(), [renew]);
  const id = who?.person.id;
  useEffect(() => {
    if (id === undefined) return;
    let over = false;
    let stop = () => {};
    lookAtHolds();
    void load().then((first) => {
      if (over) return;
      const l = new Live("/v1/events", first?.after ?? "");
      live.current = l;
      const unheard = l.onEvent((e) => {
        setLeaves((n) => Math.max(n, Number(e.index) + 1));
        if (e.request) again();
        if (e.entity?.startsWith("halt:")) lookAtHolds();
        for (const hear of [...heard.current]) hear(e);
      });
      const unwatched = l.onStatus((s) => {
        setStatus(s);
        if (s.kind === "live") lookAtHolds();
        if (s.kind !== "starting") again(); // while it is off, to learn of an end of the session, and where the log is
      });
      stop = () => {
        unheard();
        unwatched();
        l.close();
      };
    });
    return () => {
      over = true;
      stop();
    };
  }, [id, load, again, lookAtHolds]);

  const onEvent = useCallback((hear: (e: LiveEvent) => void) => {
    heard.current.add(hear);
    return () => void heard.current.delete(hear);
  }, []);
  const reconnect = useCallback(() => live.current?.open(), []);
  return <Context.Provider value={{ who, inbox, holds, problem, status, leaves, again, renew, lookAtHolds, reconnect, onEvent }}>{children}</Context.Provider>;
}

// useCoalesced runs one at a time, and once more for all calls meanwhile.
export function useCoalesced(run: () => Promise<unknown>): () => void {
  const state = useRef({ running: false, more: false });
  return useCallback(() => {
    const s = state.current;
    s.more = true;
    if (s.running) return;
    s.running = true;
    void (async () => {
      while (s.more) {
        s.more = false;
        await run();
      }
      s.running = false;
    })();
  }, [run]);
}
