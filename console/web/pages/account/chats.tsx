import { useEffect, useState } from "preact/hooks";
import { announce } from "../../app/announce";
import { at, post, problemOf, remove, type Problem } from "../../app/api";
import { useLoad } from "../../app/load";
import { useOnEvent } from "../../app/session";
import type { ChatLink, ChatLinks } from "../../app/admin";
import { capital, dated } from "../../app/words";
import { Dialog } from "../../parts/dialog";
import { Icon } from "../../parts/icon";
import { Notice, ProblemNotice, Waiting } from "../../parts/notice";
import { Cell, Panel, Table } from "../../parts/panel";
import { Refused } from "../../parts/refused";
import { Outside } from "../../parts/spans";
import { Code, type Shown } from "./code";

const called: Readonly<Record<string, string>> = { slack: "Slack", teams: "Microsoft Teams" };
export const chatName = (chat: string): string => called[chat] ?? capital(chat);
const same = (a: ChatLink, b: ChatLink): boolean => a.chat === b.chat && a.workspace === b.workspace && a.account === b.account;

// Chats are the reader's accounts in chats, and the way to link another.
export function Chats() {
  const list = useLoad<ChatLinks>("/v1/links");
  const { again } = list;
  useOnEvent((e) => {
    if (e.entity) again();
  });
  useEffect(() => {
    addEventListener("focus", again); // back from the chat
    return () => removeEventListener("focus", again);
  }, [again]);
  return (
    <Panel title="Chat accounts" id="chats">
      {list.problem && <div class="body"><ProblemNotice of={list.problem} /></div>}
      {list.data ? <Listed of={list.data} again={again} /> : !list.problem && <div class="body"><Waiting on="Asking which accounts are yours." /></div>}
    </Panel>
  );
}

function Listed({ of, again }: { of: ChatLinks; again: () => void }) {
  const [shown, show] = useState<Shown>();
  const [ending, end] = useState<ChatLink>();
  const [problem, fail] = useState<Problem>();
  const fresh = shown && of.links.find((l) => l.chat === shown.chat && !shown.before.some((b) => same(b, l)));
  useEffect(() => {
    if (fresh) announce(`Your ${chatName(fresh.chat)} account is linked.`);
  }, [fresh]);
  const link = async (chat: string) => {
    try {
      show({ chat, before: of.links, code: await post("/v1/links", { chat }) });
      fail(undefined);
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <>
      <div class="body">
        <p class="soft">What an account that you link decides in its chat counts as yours, as far as the policy takes a click there. It approves only what the chat shows whole.</p>
        {problem && <Refused of={problem} />}
        {fresh && <Notice kind="done" title={`Your ${chatName(fresh.chat)} account is linked.`}><p>Requests that wait for you can be decided there from now on.</p></Notice>}
        {shown && !fresh && <Code of={shown} onAgain={() => void link(shown.chat)} />}
        {of.chats.map((c) => (shown && !fresh && shown.chat === c ? null : (
          <div key={c} class="acts start"><button type="button" class="btn" onClick={() => void link(c)}><Icon name="link" />Link {chatName(c)}</button></div>
        )))}
        {of.chats.length === 0 && <p>No chat is connected to this server. <a href="/setup/slack">Connect Slack</a>, if you operate it.</p>}
      </div>
      {of.links.length > 0 && (
        <Table label="Your chat accounts" columns={[{ name: "Account" }, { name: "Chat" }, { name: "Workspace" }, { name: "Since" }, { name: "Act", num: true }]}>
          {of.links.map((l) => (
            <tr key={`${l.chat} ${l.workspace} ${l.account}`} role="row">
              <Cell class="full any">{l.name && <><Outside text={l.name} /> </>}<span class="mono soft">{l.account}</span></Cell><Cell label="chat">{chatName(l.chat)}</Cell><Cell label="workspace" class="mono">{l.workspace}</Cell><Cell label="since">{dated(l.since)}</Cell>
              <Cell class="acting"><button type="button" class="btn small" onClick={() => end(l)}>End<span class="vh"> the link of {l.name || l.account}</span></button></Cell>
            </tr>
          ))}
        </Table>
      )}
      {ending && <EndAsk link={ending} onClose={() => end(undefined)} onDone={() => { end(undefined); again(); }} />}
    </>
  );
}

function EndAsk({ link, onClose, onDone }: { link: ChatLink; onClose: () => void; onDone: () => void }) {
  const [problem, fail] = useState<Problem>();
  const drop = async () => {
    try {
      await remove(at("links", link.chat, link.workspace, link.account));
      onDone();
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <Dialog title={`End the link of ${link.name || link.account}`} onClose={onClose}>
      <form class="stack" onSubmit={(e) => { e.preventDefault(); void drop(); }}>
        <p class="soft">At once, nothing that this {chatName(link.chat)} account clicks counts as yours. What was approved through it and has not run becomes void. It can be linked again.</p>
        {problem && <Refused of={problem} />}
        <div class="acts two"><button class="btn solid">End this link</button><button type="button" class="btn" onClick={onClose}>Go back</button></div>
      </form>
    </Dialog>
  );
}
