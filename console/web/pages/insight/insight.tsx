import { Listing } from "../../app/page";
import { useLoad } from "../../app/load";
import { asked, type Place } from "../../app/router";
import { useMe } from "../../app/session";
import type { Insight } from "../../app/admin";
import { plural } from "../../app/words";
import { Empty, Notice } from "../../parts/notice";
import { Seg } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import { Days } from "./days";
import { FigureTable } from "./figures";

const windows = ["7", "30", "90"];

// InsightPage is how people decide: what the record says of haste and habit. A
// reader sees their own figures, an auditor everybody's.
export function InsightPage({ place }: { place: Place }) {
  const wanted = place.query.get("days") ?? "";
  const days = windows.includes(wanted) ? wanted : "30";
  const list = useLoad<Insight>(`/v1/insight?days=${days}`);
  const who = place.query.get("who") ?? "";
  return (
    <Listing title="Insight" of={list} awaited="Folding what is on record." says={(i) => `How long people look, and how often they let it through. ${plural(i.requests, "request was", "requests were")} held in ${days} days.`}
      acts={<Seg label="How far back" at={days} of={windows.map((d) => ({ key: d, word: `${d} days`, href: asked({ days: d === "30" ? "" : d }) }))} />}>
      {(i) => (
        <div class="stack">
          {i.more && <Notice kind="warn" title="There were more requests than were looked at."><p>These figures are of the newest of them.</p></Notice>}
          <Days of={i.days} everybody={i.everybody} />
          {i.reviewers.length === 0 ? <Nobody everybody={i.everybody} /> : i.everybody ? <Everybody of={i} who={who} /> : <Own of={i} />}
          <p class="faint">Times run from when a request could be decided to the choice. “In view” is for how long the page says that the command was on the screen: a claim of the page, and not every choice has one. 90 % of the choices took at most the second number.</p>
        </div>
      )}
    </Listing>
  );
}

const Nobody = ({ everybody }: { everybody: boolean }) => (
  <Empty icon="chart-column" title={everybody ? "Nobody decided anything in this time." : "You decided nothing in this time."}><p>What {everybody ? "people decide" : "you decide"} is counted here as soon as it is on record.</p></Empty>
);

function Own({ of }: { of: Insight }) {
  const me = useMe();
  const mine = of.reviewers.find((r) => r.id === me.person.id);
  return (
    <>
      <FigureTable title="You" first="Reviewer" end="only you and the auditors see this" rows={of.reviewers.map((r) => ({ of: r, name: <Outside text={r.name} /> }))} />
      {mine && <FigureTable title="You, by rule" first="Rule" rows={mine.rules.map((r) => ({ of: r, name: <RuleName id={r.id} /> }))} />}
    </>
  );
}

function Everybody({ of, who }: { of: Insight; who: string }) {
  const one = of.reviewers.find((r) => r.id === who);
  return (
    <>
      <FigureTable title="Reviewers" first="Reviewer" end="you see this as an auditor" rows={of.reviewers.map((r) => ({ of: r, name: <a href={asked({ who: r.id === who ? "" : r.id })} aria-current={r.id === who ? "true" : undefined}><Outside text={r.name} /></a> }))} />
      {one && (
        <FigureTable title={<><Outside text={one.name} />, by rule</>} first="Rule" end={<a href={asked({ who: "" })}>All reviewers</a>} rows={one.rules.map((r) => ({ of: r, name: <RuleName id={r.id} /> }))} />
      )}
      {!one && <FigureTable title="Rules that held most" first="Rule" rows={[...of.rules].sort((a, b) => total(b) - total(a)).map((r) => ({ of: r, name: <RuleName id={r.id} /> }))} />}
    </>
  );
}

const total = (f: { approved: number; rejected: number; escalated: number }): number => f.approved + f.rejected + f.escalated;
const RuleName = ({ id }: { id: string }) => (id === "default" ? <span>no rule</span> : <a class="mono" href={`/policy#${encodeURIComponent(id)}`}>{id}</a>);
