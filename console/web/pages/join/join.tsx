import { useEffect, useState } from "preact/hooks";
import { post, problemOf, type Problem } from "../../app/api";
import { useTitle, type Place } from "../../app/router";
import { useSession } from "../../app/session";
import type { CreateCeremony } from "../../app/admin";
import { ProblemNotice, Waiting } from "../../parts/notice";
import { Outside } from "../../parts/spans";
import { Enrol } from "./enrol";
import { GatePage } from "./gatepage";

// JoinPage enrols a passkey: of somebody invited, or the reader's own.
export function JoinPage({ place }: { place: Place }) {
  const { who } = useSession();
  useTitle(place.hash === "" ? "Make a passkey" : "Join");
  const [token] = useState(place.hash); // the address loses it once it is spent
  if (token !== "") return <Invited token={token} />;
  if (who === undefined) return <div class="wrap gate"><Waiting on="Asking the server who you are." /></div>;
  if (who === null) return <GatePage title="Join needs its link" says="Whoever invited you gave you a link. Open that one; it works once."><p class="soft">Without one, ask them for another.</p></GatePage>;
  return (
    <GatePage title="Make a passkey" says={<>For <b><Outside text={who.person.name} /></b>. A passkey that you have signs for the new one; without one, a second person confirms it on the page People.</>}>
      <Enrol token="" next="/people" />
    </GatePage>
  );
}



function Invited({ token }: { token: string }) {
  const [asked, set] = useState<CreateCeremony>();
  const [problem, fail] = useState<Problem>();
  useEffect(() => {
    post<CreateCeremony>("/v1/passkeys/challenge", { token }).then(set, (e: unknown) => fail(problemOf(e)));
  }, [token]);
  if (problem) return <div class="wrap gate stack"><h1>This link does not work</h1><ProblemNotice of={problem}><p>A link works once. Ask whoever invited you for another.</p></ProblemNotice></div>;
  if (!asked) return <div class="wrap gate"><Waiting on="Asking whose link this is." /></div>;
  return (
    <GatePage title={`Join as ${asked.person.name}`} says="There is no password. Your device makes a passkey, keeps it, and signs with it what you decide here.">
      <Enrol token={token} next="/" />
    </GatePage>
  );
}
