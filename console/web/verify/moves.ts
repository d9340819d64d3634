/** The table of allowed moves: docs/states.md. */

/** Where a request is: decision and execution, both empty before it was requested. */
export interface State {
  readonly decision: string;
  readonly execution: string;
}

export const start: State = { decision: "", execution: "" };

/** Throws unless the table has the move. */
export function checkMove(from: State, kind: string, to: State): void {
  const [a, b] = [named(from), named(to)];
  const stays = kind === "joined" || kind === "refused" || kind === "payload.revealed";
  if (!(stays && a === b && a !== named(start)) && !moves.has(`${a} ${kind} ${b}`)) {
    throw new Error(`no move by ${kind} from ${a} to ${b}`);
  }
}

function named(s: State): string {
  return `${s.decision}/${s.execution}`;
}

const moves: ReadonlySet<string> = new Set([
  "/ requested pending/none",
  "pending/none denied denied/none",
  "pending/none allowed allowed/none",
  "pending/none held pending/none",
  "pending/none decided pending/none",
  "pending/none decided approved/none",
  "pending/none decided rejected/none",
  "pending/none escalated pending/none",
  "pending/none expired expired/none",
  "pending/none withdrawn withdrawn/none",
  "approved/none held pending/none",
  "approved/none denied denied/none",
  "approved/none decided rejected/none",
  "approved/none lapsed expired/none",
  "approved/none withdrawn withdrawn/none",
  ...["approved", "allowed"].flatMap((by) => [
    `${by}/none released ${by}/running`,
    `${by}/running completed ${by}/succeeded`,
    `${by}/running completed ${by}/failed`,
    `${by}/running completed ${by}/unknown`,
    `${by}/unknown resolved ${by}/succeeded`,
    `${by}/unknown resolved ${by}/failed`,
  ]),
]);
