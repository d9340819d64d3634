import { useEffect, useState } from "preact/hooks";
import { get, problemOf, type Problem } from "../../app/api";
import { Top } from "../../app/page";
import { asked, useTitle, type Place } from "../../app/router";
import { useLoad } from "../../app/load";
import { useOnEvent } from "../../app/session";
import type { History, Row } from "../../app/types";
import { plural } from "../../app/words";
import { Empty, ProblemNotice, Waiting } from "../../parts/notice";
import { Seg } from "../../parts/panel";
import { Export } from "./export";
import { Filters, queryOf } from "./filters";
import { Compact, Json, Timeline } from "./views";

const views = ["timeline", "json"];

export function HistoryPage({ place }: { place: Place }) {
  useTitle("History");
  const query = queryOf(place.query);
  const { data, problem, again } = useLoad<History>(`/v1/history${query === "" ? "" : `?${query}`}`);
  const older = useOlder(query, data);
  const [news, setNews] = useState(false);
  useOnEvent((e) => {
    if (e.request) setNews(true);
  });
  const rows = data ? [...data.rows, ...older.rows] : [];
  const view = views.includes(place.query.get("view") ?? "") ? (place.query.get("view") ?? "") : "compact";
  return (
    <div class="wrap">
      <Top title="History" says={data && (rows.length === 0 ? "Nothing to show." : `${plural(rows.length, "request", "requests")} that you may see, newest first${older.next ? "; there are older ones" : ""}.`)}>
        <Seg label="Detail" at={view} of={[
          { key: "compact", word: "Compact", href: asked({ view: "" }) },
          { key: "timeline", word: "Timeline", href: asked({ view: "timeline" }) },
          { key: "json", word: "JSON", href: asked({ view: "json" }) },
        ]} />
        {rows.length > 0 && <Export rows={rows} />}
      </Top>
      <Filters key={query} query={place.query} />
      {problem && <ProblemNotice of={problem}><div class="acts"><button type="button" class="btn small" onClick={again}>Try again</button></div></ProblemNotice>}
      {news && data && <p class="soft filtered" role="status">More was recorded since this list was made. <button type="button" class="btn small" onClick={() => { setNews(false); again(); }}>Show it</button></p>}
      {!data && !problem && <Waiting on="Asking for the history." />}
      {data && (rows.length === 0 ? <None filtered={query !== ""} /> : <View view={view} rows={rows} />)}
      {older.problem && <ProblemNotice of={older.problem} />}
      <p class="keys">
        {older.next && <button type="button" class="btn small" disabled={older.asking} onClick={older.more}>{older.asking ? "Asking for older ones" : "Older"}</button>}
        <span>The search is in the address: copy it to share exactly this list.</span>
      </p>
    </div>
  );
}

function View({ view, rows }: { view: string; rows: readonly Row[] }) {
  if (view === "json") return <Json rows={rows} />;
  return view === "timeline" ? <Timeline rows={rows} /> : <Compact rows={rows} />;
}

const None = ({ filtered }: { filtered: boolean }) =>
  filtered ? (
    <Empty icon="history" title="Nothing matches."><p><a href="/history">Show everything</a></p></Empty>
  ) : (
    <Empty icon="history" title="No request that you may see is settled."><p>What was routed to a group of yours, what you decided and what your agents asked for stands here once it is decided.</p></Empty>
  );

interface Older {
  rows: readonly Row[];
  next: string | undefined;
  asking: boolean;
  problem: Problem | undefined;
  more: () => void;
}

// useOlder adds older pages to the first.
function useOlder(query: string, first: History | undefined): Older {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [next, setNext] = useState<string>();
  const [asking, ask] = useState(false);
  const [problem, fail] = useState<Problem>();
  useEffect(() => {
    setRows([]);
    setNext(first?.next || undefined);
  }, [first]);
  const more = async () => {
    ask(true);
    try {
      const page = await get<History>(`/v1/history?${query === "" ? "" : `${query}&`}cursor=${encodeURIComponent(next ?? "")}`);
      setRows((r) => [...r, ...page.rows]);
      setNext(page.next || undefined);
      fail(undefined);
    } catch (e) {
      fail(problemOf(e));
    }
    ask(false);
  };
  return { rows, next, asking, problem, more: () => void more() };
}
