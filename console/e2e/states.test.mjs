// Every page in every state: what the browser refuses, axe in both themes and in
// forced colours, and at 320 px nothing sideways and nothing too small to hit.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { only, paint, shot, sideways, violations } from "./fixtures/browser.mjs";
import { cut, emit } from "./fixtures/server.mjs";
import { states, unit } from "./fixtures/briefs.mjs";
import { away, checklist, hold, insight, link, onCall } from "./fixtures/around.mjs";
import { from, group, hostileRow, many } from "./fixtures/rows.mjs";
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
  "verify-holds": { at: "/verify?id=req_b7n0e3vyk2sm", few: true, with: (w) => w.receipts.set("req_b7n0e3vyk2sm", receipt("passkeys-of-two")), wait: ".result.ok" },
  "verify-other": { at: "/verify?id=req_1", few: true, with: (w) => w.receipts.set("req_1", receipt("passkeys-of-two")), wait: ".result.bad" },
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
const click = (name) => (page) => page.getByRole("button", { name }).first().click();
const held = (w, call) => w.hold.set(call, new Promise(() => {}));
const one = "POST /v1/requests/req_5m2c7xk9tq4d";
Object.assign(pages, {
  "request-rejecting": { at: "/r/req_5m2c7xk9tq4d", act: click("Reject"), wait: "dialog" },
  "request-escalating": { at: "/r/req_5m2c7xk9tq4d", act: click("Escalate"), wait: "dialog", few: true },
  "request-revealing": { ...request(states.redacted), act: click("Reveal what was left out"), wait: "dialog" },
  "request-writing": { at: "/r/req_5m2c7xk9tq4d", with: (w) => held(w, `${one}/decisions`), act: click("Approve, run once"), wait: ".decide [aria-disabled]" },
  "request-signing": { at: "/r/req_5m2c7xk9tq4d", with: (w) => { request(states.passkey).with(w); held(w, `${one}/challenge`); }, act: click("Approve with passkey"), wait: ".decide .lacks" },
  "request-conflict": { at: "/r/req_5m2c7xk9tq4d", status: [409], with: (w) => w.refuse.set(`${one}/decisions`, { status: 409, body: { code: "already_settled", detail: "Mei Tanaka rejected it 2 s before", hint: "open it again" } }), act: click("Approve, run once"), wait: ".notice.warn" },
  "request-offline": { at: "/r/req_5m2c7xk9tq4d", offline: true, act: (page, w) => cut(w, true), wait: ".offline" },
  "people-invited": { at: "/people", act: async (page) => { await page.getByLabel("Name").fill("Tomás"); await click("Make an invitation link")(page); }, wait: ".notice.done" },
  "people-removing": { at: "/people", act: click("Remove MacBook"), wait: "dialog" },
  "verify-open": { at: "/verify?id=req_b7n0e3vyk2sm", with: (w) => w.receipts.set("req_b7n0e3vyk2sm", receipt("passkeys-of-two")), act: async (page) => { await page.locator(".result.ok").waitFor(); for (const s of await page.locator("details.step > summary").all()) await s.click(); }, few: true },
  "verify-other-key": { at: "/verify", act: click("Use another key") },
  "join-codes": { at: "/join#token", device: true, act: click("Create the passkey"), wait: ".codes" },
  "recover-waits": { at: "/recover", act: async (page) => { await page.getByLabel("Recovery code").fill("k7qm"); await click("Use this code")(page); }, wait: ".notice" },
  "policy-proposed": { at: "/policy?view=change", act: async (page) => { await page.getByLabel("production.yaml").fill("rules: []"); await page.getByLabel("Reason").fill("None is needed."); await click("Propose this change")(page); }, wait: ".notice" },
});
const grouped = (severity, brief = {}) => (w) => {
  const { rows, group: g } = group(3, severity);
  w.inbox.mine = [...w.inbox.mine.slice(0, 2), ...rows];
  w.inbox.groups = [g];
  for (const r of rows) w.briefs.set(r.id, unit(r, brief));
};
const signs = { you: { ...states.passkey().you } };
const open = "/?group=agt_deploy~restart-one-unit";
const tick = async (page) => page.getByLabel("All 3 that are shown here").check();
Object.assign(pages, {
  "setup-slack": { at: "/setup/slack", few: true },
  "setup-slack-none": { at: "/setup/slack", with: (w) => (w.links.chats = []) },
  account: { at: "/account", few: true, with: (w) => (w.links.links = [link()]) },
  "account-none": { at: "/account", with: (w) => { w.links.chats = []; w.me.person.groups = []; } },
  "account-code": { at: "/account", act: click("Link Slack"), wait: ".tosay", few: true },
  "account-code-ended": { at: "/account", with: (w) => (w.codeLife = -1000), act: click("Link Slack"), wait: ".notice" },
  "account-code-refused": { at: "/account", status: [403], with: (w) => w.refuse.set("POST /v1/links", { status: 403, body: { code: "assurance_too_low", detail: "this needs a sign-in with a passkey at most 15 min ago", hint: "sign in again and do it then; nothing was changed" } }), act: click("Link Slack"), wait: ".notice" },
  "account-linked": { at: "/account", act: async (page, w) => { await click("Link Slack")(page); await page.locator(".tosay").waitFor(); w.links.links = [link()]; emit(w, { entity: "link:slack", kind: "link.made" }); }, wait: ".notice.done" },
  "account-ending": { at: "/account", with: (w) => (w.links.links = [link({ name: "Evil \u202egnp " + "n".repeat(80) })]), act: click("End"), wait: "dialog" },
  "account-codes": { at: "/account", act: click("Make new recovery codes"), wait: ".codes" },
  "account-away": { at: "/account", with: (w) => (w.away = { away: away(), for: [away({ person: "Evil \u202egnp", person_id: "x", now: false })] }), wait: "#away .notice" },
  "account-away-waits": { at: "/account", act: async (page) => { await page.getByLabel("Until").fill("2031-01-02T09:00"); await page.getByLabel("Stand-in").selectOption("per_mei"); await page.getByLabel("Reason").fill("Holiday."); await click("Ask for it")(page); }, wait: "#away .notice.done" },
  "people-on-call": { at: "/people", with: (w) => { w.onCall = onCall(); w.people[0].away = away(); } },
  "held-inbox": { at: "/", few: true, with: (w) => (w.holds = [hold(), hold({ id: "all", name: "all agents", reason: "", by: "Evil \u202egnp" }), hold({ id: "a3", name: "a3" }), hold({ id: "a4", name: "a4" })]) },
  "held-critical": { at: "/r/req_9t4hw1pzr6ab", with: (w) => (w.holds = [hold()]) },
  "agents-held": { at: "/agents", few: true, with: (w) => (w.holds = [hold()]) },
  "agents-all-held": { at: "/agents", with: (w) => (w.holds = [hold({ id: "all", name: "all agents", reason: "" })]) },
  "agents-holding": { at: "/agents", act: click("Hold everything of all agents"), wait: "dialog" },
  "agents-lifting": { at: "/agents", with: (w) => (w.holds = [hold()]), act: click("Lift the hold"), wait: "dialog" },
  "agents-lift-waits": { at: "/agents", with: (w) => (w.holds = [hold()]), act: async (page) => { await click("Lift the hold")(page); await page.getByLabel("Reason").fill("It is repaired."); await click("Ask to lift it")(page); }, wait: "dialog .notice.done" },
  "group-closed": { at: "/", with: grouped("low") },
  "group-open": { at: open, few: true, with: grouped("low"), wait: ".together", act: tick },
  "group-signs": { at: open, with: grouped("low", signs), wait: ".together", act: tick },
  "group-signing": { at: open, with: (w) => { grouped("low", signs)(w); held(w, "POST /v1/requests/req_unit00000000/challenge"); }, act: async (page) => { await tick(page); await click("Approve the 3 ticked")(page); }, wait: "progress" },
  "group-risky": { at: open, with: grouped("medium"), wait: ".item .known" },
  "group-shut": { at: open, with: grouped("low", { deciders: states.shut().deciders }), wait: ".shut", act: tick },
  "group-partly": { at: open, with: (w) => { grouped("low")(w); w.fails = new Map([["req_unit00000001", { request: "req_unit00000001", problem: { code: "already_settled", detail: "Mei Tanaka rejected it 2 s before", hint: "" } }]]); }, act: async (page) => { await tick(page); await click("Approve the 3 ticked")(page); }, wait: ".failed" },
  "inbox-opens": { at: "/", with: (w) => (w.inbox.mine[2].opens_at = from(14 * 3600_000)) },
  insight: { at: "/insight", few: true },
  "insight-all": { at: "/insight", with: (w) => (w.insight = insight(true)) },
  "insight-one": { at: "/insight?who=per_priya&days=90", with: (w) => (w.insight = { ...insight(true), more: true }) },
  "insight-none": { at: "/insight", with: (w) => (w.insight = { ...insight(false), reviewers: [], rules: [] }) },
});
for (const [name, make] of Object.entries(states)) if (name !== "critical") pages[`request-${name}`] = request(make);

async function look(name, p) {
  const { page, w } = await it.visit(p.at, p.with, { device: p.device });
  await p.act?.(page, w);
  if (p.wait) await page.waitForSelector(p.wait);
  if (!p.offline) quiet(page, ...(p.status ?? []));
  assert.deepEqual(await violations(page), [], `${name}, light`);
  await shot(page, `${name}-light`);
  const contrast = only("color-contrast");
  await paint(page, { colorScheme: "dark" });
  assert.deepEqual(await violations(page, contrast), [], `${name}, dark`);
  await shot(page, `${name}-dark`);
  await paint(page, { colorScheme: "light", forcedColors: "active" });
  await shot(page, `${name}-forced`);
  await paint(page, { colorScheme: "light", forcedColors: "none" });
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
