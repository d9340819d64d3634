import { Fragment } from "preact";
import { asked, type Place } from "../../app/router";
import { save } from "../../app/save";
import type { Brief, RecordedEvent } from "../../app/types";
import { capital, clock, count, fine, stamp } from "../../app/words";
import { Icon, Shape, type IconName } from "../../parts/icon";
import { Panel, Seg } from "../../parts/panel";
import { Outside, Spans } from "../../parts/spans";
import { pace } from "../../parts/time";

const icons: Readonly<Record<string, IconName>> = { decided: "user-check", escalated: "arrow-up", refused: "ban", denied: "ban", expired: "clock", withdrawn: "undo-2", lapsed: "clock", "payload.revealed": "eye" };

const Dot = ({ of }: { of: RecordedEvent }) => {
  const icon = icons[of.kind];
  if (icon) return <Icon name={icon} class="dot" />;
  return <Shape of={["released", "completed", "resolved"].includes(of.kind) ? "low" : "info"} class="dot soft" />;
};

const Timeline = ({ of }: { of: readonly RecordedEvent[] }) => (
  <ol class="tl">{of.map((e) => (
    <li key={e.index}>
      <time dateTime={e.at} title={stamp(e.at)}>{fine(e.at)}</time><Dot of={e} />
      <div class="said"><span class="ev">{e.kind}</span>{(e.by || e.says?.length) && <p>{e.by && <b><Outside text={e.by} /></b>}{e.by && e.says?.length ? ": " : ""}<Spans of={e.says ?? []} /></p>}{e.took_s !== undefined && <p class="soft">{capital(pace(e))}.</p>}<small>leaf {count(Number(e.index))}, <span class="mono">{e.leaf.slice(0, 8)} {e.leaf.slice(8, 16)}</span></small></div>
    </li>
  ))}</ol>
);

const Compact = ({ of }: { of: readonly RecordedEvent[] }) => (
  <ol class="compact">{of.map((e) => (
    <li key={e.index}><time dateTime={e.at}>{clock(e.at)}</time> <span class="mono">{e.kind}</span> <span class="soft any">{e.by && <Outside text={e.by} />}</span></li>
  ))}</ol>
);

function Raw({ brief }: { brief: Brief }) {
  const text = JSON.stringify(brief, null, 2);
  return (
    <>
      <div class="rawacts"><button type="button" class="btn small" onClick={() => save(`${brief.id}.brief.json`, "application/json", text)}><Icon name="download" />Save this JSON</button></div>
      <pre class="raw" tabIndex={0}>{text.split("\n").map((line, i) => <Fragment key={i}>{i > 0 && "\n"}<Outside text={line} /></Fragment>)}</pre>
    </>
  );
}

// RecordPanel is the history of one request at three zoom levels.
export function RecordPanel({ brief, place }: { brief: Brief; place: Place }) {
  const wanted = place.query.get("view") ?? "";
  const view = ["compact", "json"].includes(wanted) ? wanted : "timeline";
  return (
    <Panel title="On record" id="record" end={<Seg label="Detail" at={view} of={[
      { key: "compact", word: "Compact", href: asked({ view: "compact" }) },
      { key: "timeline", word: "Timeline", href: asked({ view: "" }) },
      { key: "json", word: "JSON", href: asked({ view: "json" }) },
    ]} />}>
      <div class="body">
        {view === "compact" && <Compact of={brief.events} />}
        {view === "timeline" && <Timeline of={brief.events} />}
        {view === "json" && <Raw brief={brief} />}
      </div>
    </Panel>
  );
}
