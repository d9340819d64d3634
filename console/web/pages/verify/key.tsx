import { useState } from "preact/hooks";
import { dated } from "../../app/words";
import { Copy } from "../../parts/copy";
import { Field } from "../../parts/field";
import { Notice } from "../../parts/notice";
import { Panel } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import { keysOf, parts, type Pin } from "./pin";

// KeyPanel is whom this device believes; the reader may say otherwise.
export function KeyPanel({ pin, onKeys }: { pin: Pin | undefined; onKeys: (vkeys: readonly string[]) => void }) {
  const [changing, change] = useState(false);
  return (
    <Panel title="Pinned log key">
      <div class="body">
        {pin?.vkeys.map((k, i) => <Key key={k} vkey={k} first={i === 0} />)}
        {pin && <p class="soft">Pinned on this device {dated(pin.since)}{pin.by === "server" && ", when it first met this server"}. Compare it with the one that your auditor keeps.</p>}
        {changing || !pin ? (
          <Paste was={pin?.vkeys ?? []} onKeys={(k) => { onKeys(k); change(false); }} onClose={pin ? () => change(false) : undefined} />
        ) : (
          <div class="acts two"><button type="button" class="btn small" onClick={() => change(true)}>Use another key</button><Copy text={pin.vkeys.join("\n")} what="the key" /></div>
        )}
      </div>
    </Panel>
  );
}

function Key({ vkey, first }: { vkey: string; first: boolean }) {
  const { origin, id, key } = parts(vkey);
  return (
    <dl class="dl keyparts">
      <dt>{first ? "Log" : "And"}</dt><dd class="mono any"><Outside text={origin} /></dd>
      <dt>Key id</dt><dd class="mono">{id}</dd>
      <dt>Key</dt><dd class="mono any">{key.replace(/(.{8})(?=.)/g, "$1 ")}</dd>
    </dl>
  );
}

function Paste({ was, onKeys, onClose }: { was: readonly string[]; onKeys: (k: readonly string[]) => void; onClose: (() => void) | undefined }) {
  const [text, set] = useState(was.join("\n"));
  const [wrong, say] = useState("");
  const pin = async () => {
    try {
      onKeys(await keysOf(text));
    } catch (e) {
      say(e instanceof Error ? e.message : String(e));
    }
  };
  return (
    <form class="stack" onSubmit={(e) => { e.preventDefault(); void pin(); }}>
      <Field label="Verifier keys" help="One a line: the log's first, then its successors and witnesses.">{(fid, help) => (
        <textarea id={fid} class="mono any" rows={4} spellcheck={false} aria-describedby={help} value={text} onInput={(e) => set(e.currentTarget.value)} />
      )}</Field>
      {wrong && <Notice answers kind="bad" title="That cannot be pinned."><p>{wrong}</p></Notice>}
      <div class="acts two"><button class="btn small solid">Pin {text.trim().includes("\n") ? "these keys" : "this key"}</button>{onClose && <button type="button" class="btn small" onClick={onClose}>Keep the one pinned</button>}</div>
    </form>
  );
}
