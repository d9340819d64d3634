// Holding everything: whoever sees it stops it at once, everybody knows, and it
// takes two to let go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hold } from "./fixtures/around.mjs";
import { emit } from "./fixtures/server.mjs";
import { house, quiet, tabTo } from "./fixtures/world.mjs";

const it = house();
const band = (page) => page.getByRole("region", { name: "What is held" });

test("somebody holds everything of an agent, by the keyboard alone, and every page says so", async () => {
  const { w, page, url } = await it.visit("/agents");
  await page.getByRole("button", { name: "Hold everything of support-bot" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Hold everything of support-bot" }).waitFor();
  assert.equal(w.sent.length, 0, "nothing is sent before it is confirmed");
  await tabTo(page, "Reason");
  await page.keyboard.type("It runs wild.");
  await tabTo(page, "Hold everything");
  await page.keyboard.press("Enter");
  await band(page).getByText("“It runs wild.”").waitFor();
  assert.deepEqual(w.sent.at(-1), { call: "POST /v1/holds", body: { agent: "agt_support", reason: "It runs wild." } });
  await page.locator("div[role=status].vh", { hasText: "Everything of support-bot is held, by Bob Okafor." }).waitFor({ state: "attached" });
  for (const at of ["/", "/history", "/r/req_9t4hw1pzr6ab", "/people", "/insight", "/account", "/policy", "/verify"]) {
    await page.goto(url + at);
    await band(page).getByText(/Everything of support-bot is held since .* UTC, by Bob Okafor/).waitFor();
  }
  quiet(page);
  await page.context().close();
});

test("everything of all agents is held with one button, with no reason if there is no time", async () => {
  const { w, page } = await it.visit("/agents");
  await page.getByRole("button", { name: "Hold everything of all agents" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Hold everything" }).click();
  await band(page).getByText("Everything of all agents is held").waitFor();
  assert.deepEqual(w.sent.at(-1).body, { all: true, reason: "" });
  assert.equal(await page.getByRole("button", { name: "Hold everything of all agents" }).count(), 0, "it is on already");
  await page.context().close();
});

test("what somebody else holds shows at once on an open page, and goes when it is lifted", async () => {
  const { w, page } = await it.visit("/");
  await page.getByText("Live", { exact: true }).waitFor();
  assert.equal(await band(page).count(), 0);
  w.holds = [hold()];
  emit(w, { entity: "halt:agt_support", kind: "halt.changed" });
  await band(page).getByText("by Mei Tanaka").waitFor();
  await band(page).getByRole("link", { name: "Lift" }).click();
  await page.waitForURL("**/agents#agt_support");
  w.holds = [];
  emit(w, { entity: "halt:agt_support", kind: "halt.changed" });
  await band(page).waitFor({ state: "detached" });
  quiet(page);
  await page.context().close();
});

test("lifting takes a reason and, once two have passkeys, other people", async () => {
  const { w, page } = await it.visit("/agents", (w) => (w.holds = [hold()]));
  await page.getByRole("button", { name: "Lift the hold of support-bot" }).click();
  const ask = page.getByRole("button", { name: "Ask to lift it" });
  assert.ok(await ask.isDisabled(), "not without a reason");
  await page.getByLabel("Reason").fill("It is repaired & tested.");
  await ask.click();
  await page.getByText("It waits for people, and stays held until then.").waitFor();
  assert.equal(w.queries.at(-1), "DELETE /v1/holds/agt_support?reason=It%20is%20repaired%20%26%20tested.");
  assert.equal(await page.getByRole("link", { name: "See the request" }).getAttribute("href"), "/r/req_lift00000001");
  await page.keyboard.press("Escape");
  await band(page).getByText("Everything of support-bot is held").waitFor();
  await page.context().close();
});

test("who is alone lifts it alone, and is told that it is solo", async () => {
  const { page } = await it.visit("/agents", (w) => { w.holds = [hold()]; w.me.paired = false; });
  await page.getByRole("button", { name: "Lift the hold of support-bot" }).click();
  await page.getByText("it is recorded as solo").waitFor();
  await page.getByLabel("Reason").fill("It is repaired.");
  await page.getByRole("button", { name: "Lift it" }).click();
  await band(page).waitFor({ state: "detached" });
  await page.context().close();
});

test("a hold is not lifted from a sign-in that is old", async () => {
  const { page } = await it.visit("/agents", (w) => {
    w.holds = [hold()];
    w.refuse.set("DELETE /v1/holds/agt_support", { status: 403, body: { code: "assurance_too_low", detail: "this needs a sign-in with a passkey at most 15 min ago", hint: "sign in again and do it then; nothing was changed" } });
  });
  await page.getByRole("button", { name: "Lift the hold of support-bot" }).click();
  await page.getByLabel("Reason").fill("It is repaired.");
  await page.getByRole("button", { name: "Ask to lift it" }).click();
  await page.getByRole("button", { name: "Sign in again with your passkey" }).waitFor();
  await band(page).waitFor();
  quiet(page, 403);
  await page.context().close();
});
