import { useEffect, useState } from "preact/hooks";
import { keep, recall } from "../../app/kept";
import { parseKey } from "../../verify/note";

// A Pin is whom this device believes, and since when. The first key is the log's;
// others are its successors, or of witnesses.
export interface Pin {
  vkeys: readonly string[];
  since: string;
  // by is "server" when this device took the key that the server named.
  by: "server" | "reader";
}

function stored(): Pin | undefined {
  try {
    const p = JSON.parse(recall("pin") ?? "") as Partial<Pin>;
    return Array.isArray(p.vkeys) && p.vkeys.length > 0 ? { vkeys: p.vkeys.map(String), since: String(p.since), by: p.by === "server" ? "server" : "reader" } : undefined;
  } catch {
    return undefined;
  }
}

// usePin is the pinned key. Without one, the first that the server names is
// pinned and stays, whatever the server says later.
export function usePin(named: string | undefined): { pin: Pin | undefined; set: (vkeys: readonly string[]) => void } {
  const [pin, setPin] = useState(stored);
  const take = (p: Pin) => {
    keep("pin", JSON.stringify(p));
    setPin(p);
  };
  useEffect(() => {
    if (named && !stored()) take({ vkeys: [named], since: new Date().toISOString(), by: "server" });
  }, [named]);
  return { pin, set: (vkeys) => take({ vkeys, since: new Date().toISOString(), by: "reader" }) };
}

// keysOf reads keys from what somebody pasted; it says which line is none.
export async function keysOf(text: string): Promise<string[]> {
  const lines = text.split("\n").map((l) => l.trim()).filter((l) => l !== "");
  if (lines.length === 0) throw new Error("there is no key");
  for (const [i, line] of lines.entries()) {
    try {
      await parseKey(line);
    } catch {
      throw new Error(`line ${i + 1} is no verifier key; it looks like origin+1a2b3c4d+base64`);
    }
  }
  return lines;
}

// parts are a verifier key as people compare it.
export function parts(vkey: string): { origin: string; id: string; key: string } {
  const [, origin = vkey, id = "", key = ""] = /^(.*?)\+([0-9a-f]{8})\+(.*)$/.exec(vkey) ?? [];
  return { origin, id, key };
}
