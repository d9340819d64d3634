import { useState } from "preact/hooks";
import { problemOf, type Problem } from "../app/api";
import { signIn } from "../app/signin";
import { Icon } from "./icon";
import { ProblemNotice } from "./notice";

// PasskeySignIn is what the server's own sign-in page cannot do without script.
export function PasskeySignIn({ next }: { next: string }) {
  const [problem, fail] = useState<Problem>();
  const [asking, ask] = useState(false);
  const enter = async () => {
    ask(true);
    fail(undefined);
    try {
      await signIn();
      location.assign(new URL(next, location.origin).origin === location.origin ? next : "/");
    } catch (e) {
      fail(problemOf(e));
      ask(false);
    }
  };
  return (
    <div class="acts">
      {problem && <ProblemNotice of={problem} kind="warn" />}
      <button type="button" class="btn wide" aria-disabled={asking ? "true" : undefined} onClick={() => asking || void enter()}>
        <Icon name={asking ? "hourglass" : "fingerprint-pattern"} />{asking ? "Your device asks you now" : "Use a passkey"}
      </button>
    </div>
  );
}
