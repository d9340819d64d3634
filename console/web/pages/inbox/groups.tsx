import type { Group, Row } from "../../app/types";
import { asked } from "../../app/router";
import { count, plural } from "../../app/words";
import { Empty } from "../../parts/notice";
import { GroupItems, GroupRow, keyOf } from "./group";
import { InboxRow } from "./row";
import type { Several } from "./several";

export interface Shown {
  mine: readonly Row[];
  waiting: readonly Row[];
  others: readonly Row[];
  groups: readonly Group[];
}

const mostOthers = 5; // rows that are not the reader's, unless asked for

// Groups are what waits for the reader, what waits for others, and what is not
// theirs.
export function Groups({ shown, all, filtered, on, open, several, off }: { shown: Shown; all: boolean; filtered: boolean; on: string | undefined; open: string; several: Several; off: boolean }) {
  const others = all ? shown.others : shown.others.slice(0, mostOthers);
  const beyond = shown.others.length - others.length;
  return (
    <>
      <h2 class="sect">For you to decide <span class="n">{count(shown.mine.length)}</span></h2>
      {shown.mine.length > 0 && (
        <ul class={`rows${shown.mine.length > 60 ? " many" : ""}`}>
          {gathered(shown).map(({ group, rows }) => {
            if (!group) return rows.map((r) => <InboxRow key={r.id} row={r} on={r.id === on} />);
            const key = keyOf(group);
            return [<GroupRow key={key} group={group} rows={rows} open={key === open} on={key === on} />, key === open && <GroupItems key={`${key} items`} group={group} rows={rows} several={several} off={off} />];
          })}
        </ul>
      )}
      {shown.mine.length === 0 && <Nothing filtered={filtered} />}
      {shown.waiting.length > 0 && <Rows title="You decided, others have not" rows={shown.waiting} on={on} />}
      {others.length > 0 && <Rows title="Not yours to decide" rows={others} n={shown.others.length} on={on} />}
      {beyond > 0 && <p class="keys"><a href={asked({ show: "all" })}>{plural(beyond, "more that is not yours", "more that are not yours")}</a></p>}
    </>
  );
}

interface Gathered {
  group?: Group;
  rows: readonly Row[];
}

// gathered puts the rows of a group where its first is. What a filter leaves alone
// of one is a row again.
function gathered({ mine, groups }: Shown): Gathered[] {
  const byID = new Map(mine.map((r) => [r.id, r]));
  const whole = groups.map((group) => ({ group, rows: group.items.flatMap((id) => byID.get(id) ?? []) })).filter((g) => g.rows.length > 1);
  const of = new Map(whole.flatMap((g) => g.rows.map((r) => [r.id, g])));
  return mine.flatMap((r): Gathered[] => {
    const g = of.get(r.id);
    if (!g) return [{ rows: [r] }];
    return g.rows[0] === r ? [g] : [];
  });
}

const Rows = ({ title, rows, n = rows.length, on }: { title: string; rows: readonly Row[]; n?: number; on: string | undefined }) => (
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
