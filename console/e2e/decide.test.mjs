// Deciding: made only when the server has answered, by keyboard alone, with a
// passkey, refused, overtaken, and without a connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { states } from "./fixtures/briefs.mjs";
import { cut, emit } from "./fixtures/server.mjs";
import { row } from "./fixtures/rows.mjs";
import { gate, house, quiet, tabTo } from "./fixtures/world.mjs";

const it = house();
const id = "req_5m2c7xk9tq4d";
const set = (w, brief) => w.briefs.set(id, { ...brief, id });
const sent = (w, call) => w.sent.filter((s) => s.call === call).map((s) => s.body);
const decisions = `POST /v1/requests/${id}/decisions`;
const settle = (w, make) => {
  set(w, make());
  emit(w, { request: id, kind: "decided", decision: "approved", execution: "none" });
};

test("somebody reads and approves by the keyboard alone, and it is made when the ledger has it", async () => {
  const answer = gate();
  const { w, page } = await it.visit("/", (w) => {
    w.decided = () => settle(w, states.approved);
    w.hold.set(decisions, answer.held);
  });
  for (let i = 0; i < 4; i++) await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/r/${id}`);
  await page.waitForSelector(".decide");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "the heading has the focus after a move");
  await tabTo(page, "Approve, run once");
  await page.keyboard.press("Enter");
  await page.getByText("Writing your approval to the ledger").waitFor();
  assert.equal(await page.locator(".notice", { hasText: "You approved it." }).count(), 0, "nothing is said to be made before the server says so");
  answer.open();
  await page.getByText("Approved. It has not run yet.").waitFor();
  await page.locator("div[role=status].vh", { hasText: "approved" }).waitFor({ state: "attached" });
  const [one] = sent(w, decisions);
  assert.equal(one.choice, "approve");
  assert.equal(one.view_digest, states.refund().view_digest, "the view that was shown");
  assert.equal(one.assertion, undefined, "no passkey was asked for");
  quiet(page);
  await page.context().close();
});

test("a key counts from the moment the rows are drawn", async () => {
  const { page } = await it.visit("/verify");
  await page.evaluate(() => new MutationObserver((_, self) => {
    if (!document.querySelector(".rows a.t")) return;
    self.disconnect();
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
    globalThis.moved = document.activeElement.pathname;
  }).observe(document.body, { childList: true, subtree: true }));
  await page.getByRole("link", { name: "Inbox" }).click();
  await page.waitForSelector(".rows a.t");
  assert.match(await page.evaluate(() => globalThis.moved ?? "nowhere"), /^\/r\/req_/);
  await page.context().close();
});

test("something critical takes four steps and a passkey's signature", async () => {
  const critical = "req_9t4hw1pzr6ab";
  const { w, page } = await it.visit("/join#token", (w) => (w.why = "setup"), { device: true });
  await page.getByLabel("What to call this passkey").fill("MacBook");
  await page.getByRole("button", { name: "Create the passkey" }).click();
  await page.getByText("The passkey MacBook is on record.").waitFor();
  assert.equal(new URL(page.url()).hash, "", "the spent link is gone from the address");
  await page.goto(`${page.url0}/r/${critical}`);
  const approve = page.getByRole("button", { name: "Approve with passkey" });
  await approve.waitFor();
  assert.equal(await approve.getAttribute("aria-disabled"), "true");
  await approve.click({ force: true });
  assert.equal(sent(w, `POST /v1/requests/${critical}/challenge`).length, 0, "an early click asks for nothing");
  await page.locator("[data-end]").scrollIntoViewIfNeeded();
  await page.locator("#approve").scrollIntoViewIfNeeded();
  await page.getByLabel("They are the same").check();
  await page.getByLabel("Type the name of the resource").fill("db/crn");
  assert.equal(await approve.getAttribute("aria-disabled"), "true", "another name opens nothing");
  await page.getByLabel("Type the name of the resource").fill("db/crm");
  await page.waitForFunction(() => !document.querySelector("#approve .btn[aria-disabled]"));
  await approve.click();
  await page.locator(".notice", { hasText: "You approved it. It is on record." }).waitFor();
  const [made] = sent(w, `POST /v1/requests/${critical}/decisions`);
  assert.equal(made.assertion.credential.type, "public-key");
  assert.ok(made.assertion.ceremony.startsWith("cer_"));
  assert.ok(made.assertion.credential.response.signature.length > 20, "a signature");
  quiet(page);
  await page.context().close();
});

test("a passkey that is not used decides nothing", async () => {
  const { w, page } = await it.visit(`/r/${id}`, (w) => set(w, states.passkey()), { device: true });
  await page.getByRole("button", { name: "Approve with passkey" }).click();
  await page.getByText("so nothing was recorded").waitFor({ timeout: 90_000 });
  assert.equal(sent(w, decisions).length, 0);
  await page.getByRole("button", { name: "Approve with passkey" }).waitFor();
  await page.context().close();
});

test("rejecting and escalating ask why, in a dialog that gives the focus back", async () => {
  const { w, page } = await it.visit(`/r/${id}`);
  const reject = page.getByRole("button", { name: "Reject", exact: true });
  await reject.click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.innerText), "Reject");
  await page.getByRole("button", { name: "Escalate" }).click();
  await page.getByLabel("Group that must approve as well").selectOption("dba");
  await page.getByLabel("Reason").fill("A DBA should look.");
  await page.getByRole("dialog").getByRole("button", { name: "Escalate" }).click();
  await page.locator(".notice", { hasText: "You escalated it. It is on record." }).waitFor();
  await reject.click();
  assert.ok(await page.getByRole("dialog").getByRole("button", { name: "Reject" }).isDisabled(), "no reason, no rejection");
  await page.getByLabel("Reason").fill("Wrong order.");
  await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
  await page.locator(".notice", { hasText: "You rejected it. It is on record." }).waitFor();
  const [up, no] = sent(w, decisions);
  assert.deepEqual([up.choice, up.to, up.reason], ["escalate", "dba", "A DBA should look."]);
  assert.deepEqual([no.choice, no.reason], ["reject", "Wrong order."]);
  quiet(page);
  await page.context().close();
});

for (const [name, status, code, detail, make, wanted] of [
  ["somebody was faster", 409, "already_settled", "Mei Tanaka rejected it 2 s before", states.rejected, "Mei Tanaka rejected it. It did not run."],
  ["the view is another", 409, "view_changed", "the preview was counted anew", () => ({ ...states.refund(), view_digest: "sha256:other", claim: [{ text: "Another claim." }] }), "What changed: the claim."],
  ["it is one's own agent", 403, "self_approval", "you own support-bot, so you cannot decide for it", states.refund, "You own support-bot, so you cannot decide for it."],
  ["it has expired", 409, "expired", "nobody decided in time", states.expired, "Nobody decided in time. It did not run."],
]) {
  test(`a choice that comes to nothing says so: ${name}`, async () => {
    const { page } = await it.visit(`/r/${id}`, (w) => {
      w.refuse.set(decisions, { status, body: { code, detail, hint: "read it again" }, after: () => set(w, make()) });
    });
    await page.getByRole("button", { name: "Approve, run once" }).click();
    await page.getByText("Your approval was not recorded.").waitFor();
    await page.getByText(wanted).first().waitFor();
    assert.equal(await page.locator(".notice .mono").filter({ hasText: code }).count(), 1, "the code stands there");
    quiet(page, status);
    await page.context().close();
  });
}

test("what somebody else decides changes the page, and is announced", async () => {
  const { w, page } = await it.visit(`/r/${id}`);
  await page.getByRole("button", { name: "Approve, run once" }).focus();
  settle(w, states.rejected);
  await page.getByText("Mei Tanaka rejected it. It did not run.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve, run once" }).count(), 0);
  await page.locator("div[role=status].vh", { hasText: "This request is now rejected." }).waitFor({ state: "attached" });
  await page.context().close();
});

test("a view that changes while it is read says what changed", async () => {
  const { w, page } = await it.visit(`/r/${id}`);
  set(w, { ...states.refund(), view_digest: "sha256:new", touches: { objects: [], unknown: [{ text: "Everything." }] } });
  emit(w, { request: id, kind: "held", decision: "pending", execution: "none" });
  await page.getByText("It changed while you read.").waitFor();
  await page.getByText("What changed: what it would touch.").waitFor();
  await page.context().close();
});

test("new requests appear by themselves; without a connection nothing can be decided", async () => {
  const { w, page, url } = await it.visit("/");
  await page.getByText("Live", { exact: true }).waitFor();
  w.inbox.mine = [row("req_new000000001", "high", "**new-bot** would write something.", "write"), ...w.inbox.mine];
  emit(w, { request: "req_new000000001", kind: "held", decision: "pending", execution: "none" });
  await page.getByText("new-bot would write something.").first().waitFor();
  await page.waitForFunction(() => document.title.startsWith("Inbox (6)"));
  await page.goto(`${url}/r/${id}`);
  await page.getByRole("button", { name: "Approve, run once" }).waitFor();
  await page.waitForFunction(() => !document.querySelector(".decide .btn.solid[disabled]"));
  cut(w, true);
  await page.getByText(/^Not live since/).waitFor();
  assert.ok(await page.getByRole("button", { name: "Approve, run once" }).isDisabled());
  w.down = false;
  await page.getByRole("button", { name: "Try now" }).click({ timeout: 2000 }).catch(() => {}); // it may be there by itself already
  await page.getByText(/^Not live since/).waitFor({ state: "hidden" });
  assert.ok(!(await page.getByRole("button", { name: "Approve, run once" }).isDisabled()));
  await page.context().close();
});

test("a secret is revealed with a reason, and what is approved is what was then shown", async () => {
  const { w, page } = await it.visit(`/r/${id}`, (w) => set(w, states.redacted()));
  assert.equal(await page.getByRole("button", { name: "Approve, run once" }).count(), 0, "nobody approves what is not shown");
  await page.getByRole("button", { name: "Reveal what was left out" }).click();
  await page.getByLabel("Reason").fill("To compare it with the vault.");
  await page.getByRole("button", { name: "Reveal, on record" }).click();
  await page.getByText("correct-horse1").waitFor();
  await page.getByRole("button", { name: "Approve, run once" }).click();
  await page.locator(".notice", { hasText: "You approved it. It is on record." }).waitFor();
  assert.equal(sent(w, decisions)[0].view_digest, "sha256:" + "d".repeat(64));
  await page.context().close();
});

test("what was revealed is dropped when the view changes, and is revealed and approved anew", async () => {
  const { w, page } = await it.visit(`/r/${id}`, (w) => set(w, states.redacted()));
  const reveal = async () => {
    await page.getByRole("button", { name: "Reveal what was left out" }).click();
    await page.getByLabel("Reason").fill("To compare it with the vault.");
    await page.getByRole("button", { name: "Reveal, on record" }).click();
    await page.getByText("correct-horse1").waitFor();
  };
  await reveal();
  set(w, { ...states.redacted(), view_digest: "sha256:new", touches: { objects: [], unknown: [{ text: "Everything." }] } });
  emit(w, { request: id, kind: "held", decision: "pending", execution: "none" });
  await page.locator(".notice.warn", { hasText: "It changed while you read." }).waitFor();
  assert.equal(await page.getByText("correct-horse1").count(), 0, "the old view is gone");
  assert.equal(await page.getByRole("button", { name: "Approve, run once" }).count(), 0, "nobody approves what is not shown");
  await reveal();
  await page.getByRole("button", { name: "Approve, run once" }).waitFor();
  await page.context().close();
});

test("an approval that has not run is taken back", async () => {
  const { w, page } = await it.visit(`/r/${id}`, (w) => {
    set(w, states.approved());
    w.decided = () => settle(w, states.rejected);
  });
  await page.getByRole("button", { name: "Take the approval back" }).click();
  await page.getByLabel("Reason").fill("On second thoughts.");
  await page.getByRole("button", { name: "Reject after all" }).click();
  await page.getByText("It did not run.").first().waitFor();
  assert.equal(sent(w, decisions)[0].choice, "reject");
  await page.context().close();
});

test("a decision says for how long the command was really in view", async () => {
  const { w, page } = await it.visit(`/r/${id}`);
  await page.clock.install();
  await page.reload();
  const approve = page.getByRole("button", { name: "Approve, run once" });
  await approve.waitFor();
  await page.evaluate(() => new Promise((seen) => new IntersectionObserver((e, o) => { o.disconnect(); seen(e); }).observe(document.querySelector(".code"))));
  await page.clock.fastForward(20_000);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.clock.fastForward(3600_000);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => false });
    document.dispatchEvent(new Event("visibilitychange"));
    document.querySelector("#record").scrollIntoView();
    return new Promise((seen) => new IntersectionObserver((e, o) => { if (!e[0].isIntersecting) { o.disconnect(); seen(); } }).observe(document.querySelector(".code")));
  });
  await page.clock.fastForward(3600_000);
  await approve.click();
  await page.locator(".notice", { hasText: "You approved it." }).waitFor();
  const [{ dwell_ms: dwell }] = sent(w, decisions);
  assert.ok(dwell >= 20_000 && dwell < 3600_000, `it was in view for 20 s and a little; the page says ${dwell} ms`);
  await page.context().close();
});

for (const [name, make, button] of [["", states.shut, "Approve, run once"], [" what is critical", states["critical-shut"], "Approve with passkey"]]) {
  test(`nobody approves${name} before the hours begin, and then at once`, async () => {
    const { w, page } = await it.visit(`/r/${id}`, (w) => set(w, make()), { timezoneId: "Asia/Tokyo" });
    await page.clock.install();
    await page.reload();
    const approve = page.getByRole("button", { name: button });
    await approve.waitFor();
    const said = page.locator(".shut").first();
    assert.match(await said.innerText(), /Approving begins \w{3} \d\d:\d\d on this device’s clock \(Asia\/Tokyo\): \w{3} \d+ \w{3} \d\d:\d\d UTC, in 1[34] h \d\d min\.\s+The schedule office is closed until .* Mon 09:00 in Europe\/Berlin\./);
    if (name !== "") { // the four steps are taken, and still
      await page.locator("[data-end]").scrollIntoViewIfNeeded();
      await page.locator("#approve").scrollIntoViewIfNeeded();
      await page.getByLabel("They are the same").check();
      await page.getByLabel("Type the name of the resource").fill("db/crm");
      await page.waitForFunction(() => document.querySelectorAll(".ladder .done").length === 3);
    }
    assert.ok((await approve.isDisabled()) || (await approve.getAttribute("aria-disabled")) === "true");
    assert.ok(!(await page.getByRole("button", { name: "Reject", exact: true }).isDisabled()), "rejecting needs no hours");
    await page.clock.fastForward(14 * 3600_000);
    await said.waitFor({ state: "detached" });
    await page.locator("div[role=status].vh", { hasText: "It can be approved now." }).waitFor({ state: "attached" });
    if (name !== "") await page.waitForFunction(() => !document.querySelector("#approve .btn[aria-disabled]"));
    else {
      await approve.click();
      await page.locator(".notice", { hasText: "You approved it." }).waitFor();
      assert.equal(sent(w, decisions).length, 1);
    }
    await page.context().close();
  });
}
