import { useEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../../app/announce";
import { useKeysOn } from "../../app/keys";
import { Top } from "../../app/page";
import { asked, go, useTitle, type Place } from "../../app/router";
import { useSession } from "../../app/session";
import type { Inbox } from "../../app/types";
import { count, plain, plural } from "../../app/words";
import { Icon } from "../../parts/icon";
import { ProblemNotice, Waiting } from "../../parts/notice";
import { Seg } from "../../parts/panel";
import { CameOfSeveral } from "./came";
import { known, matcher } from "./filter";
import { Groups } from "./groups";
import { NoticeBoard } from "./noticeboard";
import { useSeveral } from "./several";
import { useRows } from "./walk";

export function InboxPage({ place }: { place: Place }) {
  const { inbox, problem, again } = useSession();
  const n = inbox?.mine.length ?? 0;
  useTitle(inbox === undefined ? undefined : n > 0 ? `Inbox (${n})` : "Inbox");
  useNews(inbox);
  return (
    <div class="wrap">
      <Top title="Inbox" says={inbox && (n === 0 ? "Nothing waits for you." : `${count(n)} ${n === 1 ? "waits" : "wait"} for you. Highest risk first, then oldest.`)}>
        <Seg label="Show" at={place.query.get("show") === "all" ? "all" : "mine"} of={[
          { key: "mine", word: "For me", href: asked({ show: "" }) },
          { key: "all", word: "All pending", href: asked({ show: "all" }) },
        ]} />
      </Top>
      <NoticeBoard />
      {problem && <ProblemNotice of={problem}><div class="acts"><button type="button" class="btn small" onClick={again}>Try again</button></div></ProblemNotice>}
      {inbox ? <List inbox={inbox} place={place} /> : !problem && <Waiting on="Asking for what is pending." />}
    </div>
  );
}

function List({ inbox, place }: { inbox: Inbox; place: Place }) {
  const query = place.query.get("q") ?? "";
  const all = place.query.get("show") === "all";
  const matches = useMemo(() => matcher(query), [query]);
  const shown = useMemo(() => ({ mine: inbox.mine.filter(matches), waiting: inbox.waiting.filter(matches), others: inbox.others.filter(matches), groups: inbox.groups ?? [] }), [inbox, matches]);
  const left = inbox.mine.length + inbox.waiting.length + inbox.others.length - shown.mine.length - shown.waiting.length - shown.others.length;
  const { status, again } = useSession();
  const several = useSeveral(again);
  const [keys, turn] = useKeysOn();
  const rows = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const on = useRows(keys, rows, search);
  return (
    <>
      <form class="filters search" role="search" onSubmit={(e) => e.preventDefault()}>
        <div class="grow">
          <Icon name="search" />
          <input ref={search} type="search" name="q" class="mono" aria-label="Filter the Inbox" autocomplete="off" spellcheck={false} placeholder="resource:db/crm  rule:prod-write  agent:deploy-bot" value={query} onInput={(e) => go(asked({ q: e.currentTarget.value }), "replace")} title={`Words, or ${known.map((k) => k + ":").join(" ")}`} />
        </div>
        <LiveWord />
      </form>
      {query !== "" && left > 0 && <p class="soft filtered" role="status">{plural(left, "more request that the filter leaves out.", "more requests that the filter leaves out.")} <a href={asked({ q: "" })}>Show all</a></p>}
      <CameOfSeveral of={several} />
      <div ref={rows}><Groups shown={shown} all={all} filtered={query !== ""} on={on} open={place.query.get("group") ?? ""} several={several} off={status.kind === "off"} /></div>
      {inbox.more && <p class="keys">More is pending than is shown here: filter it, or decide some.</p>}
      <p class="keys">
        {keys && <><span><kbd>j</kbd> <kbd>k</kbd> move</span><span><kbd>Enter</kbd> open</span><span><kbd>/</kbd> filter</span></>}
        <span>No key decides from this list: open a request, or a group of low ones, to decide.</span>
        <button type="button" class="btn small plain" onClick={turn}>Turn keys {keys ? "off" : "on"}</button>
      </p>
    </>
  );
}

function LiveWord() {
  const { status } = useSession();
  const words = { starting: "Connecting", live: "Live", off: "Not live" };
  return <span class="state quiet"><Icon name={status.kind === "off" ? "wifi-off" : "radio"} />{words[status.kind]}</span>;
}

// useNews has a screen reader say what came to wait for the reader.
function useNews(inbox: Inbox | undefined): void {
  const known = useRef<ReadonlySet<string> | undefined>(undefined);
  useEffect(() => {
    if (!inbox) return;
    const before = known.current;
    known.current = new Set(inbox.mine.map((r) => r.id));
    if (!before) return;
    const fresh = inbox.mine.filter((r) => !before.has(r.id));
    const first = fresh[0];
    if (!first) return;
    announce(fresh.length === 1 ? `New, ${first.severity}: ${plain(first.sentence)}` : `${fresh.length} new requests wait for you.`);
  }, [inbox]);
}
