// What is the reader's own: linked chat accounts, and how they decide.
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { away, insight, link, onCall } from "./fixtures/around.mjs";
import { emit } from "./fixtures/server.mjs";
import { house, quiet } from "./fixtures/world.mjs";

const it = house();
const sent = (w, call) => w.sent.filter((s) => s.call === call).map((s) => s.body);

test("somebody links Slack: a code to type, and the account appears by itself", async () => {
  const { w, page } = await it.visit("/", () => {}, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("link", { name: "Bob Okafor, your account" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await page.getByRole("button", { name: "Link Slack" }).click();
  await page.getByText("/countersign link XK7Q-2MNB-T4RA").waitFor();
  assert.deepEqual(sent(w, "POST /v1/links"), [{ chat: "slack" }]);
  await page.getByText(/^It works once, for (10:00|9:\d\d) more/).waitFor();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied what to type" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "/countersign link XK7Q-2MNB-T4RA");
  assert.equal(await page.getByRole("row", { name: /U0G9QF9C6/ }).count(), 0);
  w.links.links = [link()];
  emit(w, { entity: "link:slack/T024BE7LD/U0G9QF9C6", kind: "link.made" });
  await page.getByRole("row", { name: /bob\.okafor U0G9QF9C6/ }).waitFor();
  await page.locator(".notice.done", { hasText: "Your Slack account is linked." }).waitFor();
  assert.equal(await page.getByText("XK7Q").count(), 0, "the spent code is gone");
  quiet(page);
  await page.context().close();
});

test("new recovery codes are shown once, and kept before others are made", async () => {
  const { w, page } = await it.visit("/account");
  const make = page.getByRole("button", { name: "Make new recovery codes" });
  await make.click();
  await page.getByText("g7h8-j9k0-m1n2").waitFor();
  assert.equal(sent(w, "POST /v1/recovery/codes").length, 1);
  assert.ok(await make.isDisabled(), "not before these are kept");
  quiet(page);
  await page.context().close();
});

test("a code that nobody typed ends, and another is made", async () => {
  const { w, page } = await it.visit("/account", (w) => (w.codeLife = -1000));
  await page.getByRole("button", { name: "Link Slack" }).click();
  await page.getByText("This code has ended.").waitFor();
  assert.equal(await page.getByText("XK7Q").count(), 0, "nobody is shown what no longer works");
  w.codeLife = 60_000;
  await page.getByRole("button", { name: "Make another code" }).click();
  await page.getByText("/countersign link XK7Q-2MNB-T4RA").waitFor();
  await page.context().close();
});

test("a link is ended once that is confirmed", async () => {
  const { w, page } = await it.visit("/account", (w) => (w.links.links = [link(), link({ account: "U2", name: "other" })]));
  const end = page.getByRole("button", { name: "End the link of bob.okafor" });
  await end.click();
  await page.getByRole("button", { name: "Go back" }).click();
  assert.equal(w.sent.length, 0, "nothing is sent before it is confirmed");
  await end.click();
  await page.getByRole("button", { name: "End this link" }).click();
  await page.getByRole("row", { name: /U0G9QF9C6/ }).waitFor({ state: "hidden" });
  assert.deepEqual(w.sent.map((s) => s.call), ["DELETE /v1/links/slack/T024BE7LD/U0G9QF9C6"]);
  assert.equal(await page.getByRole("row", { name: /U2/ }).count(), 1);
  quiet(page);
  await page.context().close();
});

test("no chat is offered where none is connected", async () => {
  const { page } = await it.visit("/account", (w) => (w.links.chats = []));
  await page.getByText("No chat is connected to this server.").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Link/ }).count(), 0);
  await page.context().close();
});

test("somebody sees their own figures, and an auditor everybody's", async () => {
  const own = await it.visit("/insight");
  await own.page.getByText("only you and the auditors see this").waitFor();
  assert.equal(await own.page.getByRole("row", { name: /Priya/ }).count(), 0);
  const row = own.page.getByRole("table", { name: "Figures by reviewer" }).getByRole("row", { name: /^Bob Okafor/ });
  assert.match(await row.innerText(), /38\s+5\s+1\s+88 %\s+1 min\s+90 %: 15 min\s+27 s\s+90 %: 2 min, of 40 that say/);
  await own.page.getByText("As a table").click();
  assert.ok((await own.page.getByRole("table", { name: "Day by day" }).getByRole("row").count()) > 10, "the bars stand in a table too");
  await own.page.context().close();
  const { page } = await it.visit("/insight", (w) => (w.insight = insight(true)));
  await page.getByRole("link", { name: /Priya/ }).click();
  await page.waitForURL("**/insight?who=per_priya");
  await page.getByRole("heading", { name: /Priya.*, by rule/ }).waitFor();
  await page.getByRole("link", { name: "90 days" }).click();
  await page.waitForURL("**/insight?who=per_priya&days=90");
  quiet(page);
  await page.context().close();
});

test("the record says how fast somebody chose, and for how long they looked", async () => {
  const { page } = await it.visit("/history?view=timeline");
  await page.getByText(/by Bob Okafor, after 5 min, the command in view for 41 s/).first().waitFor();
  await page.context().close();
});

test("somebody is away until a time on their own clock, and comes back", async () => {
  const { w, page } = await it.visit("/account", () => {}, { timezoneId: "Asia/Tokyo" });
  await page.getByText("On this device’s clock, Asia/Tokyo.").first().waitFor();
  assert.ok(await page.getByRole("button", { name: "Be away" }).isDisabled(), "not without an end");
  await page.getByLabel("Until").fill("2031-01-02T09:00");
  await page.getByRole("button", { name: "Be away" }).click();
  await page.getByText("You are away, and decide nothing meanwhile.").waitFor();
  assert.deepEqual(sent(w, "PUT /v1/me/away"), [{ until: "2031-01-02T00:00:00.000Z" }]);
  await page.getByRole("button", { name: "I am back" }).click();
  await page.getByRole("button", { name: "Be away" }).waitFor();
  assert.equal(w.sent.at(-1).call, "DELETE /v1/me/away");
  quiet(page);
  await page.context().close();
});

test("a stand-in takes the approval of others", async () => {
  const { w, page } = await it.visit("/account");
  await page.getByLabel("Until").fill("2031-01-02T09:00");
  await page.getByLabel("Stand-in").selectOption({ label: "Mei Tanaka" });
  assert.equal(await page.getByLabel("Stand-in").getByRole("option", { name: "Bob Okafor" }).count(), 0, "nobody stands in for themselves");
  await page.getByLabel("Reason").fill("Holiday.");
  await page.getByRole("button", { name: "Ask for it" }).click();
  await page.getByText("It waits for people: somebody would decide in your place.").waitFor();
  const [asked] = sent(w, "PUT /v1/me/away");
  assert.deepEqual([asked.stand_in, asked.reason], ["per_mei", "Holiday."]);
  await page.context().close();
});

test("who is on call, and who is away, stands with the people", async () => {
  const { page } = await it.visit("/people", (w) => { w.onCall = onCall(); w.people[1].away = away({ stand_in: "Alice Moreau" }); });
  await page.getByRole("row", { name: /oncall:payments Bob Okafor payments/ }).waitFor();
  await page.getByRole("row", { name: /oncall:platform nobody platform/ }).waitFor();
  await page.getByText(/^until .*; Alice Moreau stands in$/).waitFor();
  await page.context().close();
});

test("what Slack is to be given can be copied whole", async () => {
  const { page } = await it.visit("/account", (w) => (w.links.chats = []), { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("link", { name: "Connect Slack" }).click();
  await page.getByText("Slack is not connected.").waitFor();
  const pasted = async (what) => {
    await page.getByRole("button", { name: `Copy ${what}` }).click();
    await page.getByRole("button", { name: `Copied ${what}` }).waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  assert.equal(await pasted("the manifest"), readFileSync(new URL("../../channel/slack/manifest.yaml", import.meta.url), "utf8"));
  assert.match(await pasted("the configuration"), /^channels:\n {2}slack:\n {4}bot_token: env:SLACK_BOT_TOKEN\n/);
  assert.equal(await pasted("the command"), "countersign doctor");
  quiet(page);
  await page.context().close();
});
