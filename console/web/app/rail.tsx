import { useState } from "preact/hooks";
import { Icon, Mark, type IconName } from "../parts/icon";
import { Outside } from "../parts/spans";
import { problemOf, remove } from "./api";
import { now, useSecond } from "./clock";
import { useSession } from "./session";
import type { Me } from "./admin";
import type { Inbox } from "./types";
import { count, sentence, span } from "./words";

interface Entry {
  href: string;
  icon: IconName;
  word: string;
}

const groups: readonly (readonly Entry[])[] = [
  [
    { href: "/", icon: "inbox", word: "Inbox" },
    { href: "/history", icon: "history", word: "History" },
    { href: "/verify", icon: "file-check", word: "Verify" },
  ],
  [
    { href: "/resources", icon: "box", word: "Resources" },
    { href: "/agents", icon: "bot", word: "Agents" },
    { href: "/people", icon: "users", word: "People" },
  ],
  [
    { href: "/policy", icon: "scale", word: "Policy" },
    { href: "/insight", icon: "chart-column", word: "Insight" },
  ],
];
const setup: Entry = { href: "/setup", icon: "list-checks", word: "Setup" };

const Item = ({ of, here, n = 0 }: { of: Entry; here: boolean; n?: number }) => (
  <li>
    <a href={of.href} aria-current={here ? "page" : undefined}>
      <Icon name={of.icon} />{of.word}{n > 0 && <span class="n">{count(n)}<span class="vh"> {n === 1 ? "waits" : "wait"} for you</span></span>}
    </a>
  </li>
);

// standing is the list that the request of this page stands in.
function standing(inbox: Inbox | undefined): string {
  if (!inbox) return "";
  return [...inbox.mine, ...inbox.waiting, ...inbox.others].some((r) => location.pathname === `/r/${r.id}`) ? "/" : "/history";
}

// Rail is where one can go, what waits, and who one is here.
export function Rail({ here }: { here: string }) {
  const { who, inbox, leaves } = useSession();
  const at = here === "/r" ? standing(inbox) : here;
  const mine = inbox?.mine.length ?? 0;
  const open = who?.checklist.some((c) => !c.done) ?? false;
  return (
    <header class="rail">
      <a class="brand" href={who === null ? "/verify" : "/"}><Mark />Countersign</a>
      {who && (
        <nav aria-label="Main">
          {groups.map((entries, i) => (
            <ul key={i}>
              {entries.map((e) => <Item key={e.href} of={e} here={e.href === at} n={e.href === "/" ? mine : 0} />)}
              {i === groups.length - 1 && open && <Item of={setup} here={here === setup.href} />}
            </ul>
          ))}
        </nav>
      )}
      <div class="foot">
        {who && <dl><dt>Ledger</dt><dd>{count(leaves)} leaves</dd><dt>Version</dt><dd>{who.version}</dd></dl>}
        {who ? <Self who={who} here={here === "/account"} /> : who === null && <a class="btn small" href="/signin"><Icon name="log-in" />Sign in</a>}
      </div>
    </header>
  );
}

function Self({ who, here }: { who: Me; here: boolean }) {
  useSecond();
  const [failed, fail] = useState("");
  const leave = async () => {
    try {
      await remove("/v1/session");
      location.assign("/signin");
    } catch (e) {
      fail(sentence(problemOf(e).detail));
    }
  };
  const age = span(now() - Date.parse(who.session.auth_time));
  return (
    <div class="me">
      <b><a href="/account" aria-current={here ? "page" : undefined} aria-label={`${who.person.name}, your account`}><Outside text={who.person.name} /></a></b>
      <span>{who.session.method === "passkey" ? "passkey" : "link"}, {age} ago{who.demo && ", demo"}</span>
      {failed && <span role="alert">{failed}</span>}
      <button type="button" class="btn small plain" onClick={() => void leave()}><Icon name="log-out" />Sign out</button>
    </div>
  );
}
