import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { ProblemNotice, Waiting } from "../parts/notice";
import { AccountPage } from "../pages/account/account";
import { AgentsPage } from "../pages/agents/agents";
import { HistoryPage } from "../pages/history/history";
import { InboxPage } from "../pages/inbox/inbox";
import { InsightPage } from "../pages/insight/insight";
import { JoinPage } from "../pages/join/join";
import { PeoplePage } from "../pages/people/people";
import { PolicyPage } from "../pages/policy/policy";
import { RecoverPage } from "../pages/recover/recover";
import { RequestPage } from "../pages/request/request";
import { ResourcesPage } from "../pages/resources/resources";
import { SetupPage } from "../pages/setup/setup";
import { SlackPage } from "../pages/setup/slack";
import { VerifyPage } from "../pages/verify/verify";
import { Announcer } from "./announce";
import { HeldBand } from "./held";
import { Missing } from "./missing";
import { Offline } from "./offline";
import { Rail } from "./rail";
import { usePlace, type Place } from "./router";
import { SessionProvider, useSession } from "./session";

interface Page {
  path: RegExp;
  here: string; // the entry of the rail that it stands under
  draw: ComponentType<{ place: Place }>;
  // open pages are for somebody who is not signed in, too.
  open?: boolean;
}

const pages: readonly Page[] = [
  { path: /^\/$/, here: "/", draw: InboxPage },
  { path: /^\/r\/[^/]+$/, here: "/r", draw: RequestPage },
  { path: /^\/history$/, here: "/history", draw: HistoryPage },
  { path: /^\/verify$/, here: "/verify", draw: VerifyPage, open: true },
  { path: /^\/people$/, here: "/people", draw: PeoplePage },
  { path: /^\/agents$/, here: "/agents", draw: AgentsPage },
  { path: /^\/resources$/, here: "/resources", draw: ResourcesPage },
  { path: /^\/policy$/, here: "/policy", draw: PolicyPage },
  { path: /^\/insight$/, here: "/insight", draw: InsightPage },
  { path: /^\/account$/, here: "/account", draw: AccountPage },
  { path: /^\/setup$/, here: "/setup", draw: SetupPage, open: true },
  { path: /^\/setup\/slack$/, here: "/setup", draw: SlackPage },
  { path: /^\/join$/, here: "", draw: JoinPage, open: true },
  { path: /^\/recover$/, here: "", draw: RecoverPage, open: true },
];
const missing: Page = { path: /./, here: "", draw: Missing, open: true };

export const App = () => <SessionProvider><Frame /></SessionProvider>;

function Frame() {
  const place = usePlace();
  const { who, problem } = useSession();
  const page = pages.find((p) => p.path.test(place.path)) ?? missing;
  const closed = who === null && !page.open;
  useEffect(() => {
    if (closed) location.replace(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
  }, [closed]);
  const Draw = page.draw;
  return (
    <>
      <a class="skip" href="#main">Skip to the page</a>
      <div class="app">
        <Rail here={page.here} />
        <main class="page" id="main" tabIndex={-1}>
          {who === undefined && !page.open ? problem ? <div class="wrap"><ProblemNotice of={problem} /></div> : <div class="wrap"><Waiting on="Asking the server who you are." /></div>
            : closed ? <div class="wrap"><Waiting on="You are not signed in. Going to the sign-in page." /></div>
            : <>{who && <><HeldBand /><Offline /></>}<Draw key={place.path} place={place} /></>}
        </main>
      </div>
      <Announcer />
    </>
  );
}
