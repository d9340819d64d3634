import type { ComponentChildren } from "preact";
import manifest from "../../../../channel/slack/manifest.yaml";
import type { ChatLinks } from "../../app/admin";
import { useLoad } from "../../app/load";
import { Listing } from "../../app/page";
import { Copy } from "../../parts/copy";
import { Notice } from "../../parts/notice";

const variables = "export SLACK_BOT_TOKEN=xoxb-…\nexport SLACK_APP_TOKEN=xapp-…";
const configuration = `channels:
  slack:
    bot_token: env:SLACK_BOT_TOKEN
    app_token: env:SLACK_APP_TOKEN
    to: ["#approvals", reviewers]`;

// SlackPage is how the operator connects Slack, with all there is to paste.
export function SlackPage() {
  const list = useLoad<ChatLinks>("/v1/links");
  return (
    <Listing title="Ask reviewers in Slack" says={() => "Five minutes, and no port is opened: this server calls Slack."} of={list} awaited="Asking whether Slack is connected." narrow>
      {(data) => (
        <div class="stack">
          {data.chats.includes("slack")
            ? <Notice kind="done" title="Slack is connected."><p>Each reviewer still links their own account, under <a href="/account#chats">their name</a>.</p></Notice>
            : <Notice title="Slack is not connected."><p>These steps are for somebody who may install apps in the workspace and change this server's configuration.</p></Notice>}
          <ol class="panel check">
            <Step n={1} title="Create the app"><p>At <span class="mono">api.slack.com/apps</span>: Create New App, From a manifest, the workspace, and paste this.</p><Paste text={manifest} what="the manifest" /></Step>
            <Step n={2} title="Make its app token"><p>Basic Information, App-Level Tokens, Generate Token, with the scope <span class="mono">connections:write</span>. It begins with <span class="mono">xapp-</span>.</p></Step>
            <Step n={3} title="Install it"><p>Install App, Install to Workspace. That gives the bot token, which begins with <span class="mono">xoxb-</span>.</p></Step>
            <Step n={4} title="Give both to the server"><p>Where it starts, and never in the file itself:</p><Paste text={variables} what="the variables" /><p>In <span class="mono">countersign.yaml</span>, their names; then restart it.</p><Paste text={configuration} what="the configuration" /></Step>
            <Step n={5} title="Look"><p>This says whether Slack takes the tokens.</p><Paste text="countersign doctor" what="the command" /></Step>
            <Step n={6} title="Invite the app"><p>In every channel where cards are to go. Reviewers with linked accounts get theirs without.</p><Paste text="/invite @Countersign" what="the invitation" /></Step>
          </ol>
        </div>
      )}
    </Listing>
  );
}

const Step = ({ n, title, children }: { n: number; title: string; children: ComponentChildren }) => (
  <li><span class="num-c"><span aria-hidden="true">{n}</span></span><div class="inner"><h2>{title}</h2>{children}</div></li>
);

const Paste = ({ text, what }: { text: string; what: string }) => (
  <div class="paste"><pre class="snip" tabIndex={0} role="region" aria-label={what}>{text}</pre><div class="acts start"><Copy text={text} what={what} /></div></div>
);
