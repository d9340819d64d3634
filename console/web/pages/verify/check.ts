import { useEffect, useState } from "preact/hooks";
import { announce } from "../../app/announce";
import { at, getText, problemOf, type Problem } from "../../app/api";
import type { Report } from "../../verify/report";
import { verify } from "../../verify/verify";

// A Source is a receipt, and where it came from.
export interface Source {
  name: string;
  bytes: Uint8Array;
  asked: string; // the id of the request whose receipt was fetched, empty for a file
}
export interface Checked {
  report: Report;
  took: number; // milliseconds
  asked: string;
}

// other says that the receipt is that of another request than was asked for: it
// proves nothing about that one.
export const other = ({ report, asked }: Checked): boolean => asked !== "" && report.request !== asked;
export const holds = (c: Checked): boolean => c.report.holds && !other(c);

// useReceipt is the receipt that was dropped, or the one that the address names.
export function useReceipt(id: string): { source: Source | undefined; problem: Problem | undefined; drop: (f: File) => void } {
  const [source, set] = useState<Source>();
  const [problem, fail] = useState<Problem>();
  useEffect(() => {
    if (id === "") return;
    let over = false;
    getText(at("requests", id, "receipt")).then(
      (text) => {
        if (over) return;
        fail(undefined);
        set({ name: `${id}.json`, bytes: new TextEncoder().encode(text), asked: id });
      },
      (e: unknown) => {
        if (!over) fail(problemOf(e));
      },
    );
    return () => {
      over = true;
    };
  }, [id]);
  const drop = (f: File) => {
    void f.arrayBuffer().then((b) => {
      fail(undefined);
      set({ name: f.name, bytes: new Uint8Array(b), asked: "" });
    });
  };
  return { source, problem, drop };
}

// able fails where the browser itself cannot check signatures: that says nothing
// about the receipt.
async function able(): Promise<void> {
  if (!isSecureContext) throw new Error("browsers check signatures only on pages under https or localhost");
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), "Ed25519", false, ["verify"]);
  } catch {
    throw new Error("this browser does not know Ed25519; use a current Chrome, Edge, Firefox or Safari");
  }
}

// useCheck verifies the receipt here, against the pinned keys alone.
export function useCheck(source: Source | undefined, vkeys: readonly string[] | undefined): { checked: Checked | undefined; unable: string } {
  const [checked, set] = useState<Checked>();
  const [unable, say] = useState("");
  const keys = vkeys?.join("\n");
  useEffect(() => {
    set(undefined);
    if (!source || !keys) return;
    let over = false;
    const begun = performance.now();
    const check = async () => {
      await able();
      const report = await verify(source.bytes, { vkeys: keys.split("\n") });
      if (over) return;
      say("");
      const done = { report, took: performance.now() - begun, asked: source.asked };
      set(done);
      announce(holds(done) ? "The receipt holds: all 12 steps." : report.holds ? "The receipt is that of another request." : "The receipt does not hold.");
    };
    check().catch((e: unknown) => {
      if (!over) say(e instanceof Error ? e.message : String(e));
    });
    return () => {
      over = true;
    };
  }, [source, keys]);
  return { checked, unable };
}
