import { useState } from "preact/hooks";
import { problemOf, type Problem } from "../app/api";
import { useMe, useSession } from "../app/session";
import { Icon } from "./icon";
import { ProblemNotice } from "./notice";
import { signIn } from "../app/signin";

// Renew has the reader sign in anew without leaving what they read.
export function Renew() {
  const me = useMe();
  const { renew } = useSession();
  const [problem, fail] = useState<Problem>();
  if (!me.passkeys.some((k) => !k.pending)) return <p><a href="/signin">Sign in again</a> or <a href="/people">make a passkey</a>.</p>;
  const again = async () => {
    try {
      await signIn();
      fail(undefined);
      await renew();
      dispatchEvent(new Event("signedin"));
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <>
      {problem && <ProblemNotice of={problem} kind="warn" />}
      <button type="button" class="btn wide" onClick={() => void again()}><Icon name="fingerprint-pattern" />Sign in again with your passkey</button>
    </>
  );
}
