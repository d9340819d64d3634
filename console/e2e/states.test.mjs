// Every page in every state: what the browser refuses, axe in both themes and in
// forced colours, and at 320 px nothing sideways and nothing too small to hit.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { only, shot, sideways, violations } from "./fixtures/browser.mjs";
import { states } from "./fixtures/briefs.mjs";
import { checklist } from "./fixtures/around.mjs";
import { from, hostileRow, many } from "./fixtures/rows.mjs";
import { house, quiet } from "./fixtures/world.mjs";

const it = house();
const receipt = (name) => readFileSync(new URL(`../../ledger/testdata/receipts/${name}.json`, import.meta.url), "utf8");
const signedOut = (w) => (w.me = null);
const request = (make) => ({ at: "/r/req_5m2c7xk9tq4d", with: (w) => w.briefs.set("req_5m2c7xk9tq4d", { ...make(), id: "req_5m2c7xk9tq4d" }) });

const pages = {
  inbox: { at: "/", few: true },
  "inbox-empty": { at: "/", with: (w) => (w.inbox = { mine: [], waiting: [], others: [], more: false }) },
  "inbox-filtered": { at: "/?q=resource%3Anowhere" },
  "inbox-all": { at: "/?show=all" },
  "inbox-hostile": { at: "/", with: (w) => w.inbox.mine.push(hostileRow()) },
  "inbox-alone": { at: "/", with: (w) => { w.me.session.solo = true; w.notices = [{ at: from(0), text: "Somebody at 10.1.2.3:4455 showed a recovery code of Mei Tanaka." }]; } },
  "inbox-refused": { at: "/", status: [503], with: (w) => w.refuse.set("GET /v1/inbox", { status: 503, body: { code: "unavailable", detail: "nothing runs: the ledger cannot be written", hint: "free the disk that holds it" } }) },
  history: { at: "/history", few: true },
  "history-timeline": { at: "/history?view=timeline" }, "history-json": { at: "/history?view=json" },
  "history-empty": { at: "/history?resource=nowhere", with: (w) => (w.history = []) },
  "request-record-json": { at: "/r/req_5m2c7xk9tq4d?view=json" }, "request-record-compact": { at: "/r/req_5m2c7xk9tq4d?view=compact" },
  "request-missing": { at: "/r/req_nope", status: [404] },
  verify: { at: "/verify" },
  "verify-holds": { at: "/verify?id=req_1", few: true, with: (w) => w.receipts.set("req_1", receipt("passkeys-of-two")), wait: ".result.ok" },
  "verify-failed": { at: "/verify?id=req_1", with: (w) => w.receipts.set("req_1", receipt("statement-changed")), wait: ".result.bad" },
  "verify-signed-out": { at: "/verify", status: [401], with: signedOut },
  people: { at: "/people", few: true }, agents: { at: "/agents" }, resources: { at: "/resources" },
  "agents-none": { at: "/agents", with: (w) => (w.agents = []) }, "resources-none": { at: "/resources", with: (w) => (w.resources = []) },
  policy: { at: "/policy" }, "policy-files": { at: "/policy?view=files" }, "policy-change": { at: "/policy?view=change" },
  setup: { at: "/setup", with: (w) => { w.me.checklist = checklist(1); w.me.enrolled = 1; } },
  "setup-claim": { at: "/setup#token", status: [401], with: signedOut }, "setup-without-link": { at: "/setup", status: [401], with: signedOut },
  join: { at: "/join#token", status: [401], with: signedOut }, "join-another": { at: "/join" },
  "join-refused": { at: "/join#token", status: [401, 404], with: (w) => { w.me = null; w.refuse.set("POST /v1/passkeys/challenge", { status: 404, body: { code: "not_found", detail: "this link is spent or too old", hint: "ask for another" } }); } },
  recover: { at: "/recover", status: [401], with: signedOut },
  missing: { at: "/nothing" },
  "request-critical": { at: "/r/req_9t4hw1pzr6ab", few: true },
};
for (const [name, make] of Object.entries(states)) if (name !== "critical") pages[`request-${name}`] = request(make);

async function look(name, p) {
  const { page } = await it.visit(p.at, p.with);
  if (p.wait) await page.waitForSelector(p.wait);
  await page.waitForLoadState("networkidle").catch(() => {});
  quiet(page, ...(p.status ?? []));
  assert.deepEqual(await violations(page), [], `${name}, light`);
  await shot(page, `${name}-light`);
  const contrast = only("color-contrast");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished)));
  assert.deepEqual(await violations(page, contrast), [], `${name}, dark`);
  await shot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
  await shot(page, `${name}-forced`);
  await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
  await page.setViewportSize({ width: 320, height: 640 });
  assert.ok((await sideways(page)) <= 0, `${name}: ${await sideways(page)} px wider than a window of 320`);
  assert.deepEqual(await violations(page, only("target-size", "scrollable-region-focusable", "color-contrast")), [], `${name}, 320 px`);
  await shot(page, `${name}-320`);
  await page.context().close();
}

describe("each page in each state", { concurrency: 2 }, () => {
  for (const [name, p] of Object.entries(pages)) {
    if (process.env.STATES === "all" || p.few) test(name, () => look(name, p));
  }
});

test("500 rows are all there, and can be walked and filtered", async () => {
  const { page } = await it.visit("/", (w) => (w.inbox.mine = many(500)));
  assert.equal(await page.locator(".rows .row").count(), 502);
  await page.keyboard.press("j");
  for (let i = 0; i < 20; i++) await page.keyboard.press("j");
  assert.match(await page.evaluate(() => document.activeElement.href), /req_many00000020$/);
  await page.keyboard.press("/");
  await page.keyboard.type("agent-3 499");
  await page.waitForFunction(() => document.querySelectorAll(".rows .row").length < 20);
  quiet(page);
  await page.context().close();
});

test("at 400 % of 1280 pixels nothing runs off to the side", async () => {
  for (const at of ["/", "/r/req_9t4hw1pzr6ab", "/history", "/people", "/verify"]) {
    const { page } = await it.visit(at, () => {}, { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 });
    assert.ok((await sideways(page)) <= 0, `${at}: ${await sideways(page)} px too wide`);
    await page.context().close();
  }
});

test("nothing moves for who asks for less motion, and everything is told apart in forced colours", async () => {
  const { page } = await it.visit("/r/req_9t4hw1pzr6ab", () => {}, { forcedColors: "active" });
  const slow = await page.evaluate(() => [...document.querySelectorAll("*")].filter((e) => Number.parseFloat(getComputedStyle(e).transitionDuration) > 0.001 || getComputedStyle(e).animationName !== "none").length);
  assert.equal(slow, 0, "elements that move");
  const mark = await page.locator(".mk").first().evaluate((e) => getComputedStyle(e).borderTopStyle);
  assert.equal(mark, "solid", "the border of a marked span");
  await page.context().close();
});
