/**
 * What a verification found, in the words of package receipt: the same twelve
 * steps with the same names, details and results.
 */

/** What one step came to. What stands behind a failed step is not checked: nothing there can be relied on. */
export type Result = "ok" | "failed" | "not checked";

/** One numbered check of a receipt. */
export interface Step {
  /** 1 to 12 */
  readonly n: number;
  readonly name: string;
  /** "6 of 6" */
  readonly detail: string;
  readonly result: Result;
  /** What failed: which event, and hashes in groups of eight digits. Empty unless it failed. */
  readonly lines: readonly string[];
}

/** One decision as a receipt that holds tells it. */
export interface Told {
  /** "Bob Lee", or "not disclosed" */
  readonly name: string;
  readonly id: string;
  readonly choice: string;
  readonly assurance: string;
  /** RFC 3339, UTC, milliseconds */
  readonly at: string;
  readonly reason: string;
  readonly solo: boolean;
}

/** One hop of a path: the hash so far and its sibling make the hash of their parent (RFC 9162, section 2.1.3.2). */
export interface Hop {
  /** On which side the sibling stands. */
  readonly side: "left" | "right";
  /** Lower-case hex, as hash is. */
  readonly sibling: string;
  /** The running hash after this hop. */
  readonly hash: string;
}

/** The path of one leaf to the root, hop by hop. */
export interface Path {
  /** The kind of the event: "released". */
  readonly kind: string;
  /** Where the leaf stands in the log, from 0. */
  readonly index: number;
  readonly leafHash: string;
  readonly hops: readonly Hop[];
  /** What the path comes to; equal to the signed root if it folds. */
  readonly root: string;
}

/**
 * What verify found. What the receipt does not disclose reads "not disclosed".
 * All text is as it stands in the receipt: whoever shows it makes hidden
 * characters visible.
 */
export interface Report {
  readonly holds: boolean;
  readonly steps: readonly Step[];
  readonly request: string;
  readonly origin: string;
  /** Of the log at the checkpoint. */
  readonly size: number;
  /** Of the receipt. */
  readonly bytes: number;
  readonly events: number;
  /** When the last event in the receipt was recorded; empty if it could not be read. */
  readonly at: string;
  /** The signed root in hex; empty until a checkpoint was verified. */
  readonly root: string;
  /** One for each event, from when the checkpoint was verified and the leaves were read; whether they fold is for step 6 to say. */
  readonly paths: readonly Path[];
  /** The rest is there only if the receipt holds. */
  readonly who: readonly Told[];
  /** "demo-bot asked for create_refund on mcp/payments, prod" */
  readonly what: string;
  /** "held by refund-over-100, policy 823412d1" */
  readonly why: string;
  /** "succeeded 2026-11-19 16:18:45.814 UTC" */
  readonly outcome: string;
  /** The command's digest in hex; empty if neither it nor a decision is disclosed. */
  readonly digest: string;
}
