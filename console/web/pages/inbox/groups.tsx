import type { Row } from "../../app/types";
import { asked } from "../../app/router";
import { count, plural } from "../../app/words";
import { Empty } from "../../parts/notice";
import { InboxRow } from "./row";

export interface Shown {
  mine: readonly Row[];
  waiting: readonly Row[];
  others: readonly Row[];
}

const mostOthers = 5; // rows that are not the reader's, unless asked for

// Groups are what waits for the reader, what waits for others, and what is not
// theirs.
export function Groups({ shown, all, filtered, on }: { shown: Shown; all: boolean; filtered: boolean; on: string | undefined }) {
  const others = all ? shown.others : shown.others.slice(0, mostOthers);
  const beyond = shown.others.length - others.length;
  return (
    <>
      <Group title="For you to decide" rows={shown.mine} on={on} />
      {shown.mine.length === 0 && <Nothing filtered={filtered} />}
      {shown.waiting.length > 0 && <Group title="You decided, others have not" rows={shown.waiting} on={on} />}
      {others.length > 0 && <Group title="Not yours to decide" rows={others} n={shown.others.length} on={on} />}
      {beyond > 0 && <p class="keys"><a href={asked({ show: "all" })}>{plural(beyond, "more that is not yours", "more that are not yours")}</a></p>}
    </>
  );
}

const Group = ({ title, rows, n = rows.length, on }: { title: string; rows: readonly Row[]; n?: number; on: string | undefined }) => (
  <>
    <h2 class="sect">{title} <span class="n">{count(n)}</span></h2>
    {rows.length > 0 && <ul class={`rows${rows.length > 60 ? " many" : ""}`}>{rows.map((r) => <InboxRow key={r.id} row={r} on={r.id === on} />)}</ul>}
  </>
);

const Nothing = ({ filtered }: { filtered: boolean }) =>
  filtered ? (
    <Empty icon="inbox" title="Nothing that waits for you matches."><p><a href={asked({ q: "" })}>Show all</a></p></Empty>
  ) : (
    <Empty icon="inbox" title="Nothing waits for you.">
      <p>When an agent asks for something that a rule holds for a group of yours, it appears here within a second. Until somebody decides, it does not run.</p>
      <p><a href="/history">Read the history</a></p>
    </Empty>
  );
