import { useEffect } from "preact/hooks";
import { Notice } from "../parts/notice";
import { announce } from "./announce";
import { useSecond } from "./clock";
import { useSession } from "./session";
import { clock } from "./words";

// A short break mends itself before anybody reads of it.
const worthSaying = 2000; // milliseconds

// Offline says that the page no longer follows the ledger, since when, and when
// it tries again.
export function Offline() {
  const { status, reconnect } = useSession();
  useSecond();
  const off = status.kind === "off" && Date.now() - status.since >= worthSaying;
  useEffect(() => {
    if (off) return () => announce("Live again.");
    return undefined;
  }, [off]);
  if (!off) return null;
  const wait = Math.max(0, Math.ceil((status.again - Date.now()) / 1000));
  return (
    <div class="offline wrap">
      <Notice answers kind="warn" icon="wifi-off" title={`Not live since ${clock(status.since)} UTC.`}>
        <p>What you see may be out of date, so nothing can be decided here. <span aria-hidden="true">{wait > 0 ? `Trying again in ${wait} s.` : "Trying again now."}</span></p>
        <div class="acts"><button type="button" class="btn small" onClick={reconnect}>Try now</button></div>
      </Notice>
    </div>
  );
}
