import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../../app/announce";
import { at, post } from "../../app/api";
import { useDwell } from "../../app/dwell";
import { useLoad } from "../../app/load";
import { useTitle, type Place } from "../../app/router";
import { useOnEvent, useSession } from "../../app/session";
import { youOf, type Brief } from "../../app/types";
import { listed, plain, plural } from "../../app/words";
import { CommandPanel } from "../../parts/command";
import { Notice, ProblemNotice, Waiting } from "../../parts/notice";
import { Panel } from "../../parts/panel";
import { Spans } from "../../parts/spans";
import { ApproveSteps } from "./approve";
import { EscalateAsk, RejectAsk, RevealAsk } from "./asks";
import { CameOf } from "./came";
import { changed, useDecide } from "./decide";
import { DecisionPanel, type Asking } from "./decision";
import { Ending } from "./ending";
import { Claim, Facts, Like, Touches, Why } from "./evidence";
import { Band, BottomBar, Crumb } from "./frame";
import { OutcomePanel, Proof } from "./proof";
import { RecordPanel } from "./record";

export function RequestPage({ place }: { place: Place }) {
  const id = decodeURIComponent(place.path.slice("/r/".length));
  const { data, problem, again } = useLoad<Brief>(at("requests", id, "brief"));
  const { status } = useSession();
  useOnEvent((e) => {
    if (e.request === id) again();
  });
  useEffect(() => {
    if (status.kind === "live") again(); // what came while it was off
  }, [status.kind, again]);
  useEffect(() => {
    addEventListener("signedin", again);
    return () => removeEventListener("signedin", again);
  }, [again]);
  useTitle(data ? `${plain(data.sentence).slice(0, 80)}, ${data.severity}, ${data.state.decision}` : problem ? (problem.status === 404 ? "No such request" : "Request") : undefined);
  if (data) return <Shown loaded={data} reload={again} place={place} />;
  return (
    <div class="wrap">
      <h1 class="vh">{problem?.status === 404 ? "No such request" : "Request"}</h1>
      {problem ? <ProblemNotice of={problem}><div class="acts"><a class="btn small" href="/">To the Inbox</a><button type="button" class="btn small" onClick={again}>Try again</button></div></ProblemNotice> : <Waiting on={`Asking for ${id}.`} />}
    </div>
  );
}

function Shown({ loaded, reload, place }: { loaded: Brief; reload: () => void; place: Place }) {
  const [shown, show] = useState<Revealed>();
  // What was revealed is of one view: once that changes it is dropped, and read again.
  const revealed = shown?.of === loaded.view_digest ? shown.brief : undefined;
  const brief: Brief = revealed ? { ...loaded, ...revealed, state: loaded.state, deciders: loaded.deciders, you: loaded.state.decision === "pending" ? (revealed.you ?? loaded.you) : loaded.you, events: loaded.events, like: loaded.like, version: loaded.version } : loaded;
  const dwell = useDwell();
  const decide = useDecide(brief, reload, dwell.read);
  const [asking, ask] = useState<Asking>();
  const stop = () => ask(undefined);
  const [typed, type] = useState(""); // kept, in case it does not arrive
  const pending = brief.state.decision === "pending";
  const critical = pending && brief.severity === "critical";
  const news = useNews(loaded, pending);
  useSettling(brief);
  return (
    <div class={critical ? "crit" : ""}>
      {critical && <Band brief={brief} />}
      <div class="wrap">
        <Crumb brief={brief} pending={pending} />
        <h1 class="say"><Spans of={brief.sentence} /></h1>
        <div class="stack board">
          <CameOf doing={decide.doing} brief={brief} />
          {pending && news.length > 0 && decide.doing.kind !== "refused" && <Notice answers kind="warn" title="It changed while you read."><p>Read it again before you decide. What changed: {listed(news, "and")}.</p></Notice>}
          {revealed && <Notice icon="eye" title="You see what was left out."><p>That you revealed it, and why, is on record. It is gone when you leave this page.</p></Notice>}
          <Ending brief={brief} />
        </div>
        <Facts of={brief.facts} />
        <div class="split">
          <div class="stack">
            <CommandPanel block={dwell.block} command={brief.command} title={brief.state.execution === "none" ? "Command" : "Command that ran"} />
            {brief.command.end.redacted > 0 && !(pending && youOf(brief).may.length > 0) && <p class="redact soft">{plural(brief.command.end.redacted, "secret is", "secrets are")} left out of this view. <button type="button" class="btn small" onClick={() => ask("reveal")}>Reveal, on record</button></p>}
            <Touches of={brief.touches} pending={pending} />
            {critical && brief.bounds && <Panel title="Bounds if it runs"><div class="body"><p>It runs {brief.bounds}.</p></div></Panel>}
            <OutcomePanel brief={brief} />
            <Why brief={brief} pending={pending} />
            <Claim of={brief.claim} />
            <Like brief={brief} />
            <RecordPanel brief={brief} place={place} />
          </div>
          {pending ? <DecisionPanel brief={brief} decide={decide} critical={critical} onAsk={ask} /> : <Proof brief={brief} decide={decide} onUndo={() => ask("reject")} />}
          {critical && <ApproveSteps key={brief.view_digest} brief={brief} decide={decide} onReveal={() => ask("reveal")} />}
        </div>
        {pending && <BottomBar brief={brief} critical={critical} />}
      </div>
      {asking === "reject" && <RejectAsk undo={!pending} was={decide.doing.kind === "refused" ? typed : ""} onClose={stop} onReason={(reason) => { type(reason); stop(); void decide.choose("reject", { reason }); }} />}
      {asking === "escalate" && <EscalateAsk groups={youOf(brief).groups} was={decide.doing.kind === "refused" ? typed : ""} onClose={stop} onAsk={(to, reason) => { type(reason); stop(); void decide.choose("escalate", { to, reason }); }} />}
      {asking === "reveal" && <RevealAsk onClose={stop} onReason={async (reason) => {
        show({ of: loaded.view_digest, brief: await post<Brief>(at("requests", brief.id, "reveal"), { reason }) });
        stop();
        reload();
      }} />}
    </div>
  );
}

// A Revealed is what was shown in place of the view with that digest.
interface Revealed {
  of: string;
  brief: Brief;
}

// useNews names what is no longer as it was when the reader opened the page.
function useNews(brief: Brief, pending: boolean): readonly string[] {
  const first = useRef(brief);
  if (!pending) first.current = brief;
  return brief.view_digest === first.current.view_digest ? [] : changed(first.current, brief);
}

// useSettling tells those who cannot see it that the request moved, and keeps the
// focus on the page when what held it is gone.
function useSettling(brief: Brief): void {
  const { decision, execution } = brief.state;
  const before = useRef(`${decision} ${execution}`);
  useEffect(() => {
    const now = `${decision} ${execution}`;
    if (before.current === now) return;
    before.current = now;
    announce(`This request is now ${decision}${execution === "none" ? "" : `, ${execution}`}.`);
    if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [decision, execution]);
}
