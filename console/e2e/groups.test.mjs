// Several requests of one agent that one rule holds: one row, opened into its
// items, decided one by one or, where the server lets that be, together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { states, unit } from "./fixtures/briefs.mjs";
import { cut, emit } from "./fixtures/server.mjs";
import { group } from "./fixtures/rows.mjs";
import { house, quiet } from "./fixtures/world.mjs";

const it = house();
const sent = (w, call) => w.sent.filter((s) => s.call === call).map((s) => s.body);
const ids = [0, 1, 2].map((i) => `req_unit0000000${i}`);
const decided = (w) => (id) => {
  w.inbox.mine = w.inbox.mine.filter((r) => r.id !== id);
  w.inbox.groups = w.inbox.groups.map((g) => ({ ...g, items: g.items.filter((i) => i !== id) })).filter((g) => g.items.length > 1);
  emit(w, { request: id, kind: "decided", decision: "approved", execution: "none" });
};
const three = (more = {}, severity = "low") => (w) => {
  const { rows, group: g } = group(3, severity);
  w.inbox.mine = [...w.inbox.mine.slice(0, 2), ...rows];
  w.inbox.groups = [g];
  w.decided = decided(w);
  for (const r of rows) w.briefs.set(r.id, unit(r, more));
};
const said = (page, hasText) => page.locator(".notice", { hasText }).waitFor();
const opened = async (page) => {
  await page.getByRole("link", { name: /3 requests of deploy-bot/ }).click();
  await page.waitForURL((u) => u.searchParams.get("group") === "agt_deploy~restart-one-unit");
  await page.waitForFunction(() => document.querySelectorAll(".item .known").length === 3);
};

test("a group is one row, opened by the keyboard, and shut again", async () => {
  const { page } = await it.visit("/", three());
  assert.equal(await page.locator(".rows .row").count(), 3 + 2, "two rows, a group, one that waits, one of others");
  assert.equal(await page.locator(".sect .n").first().innerText(), "5", "what is in it is counted");
  for (let i = 0; i < 3; i++) await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".item .code").length === 3);
  assert.equal(await page.getByRole("link", { name: /3 requests of deploy-bot/ }).getAttribute("aria-expanded"), "true");
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll(".item").length === 0);
  await page.getByLabel("Filter the Inbox").fill("worker-1");
  await page.waitForFunction(() => document.querySelectorAll(".rows .row").length === 1);
  assert.equal(await page.locator(".group").count(), 0, "what the filter leaves of a group alone is a row");
  quiet(page);
  await page.context().close();
});

test("the ticked ones are approved in one call, each with what was shown of it", async () => {
  const { w, page } = await it.visit("/", three());
  await opened(page);
  const approve = page.getByRole("button", { name: /^Approve the/ });
  assert.ok(await approve.isDisabled(), "nothing is ticked to begin with");
  await page.getByRole("listitem", { name: /worker-0/ }).getByLabel("Tick").check();
  await page.getByRole("listitem", { name: /worker-2/ }).getByLabel("Tick").check();
  await page.getByRole("button", { name: "Approve the 2 ticked" }).click();
  await page.locator(".notice.done", { hasText: "You approved 2 requests. It is on record." }).waitFor();
  const [call] = sent(w, "POST /v1/decisions");
  assert.equal(call.choice, "approve");
  assert.deepEqual(call.items.map((i) => [i.request, i.digest, i.view_digest]), [ids[0], ids[2]].map((id) => [id, w.briefs.get(id).command.digest, w.briefs.get(id).view_digest]));
  assert.ok(call.items.every((i) => i.dwell_ms >= 0), "for how long each was in view");
  await page.waitForFunction(() => document.querySelectorAll(".group").length === 0);
  quiet(page);
  await page.context().close();
});

test("what was not counted is named, and why", async () => {
  const { w, page } = await it.visit("/", three());
  w.fails = new Map([[ids[1], { request: ids[1], problem: { code: "already_settled", detail: "Mei Tanaka rejected it 2 s before", hint: "" } }]]);
  await opened(page);
  await page.getByLabel("All 3 that are shown here").check();
  await page.getByRole("button", { name: "Approve the 3 ticked" }).click();
  const notice = page.locator(".notice.warn", { hasText: "You approved 2 requests." });
  await notice.waitFor();
  assert.match(await notice.innerText(), /req_unit00000001: Mei Tanaka rejected it 2 s before\. already_settled/);
  await page.context().close();
});

test("many are rejected with one reason, and one by itself", async () => {
  const { w, page } = await it.visit("/", three());
  await opened(page);
  await page.getByRole("listitem", { name: /worker-1/ }).getByRole("button", { name: "Reject only this" }).click();
  await page.getByLabel("Reason").fill("Not this one.");
  await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
  await said(page, "You rejected 1 request. It is on record.");
  const [one] = sent(w, `POST /v1/requests/${ids[1]}/decisions`);
  assert.deepEqual([one.choice, one.reason], ["reject", "Not this one."]);
  await page.getByLabel("All 2 that are shown here").check();
  await page.getByRole("button", { name: "Reject the 2 ticked" }).click();
  assert.ok(await page.getByRole("dialog").getByRole("button", { name: "Reject" }).isDisabled(), "no reason, no rejection");
  await page.getByLabel("Reason").fill("The freeze has begun.");
  await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
  await said(page, "You rejected 2 requests. It is on record.");
  const [call] = sent(w, "POST /v1/decisions");
  assert.deepEqual([call.choice, call.reason, call.items.map((i) => i.request)], ["reject", "The freeze has begun.", [ids[0], ids[2]]]);
  quiet(page);
  await page.context().close();
});

const signs = { you: states.passkey().you };

test("who has a passkey signs each by itself, one after the other", async () => {
  const { w, page, url } = await it.visit("/join#t", (w) => { w.why = "setup"; three(signs)(w); }, { device: true });
  await page.getByRole("button", { name: "Create the passkey" }).click();
  await page.getByText("is on record").waitFor();
  await page.goto(`${url}/?group=agt_deploy~restart-one-unit`);
  await page.waitForFunction(() => document.querySelectorAll(".item .known").length === 3);
  await page.getByText("Your passkey signs each by itself").waitFor({ state: "detached" });
  await page.getByLabel("All 3 that are shown here").check();
  await page.getByText("Your passkey signs each by itself: 3 signatures").waitFor();
  await page.getByRole("button", { name: "Approve the 3 ticked" }).click();
  await page.locator(".notice.done", { hasText: "You approved 3 requests." }).waitFor();
  assert.equal(sent(w, "POST /v1/decisions").length, 0, "no call approves several for them");
  const made = ids.map((id) => sent(w, `POST /v1/requests/${id}/decisions`));
  assert.ok(made.every((m) => m.length === 1 && m[0].assertion.credential.type === "public-key"), "a signature each");
  assert.equal(new Set(made.map((m) => m[0].assertion.ceremony)).size, 3, "a ceremony each");
  assert.deepEqual(made.map((m) => m[0].view_digest), ids.map((id) => w.briefs.get(id).view_digest));
  assert.deepEqual(sent(w, `POST /v1/requests/${ids[0]}/challenge`), [{ choice: "approve", digest: w.briefs.get(ids[0]).command.digest, view_digest: w.briefs.get(ids[0]).view_digest, reason: "" }]);
  quiet(page);
  await page.context().close();
});

test("whoever stops in the middle has decided what was signed, and no more", async () => {
  const { w, page, url } = await it.visit("/join#t", (w) => { w.why = "setup"; three(signs)(w); }, { device: true });
  await page.getByRole("button", { name: "Create the passkey" }).click();
  await page.getByText("is on record").waitFor();
  w.hold.set(`POST /v1/requests/${ids[0]}/decisions`, new Promise((open) => (w.open = open)));
  await page.goto(`${url}/?group=agt_deploy~restart-one-unit`);
  await page.getByLabel("All 3 that are shown here").check();
  await page.getByRole("button", { name: "Approve the 3 ticked" }).click();
  await said(page, "Your passkey is asked for: 1 of 3.");
  await page.device.cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: page.device.authenticatorId, enabled: false });
  w.open();
  await said(page, "Your passkey is asked for: 2 of 3.");
  assert.ok(await page.locator(".came .notice").evaluate((e) => e.getBoundingClientRect().top >= 0 && e.getBoundingClientRect().bottom <= innerHeight), "what is asked for is in sight, at the end of the page too");
  await page.getByRole("button", { name: "Do not sign this, and stop" }).click();
  await page.locator(".notice.warn", { hasText: "You approved 1 request." }).waitFor();
  await page.getByText("The passkey was not used for 2 requests, so of them nothing was recorded.").waitFor();
  assert.deepEqual(ids.map((id) => sent(w, `POST /v1/requests/${id}/decisions`).length), [1, 0, 0]);
  await page.device.cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: page.device.authenticatorId, enabled: true });
  await page.getByRole("button", { name: "Go on with the 2 left" }).click();
  await page.locator(".notice.done", { hasText: "You approved 2 requests." }).waitFor();
  assert.deepEqual(ids.map((id) => sent(w, `POST /v1/requests/${id}/decisions`).length), [1, 1, 1]);
  await page.context().close();
});

test("what the server does not let be decided together is not offered", async () => {
  const { page } = await it.visit("/", three({}, "medium"));
  await opened(page);
  await page.getByText("Something here is above low, so nothing in this group is decided together.").waitFor();
  assert.equal(await page.getByRole("button", { name: /Approve/ }).count(), 0);
  assert.equal(await page.getByRole("checkbox").count(), 0);
  await page.getByRole("listitem", { name: /worker-1/ }).getByRole("link", { name: /^Open/ }).click();
  await page.waitForURL(`**/r/${ids[1]}`);
  await page.context().close();
});

test("nothing in a group is approved while nobody may, or without a connection", async () => {
  const { w, page } = await it.visit("/", three({ deciders: states.shut().deciders }));
  await opened(page);
  await page.getByLabel("All 3 that are shown here").check();
  assert.ok(await page.getByRole("button", { name: "Approve the 3 ticked" }).isDisabled());
  assert.ok(!(await page.getByRole("button", { name: "Reject the 3 ticked" }).isDisabled()), "rejecting needs no hours");
  cut(w, true);
  await page.getByText(/^Not live since/).waitFor();
  assert.ok(await page.getByRole("button", { name: "Reject the 3 ticked" }).isDisabled());
  await page.context().close();
});
