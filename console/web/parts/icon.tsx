import { capital } from "../app/words";
import type { Decision, Execution, Severity } from "../app/types";

export type IconName =
  | "arrow-up" | "ban" | "bot" | "box" | "chart-column" | "check" | "chevron-right" | "circle-alert" | "circle-check" | "circle-help" | "clock"
  | "copy" | "download" | "file-check" | "fingerprint-pattern" | "history" | "hourglass" | "inbox" | "key-round" | "link" | "list-checks" | "log-in"
  | "log-out" | "minus" | "octagon-pause" | "octagon-x" | "pause" | "plus" | "quote" | "radio" | "scale" | "search" | "shield-check" | "undo-2" | "upload"
  | "user-check" | "users" | "wifi-off" | "x" | "eye";

// Icon stands beside a word, never alone.
export const Icon = ({ name, class: more = "" }: { name: IconName; class?: string }) => (
  <svg class={`i ${more}`} aria-hidden="true"><use href={`#i-${name}`} /></svg>
);

export const Mark = () => <svg aria-hidden="true"><use href="#mark" /></svg>;

export const Shape = ({ of, class: more = "" }: { of: Severity; class?: string }) => (
  <svg class={more} aria-hidden="true"><use href={`#r-${of}`} /></svg>
);

// Risk is a severity as shape, word and colour.
export const Risk = ({ of }: { of: Severity }) => (
  <span class={`risk ${of}`}><Shape of={of} /><span class="word">{of}</span></span>
);

const decisions: Record<Decision, IconName> = {
  pending: "pause", approved: "check", allowed: "check", rejected: "x", expired: "clock", withdrawn: "undo-2", denied: "ban",
};

export const DecisionWord = ({ of, title = false }: { of: Decision; title?: boolean }) => (
  <span class="state"><Icon name={decisions[of]} />{of === "pending" && title ? "Held, pending" : title ? capital(of) : of}</span>
);

const executions: Record<Execution, [IconName | undefined, string]> = {
  none: [undefined, "quiet"], running: ["hourglass", ""], succeeded: ["check", ""], failed: ["x", "bad"], unknown: ["circle-help", "bad"],
};

export function ExecutionWord({ of, title = false }: { of: Execution; title?: boolean }) {
  const [icon, how] = executions[of];
  return <span class={`state ${how}`}>{icon && <Icon name={icon} />}{title ? capital(of) : of}</span>;
}
