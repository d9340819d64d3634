import type { LiveEvent } from "./types";

// Status says whether what is shown follows what is recorded.
export type Status =
  | { kind: "starting" }
  | { kind: "live" }
  | { kind: "off"; since: number; again: number }; // times of this device; again is when it tries next

const waits = [1, 2, 4, 8, 15]; // seconds

// Live reads the server's events and resumes where it was, so that none is
// missed. The browser's own retrying is not used: it tells nobody when.
export class Live {
  status: Status = { kind: "starting" };
  private readonly heard = new Set<(e: LiveEvent) => void>();
  private readonly watching = new Set<(s: Status) => void>();
  private source: EventSource | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private last: string;
  private readonly url: string;

  constructor(url: string, after: string) {
    this.url = url;
    this.last = after;
    window.addEventListener("online", this.open);
    window.addEventListener("offline", this.lost);
    this.open();
  }

  readonly open = (): void => {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource(`${this.url}?after=${encodeURIComponent(this.last)}`);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.become({ kind: "live" });
    };
    for (const name of ["request", "directory"]) source.addEventListener(name, this.tell);
    source.onerror = this.lost;
  };

  private readonly tell = (m: MessageEvent<string>): void => {
    if (m.lastEventId !== "") this.last = m.lastEventId;
    const e = JSON.parse(m.data) as LiveEvent;
    for (const hear of [...this.heard]) hear(e);
  };

  // from has the next connection begin there: the log is not the one that was read.
  from(after: string): void {
    this.last = after;
  }

  private readonly lost = (): void => {
    this.source?.close();
    clearTimeout(this.timer);
    const wait = 1000 * (waits[Math.min(this.failures, waits.length - 1)] ?? 15);
    this.failures++;
    const since = this.status.kind === "off" ? this.status.since : Date.now();
    this.become({ kind: "off", since, again: Date.now() + wait });
    this.timer = setTimeout(this.open, wait);
  };

  private become(s: Status): void {
    this.status = s;
    for (const watch of [...this.watching]) watch(s);
  }

  close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    window.removeEventListener("online", this.open);
    window.removeEventListener("offline", this.lost);
  }

  onEvent(hear: (e: LiveEvent) => void): () => void {
    this.heard.add(hear);
    return () => void this.heard.delete(hear);
  }

  onStatus(watch: (s: Status) => void): () => void {
    this.watching.add(watch);
    return () => void this.watching.delete(watch);
  }
}
