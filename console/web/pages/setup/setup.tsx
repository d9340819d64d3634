import { useLoad } from "../../app/load";
import { Top } from "../../app/page";
import { useTitle, type Place } from "../../app/router";
import { useMe, useSession } from "../../app/session";
import type { ChecklistItem, Person } from "../../app/admin";
import { Icon } from "../../parts/icon";
import { Notice } from "../../parts/notice";
import { Enrol } from "../join/enrol";
import { GatePage } from "../join/gatepage";
import { InviteForm } from "../people/invites";

// SetupPage claims a new server with the link of its first run, and then says
// what is left to do.
export function SetupPage({ place }: { place: Place }) {
  const { who } = useSession();
  if (place.hash !== "" && !who) return <Claim token={place.hash} />;
  if (who) return <Checklist />;
  return <Unclaimed />;
}

function Claim({ token }: { token: string }) {
  useTitle("Set up Countersign");
  return (
    <GatePage title="Claim this server" says="This link makes you its first reviewer, once. There is no password, here or anywhere: your device holds a passkey, and it signs what you decide.">
      <Enrol token={token} asksName next="/setup" />
    </GatePage>
  );
}

function Unclaimed() {
  useTitle("Set up Countersign");
  return (
    <GatePage title="Set up needs its link" says="The server printed a setup link when it started. Open that link; it works once, within 30 minutes.">
      <p class="soft">If it is spent or too old, restart the server on its machine and it prints another, as long as nobody has claimed it. <a href="/signin">Sign in</a> if somebody has.</p>
    </GatePage>
  );
}

function Checklist() {
  const me = useMe();
  useTitle("Set up Countersign");
  const done = me.checklist.filter((c) => c.done).length;
  const now = me.checklist.find((c) => !c.done);
  return (
    <div class="wrap narrow">
      <Top title="Set up Countersign" says={`${done} of ${me.checklist.length} done.${now ? "" : " This page goes away now."}`} />
      <div class="stack">
        {!me.paired && <Notice kind="warn" icon="user-check" title="You are alone here."><p>Until a second person holds a passkey, every change of the rules is made at once and recorded as <span class="mono">solo</span>. Inviting one ends that, and it cannot be undone.</p></Notice>}
        <ol class="panel check">{me.checklist.map((c, i) => <Item key={c.id} of={c} n={i + 1} now={c === now} />)}</ol>
        <p class="faint">This page goes away when all are done. Its steps are also in <span class="mono">countersign doctor</span>. Reviewers can be asked <a href="/setup/slack">in Slack</a> too.</p>
      </div>
    </div>
  );
}

const Item = ({ of, n, now }: { of: ChecklistItem; n: number; now: boolean }) => (
  <li id={of.id} class={of.done ? "done" : now ? "now" : ""} aria-current={now ? "step" : undefined}>
    <span class="num-c">{of.done ? <Icon name="check" /> : <span aria-hidden="true">{n}</span>}</span>
    <div><h2>{of.title}{of.done && <span class="vh">, done</span>}</h2><p>{of.detail}</p>{now && of.id === "second" && <Invite />}</div>
    {!of.done && of.href && !(now && of.id === "second") && <span class="end"><a class="btn small" href={of.href}>Open<span class="vh">: {of.title}</span></a></span>}
  </li>
);

function Invite() {
  const { renew } = useSession();
  const { data } = useLoad<{ people: readonly Person[] }>("/v1/people");
  const groups = [...new Set((data?.people ?? []).flatMap((p) => p.groups))].sort();
  return <InviteForm groups={groups} onMade={() => void renew()} />;
}
