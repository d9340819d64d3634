import type { RefObject } from "preact";
import type { Command, Line, Note, Text } from "../app/types";
import { count, plain } from "../app/words";
import { Copy } from "./copy";
import { Shape } from "./icon";
import { Panel } from "./panel";
import { Hidden, Spans } from "./spans";

const Notes = ({ of }: { of: readonly Note[] | undefined }) => (
  <>{(of ?? []).map((n, i) => (
    <div key={i} class={`note ${n.severity}`}>
      <Shape of={n.severity} />
      <span><span class="vh">{n.severity}: </span><b><Spans of={n.says} /></b> <span class="mono">{n.id}</span></span>
    </div>
  ))}</>
);

const widest = 24; // characters; a longer path is followed by its value

const width = (t: Text | undefined): number => [...plain(t)].length;

function Row({ line, column }: { line: Line; column: number }) {
  const w = width(line.path);
  return (
    <li class={line.number ? "part" : ""}>
      <code><Spans of={line.path} />{w > 0 && " ".repeat(Math.max(column - w, 0) + 2)}<Spans of={line.value} /></code>
      <Notes of={line.notes} />
    </li>
  );
}

// CommandLines are the command, all of it; its end is always stated.
export function CommandLines({ command, block }: { command: Command; block: RefObject<HTMLOListElement | null> }) {
  const column = Math.max(0, ...command.lines.map((l) => width(l.path)).filter((w) => w <= widest));
  const { end } = command;
  return (
    <>
      <ol class="code" ref={block}>
        <li class="call"><code><Spans of={command.title.value} /></code><Notes of={command.title.notes} /></li>
        {command.lines.map((l, i) => <Row key={i} line={l} column={column} />)}
      </ol>
      <p class={`eof${end.shown ? "" : " tear"}`} data-end>
        End of command. {end.says.join(", ")}.{end.hidden > 0 && <> <Hidden label="U+202E" /> stands where a character is that cannot be seen.</>} Laid out for reading; the digest names the bytes as sent.
      </p>
      <details class="sent"><summary>As sent, {count(end.bytes)} bytes</summary><code class="snip"><Spans of={command.as_sent} /></code></details>
    </>
  );
}

export const CommandPanel = ({ command, title, block }: { command: Command; title: string; block: RefObject<HTMLOListElement | null> }) => (
  <Panel title={title} tags={command.kind ? [command.kind] : []} end={command.end.redacted === 0 && <Copy text={command.as_sent.map((s) => s.text).join("")} what="the command as sent" />}>
    <CommandLines command={command} block={block} />
  </Panel>
);
