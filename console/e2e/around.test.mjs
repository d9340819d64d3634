// The pages around the requests: what the address holds, what is exported,
// proofs with the network off, and how somebody comes in.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { house, quiet } from "./fixtures/world.mjs";

const it = house();
const receipts = new URL("../../ledger/testdata/receipts/", import.meta.url);
const file = (name) => fileURLToPath(new URL(`${name}.json`, receipts));
// otherKey is a verifier key (c2sp.org/signed-note) that signed nothing.
function otherKey(origin) {
  const { publicKey } = generateKeyPairSync("ed25519");
  const key = Buffer.concat([Buffer.of(1), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
  const id = createHash("sha256").update(`${origin}\n`).update(key).digest("hex").slice(0, 8);
  return `${origin}+${id}+${key.toString("base64")}`;
}
const sent = (w, call) => w.sent.filter((s) => s.call === call).map((s) => s.body);

test("what is shown is in the address, and the address shows it again", async () => {
  const { page } = await it.visit("/");
  await page.getByLabel("Filter the Inbox").fill("risk:medium refund");
  await page.waitForFunction(() => document.querySelectorAll(".rows .row").length === 1);
  assert.equal(new URL(page.url()).searchParams.get("q"), "risk:medium refund");
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll(".rows .row").length === 1);
  await page.getByRole("link", { name: "History" }).click();
  await page.getByLabel("Decision", { exact: true }).selectOption("rejected");
  await page.waitForURL("**/history?decision=rejected");
  await page.getByRole("link", { name: "Timeline" }).click();
  await page.waitForURL("**/history?decision=rejected&view=timeline");
  await page.goBack();
  await page.waitForSelector("table.hist");
  quiet(page);
  await page.context().close();
});

test("what is exported is what is shown, and no spreadsheet runs it", async () => {
  const { page } = await it.visit("/history", (w) => {
    w.history = w.history.slice(0, 2);
    w.history[1].sentence = [{ text: '=HYPERLINK("https://x.example")' }];
  });
  const saved = async (button) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
    return readFileSync(await download.path(), "utf8");
  };
  const rows = JSON.parse(await saved("Export these 2"));
  assert.deepEqual(rows.map((r) => r.id), ["req_b7n0e3vyk2sm", "req_h2"]);
  const table = await saved("CSV");
  assert.equal(table.trimEnd().split("\r\n").length, 3);
  assert.match(table, /"'=HYPERLINK\(""https:\/\/x\.example""\)"/);
  quiet(page);
  await page.context().close();
});

test("receipts are verified with the network off, and green is only what holds", async () => {
  const { w, page } = await it.visit("/verify");
  await page.waitForFunction(() => localStorage.getItem("countersign.pin"));
  await page.context().setOffline(true);
  const calls = w.sent.length;
  await page.locator("input[type=file]").setInputFiles(file("passkeys-of-two"));
  await page.locator(".result.ok", { hasText: "Holds" }).waitFor();
  assert.equal(await page.locator("details.step").count(), 12);
  for (const step of await page.locator("details.step > summary").all()) await step.click();
  assert.equal(await page.locator("details.step[open]").count(), 12, "every step opens");
  assert.ok((await page.locator("table.fold tbody tr").count()) > 10, "the hashes are there");
  await page.locator("input[type=file]").setInputFiles(file("statement-changed"));
  await page.locator(".result.bad", { hasText: "Does not hold" }).waitFor();
  assert.equal(await page.locator(".ok-all").count(), 0);
  assert.equal(await page.locator("details.step.bad[open]").count(), 1, "the step that failed is open");
  assert.equal(await page.locator("details.step.skipd").count(), 6, "what was not checked is not ticked");
  assert.equal(w.sent.length, calls, "nothing was sent");
  await page.context().close();
});

test("a receipt of another request than was asked for is not green", async () => {
  const { w, page } = await it.visit("/verify?id=req_1", (w) => w.receipts.set("req_1", readFileSync(file("passkeys-of-two"), "utf8")));
  await page.locator(".result.bad", { hasText: "This receipt is that of req_b7n0e3vyk2sm, and req_1 was asked for." }).waitFor();
  assert.equal(await page.locator(".ok-all").count(), 0);
  w.receipts.set("req_b7n0e3vyk2sm", w.receipts.get("req_1"));
  await page.getByRole("link", { name: "Fetch from the ledger" }).click();
  await page.locator(".result.ok", { hasText: "req_b7n0e3vyk2sm" }).waitFor();
  quiet(page);
  await page.context().close();
});

test("a receipt of another log does not hold under the pinned key, and a key can be pinned", async () => {
  const { page } = await it.visit("/verify", (w) => (w.me.log.vkey = otherKey("countersign.acme.example/log")));
  await page.locator("input[type=file]").setInputFiles(file("approved"));
  await page.locator(".result.bad", { hasText: "Step 3 of 12 failed" }).waitFor();
  await page.getByRole("button", { name: "Use another key" }).click();
  await page.getByLabel("Verifier keys").fill("no key");
  await page.getByRole("button", { name: "Pin this key" }).click();
  await page.getByText("That cannot be pinned.").waitFor();
  await page.getByLabel("Verifier keys").fill(readFileSync(new URL("../log.vkey", receipts), "utf8").trim());
  await page.getByRole("button", { name: "Pin this key" }).click();
  await page.locator(".result.ok").waitFor();
  await page.getByText("This server names another log key than the one you pinned.").waitFor();
  await page.context().close();
});

test("somebody claims the server, keeps the codes, and comes in", async () => {
  const { w, page } = await it.visit("/setup#tok", (w) => { w.later = w.me; w.me = null; w.why = "setup"; }, { device: true, permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByLabel("Your name").fill("Bob Okafor");
  await page.getByRole("button", { name: "Create the passkey" }).click();
  await page.getByRole("heading", { name: "Recovery codes" }).waitFor();
  assert.equal(await page.locator(".codes li").count(), 8);
  assert.deepEqual(sent(w, "POST /v1/passkeys/challenge").at(-1), { token: "tok", name: "Bob Okafor" });
  const on = page.getByRole("button", { name: "Go on" });
  assert.ok(await on.isDisabled(), "not before the codes are kept");
  await page.getByRole("button", { name: "Copy them" }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^k7qm-2xhd-91pv\n/);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download them" }).click()]);
  assert.match(readFileSync(await download.path(), "utf8"), /g8h9-j2k3-m4n5/);
  await page.getByLabel("I keep them").check();
  w.me = w.later;
  await on.click();
  await page.getByRole("heading", { name: "Set up Countersign" }).waitFor();
  quiet(page, 401);
  await page.context().close();
});

test("an invitation link is shown once; a passkey is confirmed, another removed with a reason", async () => {
  const { w, page } = await it.visit("/people");
  await page.getByLabel("Name").fill("Tomás Leal");
  await page.getByLabel("dba").check();
  await page.getByRole("button", { name: "Make an invitation link" }).click();
  assert.match(await page.getByLabel("Invitation link").inputValue(), /\/join#tok_/);
  assert.deepEqual(sent(w, "POST /v1/invites"), [{ name: "Tomás Leal", groups: ["dba"] }]);
  await page.getByRole("button", { name: "Confirm iPhone" }).click();
  await page.getByRole("button", { name: "Remove YubiKey 5" }).click();
  await page.getByLabel("Reason").fill("Lost on a train.");
  await page.getByRole("button", { name: "Remove it" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.deepEqual(sent(w, "DELETE /v1/passkeys/k2"), [{ reason: "Lost on a train." }]);
  assert.equal(sent(w, "POST /v1/passkeys/k3/confirm").length, 1);
  quiet(page);
  await page.context().close();
});

test("a change of the policy is a request that somebody else decides", async () => {
  const { w, page } = await it.visit("/policy?view=change");
  const propose = page.getByRole("button", { name: "Propose this change" });
  assert.ok(await propose.isDisabled());
  await page.getByLabel("production.yaml").fill("rules: []\n");
  await page.getByLabel("Reason").fill("No rule is needed.");
  await propose.click();
  await page.getByText("Your change waits for another person.").waitFor();
  const [change] = sent(w, "POST /v1/changes");
  assert.equal(change.files["production.yaml"], "rules: []\n");
  await page.context().close();
});

test("who is not signed in is sent to sign in, and back; a passkey signs in there", async () => {
  const { w, page } = await it.visit("/join#t", (w) => (w.why = "setup"), { device: true });
  await page.getByRole("button", { name: "Create the passkey" }).click();
  await page.getByText("is on record").waitFor();
  const me = w.me;
  w.me = null;
  await page.goto(`${page.url0}/r/req_5m2c7xk9tq4d?view=json`);
  await page.waitForURL("**/signin?next=%2Fr%2Freq_5m2c7xk9tq4d%3Fview%3Djson");
  w.me = me;
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  assert.equal(sent(w, "POST /v1/session")[0].credential.type, "public-key");
  await page.context().close();
});

test("a recovery says when it opens, and opens then", async () => {
  const { w, page } = await it.visit("/recover", (w) => (w.me = null));
  await page.getByLabel("Recovery code").fill("wrong");
  await page.getByRole("button", { name: "Use this code" }).click();
  await page.getByText("That is no recovery code of anybody.").waitFor();
  await page.getByLabel("Recovery code").fill("k7qm-2xhd-91pv");
  await page.getByRole("button", { name: "Use this code" }).click();
  await page.getByText(/^The way opens in 23 h 59 min/).waitFor();
  w.opens = new Date(Date.now() - 1000).toISOString();
  await page.reload();
  await page.getByLabel("Recovery code").fill("k7qm-2xhd-91pv");
  await page.getByRole("button", { name: "Use this code" }).click();
  await page.getByRole("button", { name: "Create the passkey" }).waitFor();
  await page.context().close();
});

test("hidden characters and markup of agents stay text", async () => {
  const { page } = await it.visit("/people");
  assert.equal(await page.locator(".hid", { hasText: "U+202E" }).count(), 1);
  await page.goto(`${page.url0}/history`);
  await page.locator(".hid", { hasText: "U+202E" }).first().waitFor();
  assert.equal(await page.locator("main img, main script").count(), 0);
  quiet(page);
  await page.context().close();
});
