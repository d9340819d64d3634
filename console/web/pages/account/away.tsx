import { useState } from "preact/hooks";
import { problemOf, put, remove, type Problem } from "../../app/api";
import { useLoad } from "../../app/load";
import { useMe, useOnEvent } from "../../app/session";
import type { Away, MyAway, People } from "../../app/admin";
import { stamp } from "../../app/words";
import { Field, Reason } from "../../parts/field";
import { Notice, ProblemNotice, Waiting } from "../../parts/notice";
import { Panel } from "../../parts/panel";
import { Refused } from "../../parts/refused";
import { Outside } from "../../parts/spans";

// AwayPanel is the reader's absence, who stands in for them, and for whom they do.
export function AwayPanel() {
  const mine = useLoad<MyAway>("/v1/me/away");
  useOnEvent((e) => {
    if (e.entity) mine.again();
  });
  const { data, problem } = mine;
  return (
    <Panel title="Out of office" id="away" tags={data?.away?.now ? ["away"] : []}>
      <div class="body">
        {problem && <ProblemNotice of={problem} />}
        {!data && !problem && <Waiting on="Asking whether you are away." />}
        {data?.for.map((a) => <p key={a.person_id}>You stand in for <b><Outside text={a.person} /></b> {a.now ? "" : `from ${stamp(a.from)} `}until {stamp(a.until)}: what is asked of them is yours to decide too, except what you asked for yourself.</p>)}
        {data && (data.away ? <Gone of={data.away} onBack={mine.set} /> : <Leave onGone={mine.set} />)}
      </div>
    </Panel>
  );
}

function Gone({ of, onBack }: { of: Away; onBack: (m: MyAway) => void }) {
  const [problem, fail] = useState<Problem>();
  const back = async () => {
    try {
      onBack(await remove<MyAway>("/v1/me/away"));
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <>
      {problem && <Refused of={problem} />}
      <Notice icon="clock" title={of.now ? "You are away, and decide nothing meanwhile." : `You will be away from ${stamp(of.from)}.`}>
        <p>Until {stamp(of.until)}. {of.stand_in ? <><Outside text={of.stand_in} /> sits in your seats for what is asked after {stamp(of.since)}.</> : "Nobody stands in for you: the others of your groups decide."}</p>
        <div class="acts"><button type="button" class="btn" onClick={() => void back()}>{of.now ? "I am back" : "Take it back"}</button></div>
      </Notice>
    </>
  );
}

const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
const inUTC = (local: string): string => new Date(local).toISOString();

function Leave({ onGone }: { onGone: (m: MyAway) => void }) {
  const me = useMe();
  const { data } = useLoad<People>("/v1/people");
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const [standIn, choose] = useState("");
  const [reason, say] = useState("");
  const [problem, fail] = useState<Problem>();
  const [waits, setWaits] = useState<string>();
  const others = (data?.people ?? []).filter((p) => p.id !== me.person.id && !p.inactive).sort((a, b) => a.name.localeCompare(b.name));
  const leave = async () => {
    try {
      const came = await put<MyAway & { request?: string }>("/v1/me/away", { until: inUTC(until), ...(from && { from: inUTC(from) }), ...(standIn && { stand_in: standIn, reason: reason.trim() }) });
      fail(undefined);
      setWaits(came.request);
      if (!came.request) onGone(came);
    } catch (e) {
      fail(problemOf(e));
    }
  };
  if (waits) {
    return (
      <Notice kind="done" answers title="It waits for people: somebody would decide in your place.">
        <p>You are not away until others have approved it. It is in their Inbox.</p>
        <div class="acts"><a class="btn small" href={`/r/${waits}`}>See the request</a></div>
      </Notice>
    );
  }
  const when = `On this device’s clock, ${zone()}.`;
  return (
    <form class="inner stack" onSubmit={(e) => { e.preventDefault(); void leave(); }}>
      <p class="soft">While you are away you decide nothing. A stand-in decides in your place what is asked meanwhile; without one, the others of your groups do.</p>
      {problem && <Refused of={problem} />}
      <Field label="Away from" help={`${when} Empty: from now on.`}>{(id, help) => <input id={id} type="datetime-local" aria-describedby={help} value={from} onInput={(e) => setFrom(e.currentTarget.value)} />}</Field>
      <Field label="Until" help={`${when} At most 30 days.`}>{(id, help) => <input id={id} type="datetime-local" required aria-describedby={help} value={until} onInput={(e) => setUntil(e.currentTarget.value)} />}</Field>
      <Field label="Stand-in" help={me.paired ? "To name one takes the approval of two others." : ""}>{(id, help) => (
        <select id={id} aria-describedby={help} value={standIn} onChange={(e) => choose(e.currentTarget.value)}><option value="">Nobody</option>{others.map((p) => <option key={p.id} value={p.id}>{p.name}</option>)}</select>
      )}</Field>
      {standIn && <Reason value={reason} onValue={say} help="For who approves it. At most 280 characters." />}
      <div class="acts start"><button class="btn" disabled={until === ""}>{standIn && me.paired ? "Ask for it" : "Be away"}</button></div>
    </form>
  );
}
