import { useState } from "preact/hooks";
import { post, problemOf, type Problem } from "../../app/api";
import type { Policy } from "../../app/admin";
import { Field, Reason } from "../../parts/field";
import { Notice } from "../../parts/notice";
import { Refused } from "../../parts/refused";

interface Answer {
  applied?: boolean;
  solo?: boolean;
  request?: string;
}

// Change proposes other files. A change of the policy is a request like any
// other: another person decides it.
export function Change({ policy }: { policy: Policy }) {
  const [files, setFiles] = useState(() => policy.files.map((f) => ({ ...f })));
  const [reason, setReason] = useState("");
  const [answer, say] = useState<Answer>();
  const [problem, fail] = useState<Problem>();
  const [asking, ask] = useState(false);
  const differs = files.some((f, i) => f.text !== policy.files[i]?.text);
  const propose = async () => {
    ask(true);
    try {
      say(await post<Answer>("/v1/changes", { entity: "policy", kind: "policy.changed", files: Object.fromEntries(files.map((f) => [f.name, f.text])), reason: reason.trim() }));
      fail(undefined);
    } catch (e) {
      fail(problemOf(e));
    }
    ask(false);
  };
  if (answer?.request) return <Notice answers kind="done" title="Your change waits for another person."><p>Until it is approved the policy in force stays as it is. <a href={`/r/${answer.request}`}>Open the request</a></p></Notice>;
  if (answer?.applied) return <Notice answers kind="done" title="The change is in force."><p>{answer.solo ? "You are alone here, so it is recorded as solo." : "It is on record."}</p></Notice>;
  return (
    <form class="stack" onSubmit={(e) => { e.preventDefault(); void propose(); }}>
      {files.map((f, i) => (
        <Field key={f.name} label={f.name}>{(id) => (
          <textarea id={id} class="mono editor" rows={18} spellcheck={false} value={f.text} onInput={(e) => { const text = e.currentTarget.value; setFiles((all) => all.map((x, n) => (n === i ? { ...x, text } : x))); }} />
        )}</Field>
      ))}
      <Reason value={reason} onValue={setReason} help="Whoever decides it reads this. At most 280 characters." required />
      {problem && <Refused of={problem} />}
      <div><button class="btn solid" disabled={asking || !differs || reason.trim() === ""}>{asking ? "Sending it" : "Propose this change"}</button></div>
      <p class="faint">{differs ? "The change is checked before it is asked for; a policy that does not compile is refused." : "Nothing differs from what is in force."}</p>
    </form>
  );
}
