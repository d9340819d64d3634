import { useState } from "preact/hooks";
import { post, problemOf, type Problem } from "../../app/api";
import { Panel } from "../../parts/panel";
import { Refused } from "../../parts/refused";
import { Codes } from "../join/codes";

// Recovery makes the reader's recovery codes anew, and shows them once.
export function Recovery() {
  const [codes, show] = useState<readonly string[]>();
  const [kept, keep] = useState(false);
  const [problem, fail] = useState<Problem>();
  const make = async () => {
    try {
      show((await post<{ recovery_codes: readonly string[] }>("/v1/recovery/codes")).recovery_codes);
      keep(false);
      fail(undefined);
    } catch (e) {
      fail(problemOf(e));
    }
  };
  return (
    <Panel title="If every passkey is lost" id="recovery">
      <div class="body stack">
        {codes ? <Codes of={codes} kept={kept} onKept={keep} /> : <p class="soft">Your recovery codes were shown when you made your first passkey. New ones take the place of all that you have.</p>}
        {problem && <Refused of={problem} />}
        <div class="acts start"><button type="button" class="btn" disabled={codes !== undefined && !kept} onClick={() => void make()}>Make new recovery codes</button></div>
      </div>
    </Panel>
  );
}
