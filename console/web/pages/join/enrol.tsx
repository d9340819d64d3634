import { useState } from "preact/hooks";
import { post, problemOf, type Problem } from "../../app/api";
import { make, sign } from "../../app/passkey";
import { go } from "../../app/router";
import { useSession } from "../../app/session";
import type { CreateCeremony, Enrolled } from "../../app/admin";
import { Line } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Notice, ProblemNotice } from "../../parts/notice";
import { Codes } from "./codes";

type Stage = "ready" | "device" | "writing";
const words: Record<Stage, string> = { ready: "Create the passkey", device: "Your device asks you now", writing: "Writing the passkey to the ledger" };

// device guesses what to call this one; the reader may say otherwise.
function device(): string {
  const of: readonly (readonly [RegExp, string])[] = [[/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android phone"], [/Mac OS/, "Mac"], [/Windows/, "Windows PC"], [/Linux/, "Linux"]];
  return of.find(([is]) => is.test(navigator.userAgent))?.[1] ?? "";
}

// Enrol makes a passkey and has it recorded; then it shows the recovery codes,
// once, if the server gives some.
export function Enrol({ token, asksName = false, next }: { token: string; asksName?: boolean; next: string }) {
  const { renew, who } = useSession();
  const [mine, setMine] = useState("");
  const [name, setName] = useState(device);
  const [stage, setStage] = useState<Stage>("ready");
  const [problem, fail] = useState<Problem>();
  const [done, finish] = useState<Enrolled>();
  const enrol = async () => {
    fail(undefined);
    setStage("device");
    try {
      const assertion = token === "" && who?.passkeys.some((k) => !k.pending) ? await sign("/v1/session/challenge", {}) : undefined;
      const asked = await post<CreateCeremony>("/v1/passkeys/challenge", { token: token || undefined, name: asksName ? mine.trim() : undefined, assertion });
      const credential = await make(asked);
      setStage("writing");
      const enrolled = await post<Enrolled>("/v1/passkeys", { ceremony: asked.ceremony, name: name.trim(), credential });
      history.replaceState(null, "", location.pathname); // the link is spent
      finish(enrolled);
    } catch (e) {
      fail(problemOf(e));
    }
    setStage("ready");
  };
  const leave = async () => {
    await renew();
    go(next);
  };
  if (done) return <Done enrolled={done} onLeave={() => void leave()} />;
  return (
    <form class="stack" onSubmit={(e) => { e.preventDefault(); if (stage === "ready") void enrol(); }}>
      {asksName && <Line label="Your name" help="As the record shows it, beside every decision." value={mine} onValue={setMine} required />}
      <Line label="What to call this passkey" help="The device it lives on, so that you know it when it is lost." value={name} onValue={setName} required />
      {problem && <ProblemNotice of={problem} />}
      {token === "" && who?.passkeys.some((k) => !k.pending) && <p class="faint">Your device asks twice: for a passkey that you have, then for the new one.</p>}
      <div class="acts" role="status">
        <button class="btn solid wide" aria-disabled={stage === "ready" ? undefined : "true"}><Icon name={stage === "ready" ? "fingerprint-pattern" : "hourglass"} />{words[stage]}</button>
      </div>
    </form>
  );
}

function Done({ enrolled, onLeave }: { enrolled: Enrolled; onLeave: () => void }) {
  const [kept, keep] = useState(false);
  const codes = enrolled.recovery_codes ?? [];
  return (
    <div class="stack">
      <Notice answers kind="done" icon="key-round" title={`The passkey ${enrolled.passkey.name} is on record.`}>
        <p>{enrolled.passkey.pending ? "It signs nothing yet: a second person, not the one who invited you, confirms it on the page People." : "From now on it signs what you decide."}</p>
      </Notice>
      {codes.length > 0 && <Codes of={codes} kept={kept} onKept={keep} />}
      <button type="button" class="btn solid wide" disabled={codes.length > 0 && !kept} onClick={onLeave}>Go on</button>
    </div>
  );
}
