import { save } from "../../app/save";
import { Copy } from "../../parts/copy";
import { Icon } from "../../parts/icon";

// Codes are shown once: whoever has one can begin a recovery, which everybody is
// told of.
export function Codes({ of, kept, onKept }: { of: readonly string[]; kept: boolean; onKept: (kept: boolean) => void }) {
  const text = of.join("\n") + "\n";
  return (
    <section aria-labelledby="codes" class="stack">
      <div>
        <h2 id="codes">Recovery codes</h2>
        <p class="soft">If every passkey of yours is lost, one of these lets you make a new one, 24 hours later and after everybody was told. Each works once. They are shown here once, now.</p>
      </div>
      <ol class="codes mono">{of.map((c) => <li key={c}>{c}</li>)}</ol>
      <div class="acts two">
        <Copy text={text} what="the recovery codes" label="Copy them" />
        <button type="button" class="btn small" onClick={() => save("countersign-recovery-codes.txt", "text/plain", `Recovery codes for ${location.host}. Each works once, at ${location.origin}/recover\n\n${text}`)}><Icon name="download" />Download them</button>
      </div>
      <label class="tick"><input type="checkbox" checked={kept} onChange={(e) => onKept(e.currentTarget.checked)} />I keep them where I find them without this device</label>
    </section>
  );
}
