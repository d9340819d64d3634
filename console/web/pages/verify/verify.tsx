import { Top } from "../../app/page";
import { useTitle, type Place } from "../../app/router";
import { save } from "../../app/save";
import { useSession } from "../../app/session";
import { sentence } from "../../app/words";
import { Icon } from "../../parts/icon";
import { Notice, ProblemNotice } from "../../parts/notice";
import { Panel } from "../../parts/panel";
import { holds, useCheck, useReceipt, type Checked } from "./check";
import { KeyPanel } from "./key";
import { usePin } from "./pin";
import { Result } from "./result";
import { SourcePanel } from "./source";
import { Steps } from "./steps";

export function VerifyPage({ place }: { place: Place }) {
  const { who } = useSession();
  const { pin, set } = usePin(who?.log.vkey);
  const id = place.query.get("id") ?? "";
  const { source, problem, drop } = useReceipt(id);
  const { checked, unable } = useCheck(source, pin?.vkeys);
  useTitle(checked ? `Verify: ${holds(checked) ? "holds" : "does not hold"}` : "Verify a receipt");
  const other = who && pin && !pin.vkeys.includes(who.log.vkey);
  return (
    <div class="wrap">
      <Top title="Verify a receipt" says="Checked here, in this browser, against the key you pinned. Nothing is sent; it works with the network off." />
      <div class="split">
        <div class="stack">
          {other && <Notice kind="warn" title="This server names another log key than the one you pinned."><p>Receipts are checked against yours. If the key was changed with your knowledge, pin the new one beside it.</p></Notice>}
          {problem && <ProblemNotice of={problem} />}
          {!pin && <Notice title="No log key is pinned on this device."><p>A receipt proves nothing by itself. Paste the key that your auditor keeps, <span class="mono">log.vkey</span>, or sign in and this device takes the one that the server names.</p></Notice>}
          {unable && <Notice answers kind="warn" title="It cannot be checked here."><p>{sentence(unable)} That says nothing about the receipt.</p></Notice>}
          {checked ? <><Result of={checked} /><Steps of={checked} /></> : <Nothing here={source !== undefined && pin !== undefined && unable === ""} />}
        </div>
        <aside class="side stack" aria-label="What is verified">
          <SourcePanel key={id} source={source} id={id} signedIn={Boolean(who)} onFile={drop} />
          <KeyPanel pin={pin} onKeys={set} />
          {checked && !holds(checked) && <WhatNow of={checked} />}
          <Panel title="Without a browser"><div class="body"><code class="snip">countersign verify r.json --key log.vkey</code><p class="soft">Same steps, same vectors. Exits 9 if any fails.</p></div></Panel>
        </aside>
      </div>
    </div>
  );
}

const Nothing = ({ here }: { here: boolean }) => (
  <div class="result" role="status">
    <Icon name="file-check" />
    <div><strong>{here ? "Not checked yet" : "Nothing to check yet"}</strong><p>{here ? "Twelve steps are being checked." : "Drop a receipt on this page, choose its file, or fetch it by the id of its request."}</p></div>
  </div>
);

const WhatNow = ({ of: { report } }: { of: Checked }) => (
  <Panel title="What now">
    <div class="body">
      <p>Ask whoever sent this file where it came from. Then fetch the receipt from the ledger and compare.</p>
      <div class="acts">
        {/^req_[0-9a-z]+$/.test(report.request) && <a class="btn wide" href={`/verify?id=${encodeURIComponent(report.request)}`}>Fetch from the ledger</a>}
        <button type="button" class="btn wide" onClick={() => save("verify-report.json", "application/json", JSON.stringify(report, null, 2))}><Icon name="download" />Save this report</button>
      </div>
    </div>
  </Panel>
);
