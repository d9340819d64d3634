import { useState } from "preact/hooks";
import { Listing } from "../../app/page";
import { useLoad } from "../../app/load";
import { asked, type Place } from "../../app/router";
import { useMe, useOnEvent } from "../../app/session";
import type { Policy } from "../../app/admin";
import { hex, plural, stamp } from "../../app/words";
import { Notice } from "../../parts/notice";
import { Panel, Seg } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import { Change } from "./change";
import { RulePanel } from "./rule";

const views = ["files", "change"];

export function PolicyPage({ place }: { place: Place }) {
  const me = useMe();
  const list = useLoad<Policy>("/v1/policy");
  useOnEvent((e) => {
    if (e.entity) list.again();
  });
  const wanted = place.query.get("view") ?? "";
  const view = views.includes(wanted) ? wanted : "rules";
  return (
    <Listing title="Policy" of={list} awaited="Asking for the policy." says={(p) => `${plural(p.rules.length, "rule", "rules")}. What no rule speaks of is held.`}
      acts={<Seg label="Show" at={view} of={[
        { key: "rules", word: "Rules", href: asked({ view: "" }) },
        { key: "files", word: "Files", href: asked({ view: "files" }) },
        { key: "change", word: "Propose a change", href: asked({ view: "change" }) },
      ]} />}>
      {(p) => (
        <div class="stack">
          <Panel title="In force">
            <div class="body"><dl class="dl">
              <dt>Bundle</dt><dd class="mono any">{p.bundle ? hex(p.bundle) : "none: everything is held"}</dd>
              <dt>Since</dt><dd>{p.changed_at ? stamp(p.changed_at) : "unknown"}{p.changed_by && <>, by <Outside text={p.changed_by} /></>}</dd>
            </dl></div>
          </Panel>
          {!me.paired && view === "change" && <Notice kind="warn" icon="user-check" title="You are alone here."><p>A change is applied at once and recorded as <span class="mono">solo</span>, until a second person holds a passkey.</p></Notice>}
          {view === "rules" && <Rules policy={p} here={decodeURIComponent(place.hash)} />}
          {view === "files" && p.files.map((f) => <Panel key={f.name} title={<span class="mono">{f.name}</span>}><File text={f.text} /></Panel>)}
          {view === "change" && <Change key={p.bundle} policy={p} />}
        </div>
      )}
    </Listing>
  );
}

const Rules = ({ policy, here }: { policy: Policy; here: string }) => <>{policy.rules.map((r) => <RulePanel key={r.id} rule={r} here={r.id === here} />)}</>;

const long = 60; // lines

function File({ text }: { text: string }) {
  const lines = text.replace(/\n$/, "").split("\n");
  const [all, show] = useState(lines.length <= long);
  const shown = all ? lines : lines.slice(0, long);
  return (
    <>
      <ol class="code">{shown.map((l, i) => <li key={i}><code><Outside text={l} />{l === "" && " "}</code></li>)}</ol>
      <p class={`eof${all ? "" : " tear"}`}>{all ? `End of file. ${plural(lines.length, "line", "lines")}, all shown.` : <>{plural(lines.length - long, "line is", "lines are")} not shown. <button type="button" class="btn small" onClick={() => show(true)}>Show all</button></>}</p>
    </>
  );
}
