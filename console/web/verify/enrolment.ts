/** Step 10: passkeys signed this very decision, and were enrolled for it before (docs/log-format.md, section 12). */

import { same } from "./bytes";
import type { Assertion, Credential } from "./event";
import { at, entriesOf, eventsOf, failed, leafName, ok, receiptOf, said, type Found, type Outcome } from "./found";
import { checkAssertion } from "./passkey";
import { notDisclosed } from "./tally";

export async function asserted(f: Found): Promise<Outcome> {
  const events = eventsOf(f);
  const signers = new Set<string>();
  let [good, hidden, held] = [0, 0, -1];
  for (const [i, st] of events.entries()) {
    if (st.kind === "held") {
      held = i;
    }
    if (st.kind !== "decided" && st.kind !== "escalated") {
      continue;
    }
    const assertion = at(f.opened, i).who.assertion;
    if (assertion !== null) {
      signers.add("key:" + assertion.credential);
    }
    try {
      const shown = await checkSigned(f, i, held);
      const claims = st.open.assurance === "passkey";
      good += claims && shown ? 1 : 0;
      hidden += claims && !shown ? 1 : 0;
    } catch (e) {
      return failed("not signed", leafName(f, i), said(e));
    }
  }
  const stray = f.statements.findIndex((st, i) => i >= events.length && !signers.has(st.request));
  if (stray >= 0) {
    return failed("not signed", leafName(f, stray), "it enrols a passkey that signed none of these decisions");
  }
  if (good + hidden === 0) {
    return ok("no passkey decisions");
  }
  return ok(`${good} of ${good + hidden}` + (hidden > 0 ? `, ${hidden} ${notDisclosed}` : ""));
}

/** Checks the signature of one decision; false where what would show it is not disclosed. */
async function checkSigned(f: Found, i: number, held: number): Promise<boolean> {
  const st = at(f.statements, i);
  const { who, body } = at(f.opened, i);
  const a = who.assertion;
  const claims = st.open.assurance === "passkey";
  if (at(entriesOf(f), i).who === null) {
    return false;
  }
  if (claims && a === null) {
    throw new Error("it claims a passkey, and the receipt holds no assertion of one");
  }
  if (a === null) {
    return true;
  }
  if (!claims) {
    throw new Error(`it carries the assertion of a passkey, and claims ${JSON.stringify(st.open.assurance)}`);
  }
  if (st.kind !== "decided" || held < 0 || who.actor.kind !== "person") {
    throw new Error("a passkey signs approvals and rejections only, of what is held, by a person");
  }
  if (body?.kind !== "decided") {
    return false;
  }
  const { choice, digest, view } = body.decision;
  await checkAssertion(a, {
    command: digest, choice, view,
    request: receiptOf(f).request,
    held: at(f.hashes, held),
    policy: at(f.statements, held).open.policy,
    approver: who.actor.id,
  });
  return checkEnrolledBefore(f, i, a);
}

/** Checks that the key was enrolled for the actor when the request was made, and not removed before the decision counted. */
function checkEnrolledBefore(f: Found, i: number, a: Assertion): boolean {
  const entries = entriesOf(f);
  const asked = at(entries, 0).index;
  const counted = at(entries, countedAt(f, i)).index;
  let then: Credential | null | undefined;
  for (let n = eventsOf(f).length; n < entries.length; n++) {
    const index = at(entries, n).index;
    if (at(f.statements, n).request !== "key:" + a.credential || index > counted) {
      continue;
    }
    const now = credentialOf(f, n);
    if (now?.removed === true) {
      throw new Error(`the passkey ${JSON.stringify(a.credential)} had been removed`);
    }
    then = index < asked ? now : then;
  }
  if (then === undefined) {
    throw new Error(`no passkey ${JSON.stringify(a.credential)} was enrolled before the request was made`);
  }
  if (then === null) {
    return false;
  }
  checkCredential(f, i, a, then);
  return true;
}

function checkCredential(f: Found, i: number, a: Assertion, c: Credential): void {
  const actor = at(f.opened, i).who.actor.id;
  if (c.id !== a.credential || !same(c.key, a.key)) {
    throw new Error("the key that signed is not the one that was enrolled");
  }
  if (c.rp_id !== a.rp_id || c.origin !== a.origin) {
    throw new Error(`it was signed for ${a.rp_id} on ${a.origin}, and enrolled for ${c.rp_id} on ${c.origin}`);
  }
  if (c.person !== actor) {
    throw new Error(`the passkey is of ${c.person}, and the decision of ${actor}`);
  }
  if (c.pending || c.removed || c.since >= at(f.statements, 0).at) {
    throw new Error("the passkey did not count yet when the request was made");
  }
}

/** The last event at which the decision counted: the release that names it, or itself. */
function countedAt(f: Found, i: number): number {
  const release = eventsOf(f).findIndex((st) => st.kind === "released" && st.open.approvals.includes(i + 1));
  return release < 0 ? i : release;
}

/** The credential that an event tells of, null if it is not disclosed. */
function credentialOf(f: Found, n: number): Credential | null {
  const body = at(f.opened, n).body;
  return body?.kind === "credential.enrolled" || body?.kind === "credential.changed" ? body.credential : null;
}
