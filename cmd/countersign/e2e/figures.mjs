// Measures the console for "make bench" and prints milliseconds as JSON: until the
// Inbox with 500 pending acts on keys, and from a commit to what an open page shows.
import { rest } from "./fixtures/agent.mjs";
import { launch, read } from "./fixtures/people.mjs";
import { staffed } from "./fixtures/staffed.mjs";

const pending = 500, rounds = 10, changes = 30;
let charge = 0;

const browser = await launch();
// What one agent asks for again under one rule is one row; so each asks for its own first.
const house = await staffed(browser, { bots: Array.from({ length: changes }, (_, i) => `support-bot-${i}`) });
const { bob, carol } = house;
const agents = house.tokens.map((token) => rest(house, token));
const ask = () => agents[charge % agents.length].ask("create_refund", { charge: `ch_${++charge}`, amount: "184.50", currency: "EUR" }, "Charged twice.");
const ms = (since, until) => until - Date.parse(since);

// The page notes when each row, and the end of a request, is first on it.
const notes = () => {
  window.seen = {};
  new MutationObserver(() => requestAnimationFrame(() => {
    for (const a of document.querySelectorAll("main a.t")) window.seen[a.pathname.split("/").pop()] ??= Date.now();
    if (document.querySelector("main")?.textContent.includes("rejected it. It did not run.")) window.seen.rejected ??= Date.now();
  })).observe(document, { childList: true, subtree: true, characterData: true });
};

// The page presses j until its first row has the focus.
const pressing = () => {
  window.acts = new Promise((done) => {
    const press = () => {
      const row = document.querySelector("main a.t");
      if (row?.getClientRects().length) document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true, cancelable: true }));
      if (row && document.activeElement === row) done(performance.now());
      else requestAnimationFrame(press);
    };
    requestAnimationFrame(press);
  });
};

const seen = (page, what) => page.waitForFunction((what) => window.seen[what], what).then((h) => h.jsonValue());

async function requestToInbox() {
  const took = [];
  await bob.goto(house.url);
  await bob.getByText("Live", { exact: true }).waitFor();
  await bob.evaluate(notes);
  for (let i = 0; i < changes; i++) {
    const r = await ask();
    took.push(ms(r.created_at, await seen(bob, r.id)));
  }
  return took;
}

async function decisionToRequest() {
  const took = [];
  for (let i = 0; i < changes; i++) {
    const r = await ask();
    await read(carol, house, r.id);
    await carol.waitForFunction(() => !document.querySelector(".decide .btn[disabled]"));
    await carol.evaluate(notes);
    const after = await bob.evaluate(([at, body]) => fetch(at, { method: "POST", headers: { "Content-Type": "application/json" }, body }).then((a) => a.json()), [
      `/v1/requests/${r.id}/decisions`, JSON.stringify({ choice: "reject", digest: r.digest, view_digest: r.view_digest, reason: "No." })]);
    took.push(ms(after.settled_at, await seen(carol, "rejected")));
  }
  return took;
}

async function fullInbox() {
  const there = (await bob.evaluate(() => fetch("/v1/inbox").then((a) => a.json()))).mine.length;
  for (let left = pending - there; left > 0; left -= 10) await Promise.all(Array.from({ length: Math.min(10, left) }, ask));
  const took = [];
  for (let i = 0; i < rounds; i++) {
    const page = await bob.context().newPage();
    await page.addInitScript(pressing);
    await page.goto(house.url);
    took.push(await page.evaluate(() => window.acts));
    const rows = await page.locator("main li.row.group").count();
    if (rows !== changes) throw new Error(`the Inbox has ${rows} groups, not ${changes}`);
    await page.close();
  }
  return took;
}

try {
  const figures = { request: await requestToInbox(), decision: await decisionToRequest(), inbox: await fullInbox() };
  process.stdout.write(JSON.stringify(figures) + "\n");
} finally {
  await browser.close();
  await house.stop();
}
