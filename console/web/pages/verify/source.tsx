import { useEffect, useRef, useState } from "preact/hooks";
import { go } from "../../app/router";
import { Icon } from "../../parts/icon";
import { Line } from "../../parts/field";
import { Panel } from "../../parts/panel";
import { Outside } from "../../parts/spans";
import type { Source } from "./check";

// useDrop takes a file that is dropped anywhere on the page.
function useDrop(onFile: (f: File) => void): boolean {
  const [over, set] = useState(false);
  const take = useRef(onFile);
  take.current = onFile;
  useEffect(() => {
    const hover = (e: DragEvent) => {
      e.preventDefault();
      set(true);
    };
    const leave = (e: DragEvent) => {
      if (e.relatedTarget === null) set(false);
    };
    const drop = (e: DragEvent) => {
      e.preventDefault();
      set(false);
      const f = e.dataTransfer?.files[0];
      if (f) take.current(f);
    };
    document.addEventListener("dragover", hover);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", hover);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, []);
  return over;
}

export function SourcePanel({ source, id, signedIn, onFile }: { source: Source | undefined; id: string; signedIn: boolean; onFile: (f: File) => void }) {
  const over = useDrop(onFile);
  const file = useRef<HTMLInputElement>(null);
  const [wanted, want] = useState(id);
  return (
    <Panel title="Receipt">
      <div class="body">
        {source && <p class="mono any"><Outside text={source.name} /></p>}
        <div class={`drop${over ? " over" : ""}`}>
          <Icon name="upload" /><span>{source ? "Drop another receipt" : "Drop a receipt"}</span>
          <button type="button" class="btn small" onClick={() => file.current?.click()}>Choose a file</button>
          <input ref={file} type="file" accept=".json,application/json" class="vh" tabIndex={-1} aria-label="Receipt file" onChange={(e) => { const f = e.currentTarget.files?.[0]; if (f) onFile(f); e.currentTarget.value = ""; }} />
        </div>
        {signedIn && (
          <form class="stack" onSubmit={(e) => { e.preventDefault(); if (wanted.trim() !== "") go(`/verify?id=${encodeURIComponent(wanted.trim())}`); }}>
            <Line label="Or fetch by id" value={wanted} onValue={want} mono placeholder="req_…" />
            <div><button class="btn small">Fetch and verify</button></div>
          </form>
        )}
      </div>
    </Panel>
  );
}
