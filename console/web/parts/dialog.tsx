import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon";

// Dialog asks for one thing and holds the focus meanwhile; Escape leaves it.
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const name = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const d = box.current;
    const before = document.activeElement;
    d?.showModal();
    return () => {
      d?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={box} class="panel ask" aria-labelledby={name} onCancel={(e) => { e.preventDefault(); close.current(); }}>
      <header><h2 id={name}>{title}</h2><span class="end"><button type="button" class="btn small plain" onClick={onClose}><Icon name="x" />Close</button></span></header>
      <div class="body">{children}</div>
    </dialog>
  );
}
