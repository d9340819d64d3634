import { useState } from "preact/hooks";
import { post, problemOf, type Problem } from "../../app/api";
import { now, useSecond } from "../../app/clock";
import { useTitle, type Place } from "../../app/router";
import { countdown, stamp } from "../../app/words";
import { Line } from "../../parts/field";
import { Notice, ProblemNotice } from "../../parts/notice";
import { Enrol } from "../join/enrol";
import { GatePage } from "../join/gatepage";

// RecoverPage begins a recovery with a code, and a day later makes the passkey.
export function RecoverPage(_: { place: Place }) {
  useTitle("Recover");
  const [code, setCode] = useState("");
  const [opens, setOpens] = useState<string>();
  const [problem, fail] = useState<Problem>();
  const [asking, ask] = useState(false);
  useSecond();
  const begin = async () => {
    ask(true);
    try {
      const answer = await post<{ opens_at: string }>("/v1/recovery", { code: code.trim() });
      setOpens(answer.opens_at);
      fail(undefined);
    } catch (e) {
      fail(problemOf(e));
    }
    ask(false);
  };
  const left = opens ? Date.parse(opens) - now() : 0;
  return (
    <GatePage title="Recover with a code" says="For when every passkey of yours is lost. The code opens one enrolment, 24 hours after it is first used, and everybody here is told at once.">
      {opens && left > 0 && (
        <Notice answers kind="done" icon="clock" title={`The way opens in ${countdown(left)}.`}><p>At {stamp(opens)}. Everybody was told. Come back then with the same code; anybody who knows that this was not you can stop it until then.</p></Notice>
      )}
      {opens && left <= 0 && <Enrol token={code.trim()} next="/" />}
      {!opens && (
        <form class="stack" onSubmit={(e) => { e.preventDefault(); if (!asking) void begin(); }}>
          <Line label="Recovery code" value={code} onValue={setCode} mono required />
          {problem && <ProblemNotice of={problem} />}
          <div class="acts"><button class="btn solid wide" disabled={asking || code.trim() === ""}>{asking ? "Asking the server" : "Use this code"}</button></div>
        </form>
      )}
    </GatePage>
  );
}
