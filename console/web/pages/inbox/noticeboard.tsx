import { useEffect } from "preact/hooks";
import { useLoad } from "../../app/load";
import { useMe, useOnEvent } from "../../app/session";
import type { NoticeRow } from "../../app/admin";
import { stamp } from "../../app/words";
import { Notice } from "../../parts/notice";
import { Outside } from "../../parts/spans";

// NoticeBoard is what everybody must know: a recovery that was begun, that one
// decides alone.
export function NoticeBoard() {
  const me = useMe();
  const { data, again } = useLoad<{ notices: readonly NoticeRow[] }>("/v1/notices");
  useOnEvent((e) => {
    if (e.entity) again();
  });
  useEffect(() => {
    addEventListener("focus", again);
    return () => removeEventListener("focus", again);
  }, [again]);
  return (
    <div class="board stack">
      {(data?.notices ?? []).map((n) => <Notice key={n.at + n.text} kind="warn" title={<Outside text={n.text} />}><p>{stamp(n.at)}</p></Notice>)}
      {me.session.solo && (
        <Notice kind="warn" icon="user-check" title="You came in by a link.">
          <p>A link proves less than a passkey, so what you decide is recorded as <span class="mono">solo</span>. <a href="/join">Make a passkey</a></p>
        </Notice>
      )}
    </div>
  );
}
