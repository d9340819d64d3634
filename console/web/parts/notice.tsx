import type { ComponentChildren } from "preact";
import type { Problem } from "../app/api";
import { sentence } from "../app/words";
import { Icon, type IconName } from "./icon";

type Kind = "" | "done" | "warn" | "bad";
const icons: Record<Kind, IconName> = { "": "circle-alert", done: "circle-check", warn: "circle-alert", bad: "octagon-x" };

// Notice says what happened, then what happens next. One that answers what the
// reader just did is an alert.
export function Notice({ kind = "", icon, title, answers = false, children }: { kind?: Kind; icon?: IconName; title: ComponentChildren; answers?: boolean; children?: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role={answers ? "alert" : undefined}>
      <Icon name={icon ?? icons[kind]} />
      <div><strong>{title}</strong>{children}</div>
    </div>
  );
}

// ProblemNotice is a refusal in the server's words, its code last.
export function ProblemNotice({ of, children, kind = "bad" }: { of: Problem; children?: ComponentChildren; kind?: Kind }) {
  return (
    <Notice answers kind={kind} icon={of.code === "unreachable" ? "wifi-off" : kind === "warn" ? "circle-alert" : of.status === 403 ? "ban" : "octagon-x"} title={sentence(of.detail)}>
      <p>{sentence(of.hint)} <span class="mono">{of.code}</span></p>
      {children}
    </Notice>
  );
}

// Waiting says what is awaited; nothing turns.
export const Waiting = ({ on }: { on: string }) => <p class="soft awaited" role="status">{on}</p>;

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return <div class="rows empty"><Icon name={icon} /><strong>{title}</strong>{children}</div>;
}
