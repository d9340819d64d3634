import { useSecond } from "../../app/clock";
import type { ChatLink, LinkCode } from "../../app/admin";
import { countdown } from "../../app/words";
import { Copy } from "../../parts/copy";
import { Notice } from "../../parts/notice";
import { chatName } from "./chats";

// Shown is a code that waits to be typed; before are the links that there were.
export interface Shown {
  chat: string;
  before: readonly ChatLink[];
  code: LinkCode;
}

// Code is what to type in the chat, until it ends. The account appears in the list
// by itself.
export function Code({ of, onAgain }: { of: Shown; onAgain: () => void }) {
  const left = Date.parse(of.code.expires_at) - useSecond();
  const chat = chatName(of.chat);
  const again = <button type="button" class="btn small" onClick={onAgain}>Make another code</button>;
  if (left <= 0) {
    return <Notice icon="clock" title="This code has ended."><p>Nobody typed it in time, so it links nothing.</p><div class="acts">{again}</div></Notice>;
  }
  return (
    <Notice icon="link" title={`Type this in ${chat}, in any conversation:`}>
      <code class="snip tosay">{of.code.type}</code>
      <p>It works once, for <b role="timer">{countdown(left)}</b> more. Only you see what you type there. Give it to nobody: whoever types it decides as you.</p>
      <div class="acts"><Copy text={of.code.type} what="what to type" />{again}</div>
    </Notice>
  );
}
