// Rows of docs/threat-model.md through the browser, against the real program.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { ok } from "./fixtures/house.mjs";
import { approve, browse, launch, quiet, read } from "./fixtures/people.mjs";
import { staffed } from "./fixtures/staffed.mjs";

let browser, house;
before(async () => {
  browser = await launch();
  house = await staffed(browser);
});
after(async () => {
  await browser?.close();
  await house?.stop();
});

let charge = 0;
const refund = (more = {}, reason = "") => house.agent.ask("create_refund", { charge: `ch_${++charge}`, amount: "184.50", currency: "EUR", ...more }, reason);
const choice = (r, what = "approve") => ({ choice: what, digest: r.digest, view_digest: r.view_digest, reason: "because" });
const decisions = (r) => `/v1/requests/${r.id}/decisions`;

// says posts from the page itself, as a script of it would.
const says = (page, path, body) =>
  page.evaluate(async ([path, body]) => {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return [answer.status, (await answer.json()).code];
  }, [path, body]);

// undecided fails if anything has been decided about the request.
async function undecided(r) {
  const now = await house.agent.get(r.id);
  assert.deepEqual([now.decision, now.execution, now.decisions ?? []], ["pending", "none", []]);
}

test("T1: the agent's owner cannot approve what it asks for, and the attempt is on record", async () => {
  const r = await refund();
  await read(house.alice, house, r.id);
  await house.alice.getByText("Alice Moreau cannot decide: owns support-bot.").waitFor();
  assert.equal(await house.alice.getByRole("button", { name: /^Approve/ }).count(), 0);
  quiet(house.alice);
  assert.deepEqual(await says(house.alice, decisions(r), choice(r)), [403, "self_approval"]);
  quiet(house.alice, 403);
  await undecided(r);
  await read(house.bob, house, r.id);
  const refused = house.bob.locator("#record li", { hasText: "refused" });
  await refused.getByText("Alice Moreau").first().waitFor();
  await approve(house.bob);
  await house.bob.getByText("Approved. It has not run yet.").waitFor();
  quiet(house.bob);
});

test("T27: neither a cookie, nor a sign-in link, nor the agent's token approves what needs a passkey", async () => {
  const r = await refund();
  const thief = await browse(browser, { device: false });
  await thief.context().addCookies(await house.bob.context().cookies());
  await read(thief, house, r.id);
  await thief.getByText(/Signed in as Bob Okafor/).waitFor();
  quiet(thief);
  assert.deepEqual(await says(thief, decisions(r), choice(r)), [403, "assurance_too_low"]); // seconds after he signed in
  await thief.context().close();

  const guest = await browse(browser); // with a device of its own, which holds no passkey of Bob's
  await guest.goto(await ok(house.verb("person", "link", "Bob Okafor")));
  await guest.getByRole("button", { name: "Sign in" }).click();
  await guest.waitForURL(`${house.url}/`);
  await read(guest, house, r.id);
  await guest.getByText(/Signed in as Bob Okafor, link/).waitFor();
  await approve(guest);
  await guest.getByText("so nothing was recorded").waitFor();
  quiet(guest);
  assert.deepEqual(await says(guest, decisions(r), choice(r)), [403, "assurance_too_low"]);
  quiet(guest, 403);
  await guest.goto(`${house.url}/plain/r/${r.id}`);
  await guest.getByRole("button", { name: "Reject" }).waitFor();
  assert.equal(await guest.getByRole("button", { name: /^Approve/ }).count(), 0, "without script there is no passkey");
  quiet(guest);
  await guest.context().close();

  const { status, body } = await house.agent.send("POST", decisions(r), choice(r));
  assert.deepEqual([status, body.code], [403, "assurance_too_low"]);
  await undecided(r);
});

test("T12: what hides in a command is made visible, and is approved only read to its end", async () => {
  const r = await refund({ account: "DE89 3704 \u202E0044 0532\u202C 0130 00", note: `paid${" ".repeat(400)}; then again\u200B` });
  const { bob } = house;
  await read(bob, house, r.id);
  const command = await bob.locator("main").innerText();
  for (const shown of ["U+202E", "U+202C", "U+200B", "hidden characters turn the reading order around"]) assert.ok(command.includes(shown), shown);
  assert.doesNotMatch(command, /[\u202A-\u202E\u2066-\u2069\u200B]/, "none is left as it is");
  assert.equal(await bob.getByRole("button", { name: "Approve with passkey" }).getAttribute("aria-disabled"), "true");
  await approve(bob);
  await bob.getByText("Approved. It has not run yet.").waitFor();
  quiet(bob);
});

test("T23: a secret is on no page until somebody who may decide has it shown, on record", async () => {
  const secret = "correct-horse-9";
  const r = await refund({ password: secret }, `The password is ${secret}.`);
  const { bob } = house;
  for (const at of ["/", `/r/${r.id}`, `/r/${r.id}?view=json`, "/history", "/plain/", `/plain/r/${r.id}`]) {
    await bob.goto(house.url + at);
    await bob.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".awaited"));
    assert.ok(!(await bob.content()).includes(secret), at);
    quiet(bob);
  }
  await read(bob, house, r.id);
  assert.equal(await bob.getByRole("button", { name: /^Approve/ }).count(), 0, "nobody approves what they are not shown");
  await bob.getByRole("button", { name: "Reveal what was left out" }).click();
  await bob.getByLabel("Reason").fill("To compare it with the vault.");
  await bob.getByRole("button", { name: "Reveal, on record" }).click();
  await bob.getByText(secret).first().waitFor();
  await bob.locator("#record li", { hasText: "payload.revealed" }).waitFor();
  await approve(bob);
  await bob.getByText("Approved. It has not run yet.").waitFor();
  quiet(bob);
});

test("T14: a fetch of any address decides nothing and spends nothing", async () => {
  const r = await refund();
  const link = await ok(house.verb("person", "link", "Carol Reyes"));
  const query = new URLSearchParams(choice(r));
  const addresses = [decisions(r), `/v1/requests/${r.id}/challenge`, `/v1/requests/${r.id}/run`, `/v1/requests/${r.id}/withdraw`, `/v1/requests/${r.id}/reveal`, `/r/${r.id}`, `/r/${r.id}/approve`, `/plain/r/${r.id}`, `/plain/r/${r.id}/decide`];
  const scanner = house.bob.context().request; // with all that Bob's browser keeps
  for (const at of addresses) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await scanner.fetch(`${house.url}${at}?${query}`, { method, maxRedirects: 0 });
      assert.ok(answer.status() < 500 && answer.status() !== 201, `${method} ${at}: ${answer.status()}`);
    }
  }
  for (const method of ["GET", "HEAD"]) assert.equal((await scanner.fetch(link, { method })).status(), 200);
  const before = r.version;
  await undecided(r);
  assert.equal((await house.agent.get(r.id)).version, before, "nothing was recorded about it");
  const carol = await browse(browser, { device: false });
  await carol.goto(link);
  await carol.getByRole("button", { name: "Sign in" }).click(); // the link is not spent
  await carol.waitForURL(`${house.url}/`);
  await carol.context().close();
});

test("T24: what an agent writes stays text, wherever it is shown", async () => {
  const hostile = `</script><script>document.title='gone'</script><img src=x onerror="document.title='gone'"><svg onload=alert(1)> [x](javascript:alert(1)) {{7*7}} \${7*7} \u202Egnp.x\u202C \u200B`;
  const r = await refund({ note: hostile, [hostile]: { deep: hostile } }, hostile);
  const { bob } = house;
  for (const at of ["/", `/r/${r.id}`, `/r/${r.id}?view=json`, "/history", `/history?q=${encodeURIComponent(hostile)}`, `/?q=${encodeURIComponent(hostile)}`, "/plain/", `/plain/r/${r.id}`, "/plain/history"]) {
    await bob.goto(house.url + at);
    await bob.locator("main h1").first().waitFor();
    await bob.waitForFunction(() => !document.querySelector(".awaited"));
    const found = await bob.evaluate(() => ({
      title: document.title, scripts: [...document.scripts].map((s) => s.getAttribute("src")), images: document.querySelectorAll("img").length,
      handlers: [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes]).filter((a) => a.name.startsWith("on") || /^javascript:/i.test(a.value)).length,
    }));
    assert.ok(!found.title.includes("gone"), at);
    assert.ok(found.scripts.every((s) => s === "/static/console.js"), `${at}: ${found.scripts}`);
    assert.deepEqual([found.images, found.handlers], [0, 0], at);
    quiet(bob);
  }
  await read(bob, house, r.id);
  await bob.getByText("</script><script>document.title='gone'</script>").first().waitFor(); // people read it as it is
  await bob.locator(".crit").waitFor(); // it would turn the reading order round
});

test("T24: another site can neither post a decision, nor frame a page, nor be what a sign-in leads to", async () => {
  const r = await refund();
  const { bob } = house;
  const form = Object.entries(choice(r, "reject")).map(([k, v]) => `<input name="${k}" value="${v}">`).join("");
  const evil = http.createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(`<form method="post" action="${house.url}/plain/r/${r.id}/decide">${form}<button>Win</button></form><iframe src="${house.url}/r/${r.id}"></iframe>`));
  const port = await new Promise((done) => evil.listen(0, "127.0.0.1", () => done(evil.address().port)));
  for (const site of [`http://127.0.0.1:${port}`, `http://localhost:${port}`]) { // another site, and another origin of the same
    await bob.goto(site);
    assert.equal(await bob.frames()[1].locator("h1.say").count(), 0, "it is not framed");
    const answered = bob.waitForResponse((a) => a.url().endsWith("/decide"));
    await bob.getByRole("button", { name: "Win" }).click();
    assert.equal((await answered).status(), 403);
    await bob.waitForURL("**/decide");
  }
  bob.complaints.length = 0; // of the other site's page
  evil.close();
  await undecided(r);
  const page = await browse(browser, { device: false });
  for (const next of ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]) {
    await page.goto(`${await ok(house.verb("person", "link", "Carol Reyes"))}&next=${encodeURIComponent(next)}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${house.url}/`);
  }
  await page.context().close();
});

test("T10: the approval of somebody who is deactivated before the run is void, and it waits again", async () => {
  const r = await refund();
  const { bob, carol } = house;
  await read(bob, house, r.id);
  await approve(bob);
  await bob.getByText("Approved. It has not run yet.").waitFor();
  await read(carol, house, r.id);
  await ok(house.verb("person", "deactivate", "Bob Okafor"));
  const { status, body } = await house.agent.run(r.id, 0);
  assert.deepEqual([status, body.decision, body.execution], [202, "pending", "none"]);
  await carol.getByText("It waits again.", { exact: true }).waitFor(); // by itself
  await carol.getByText("an approval no longer counts").first().waitFor();
  await bob.goto(house.url);
  await bob.waitForURL("**/signin*"); // his sessions have ended
  await bob.getByRole("button", { name: "Use a passkey" }).click();
  await bob.locator(".notice").waitFor();
  quiet(bob, 401, 403);
  await read(carol, house, r.id);
  await approve(carol);
  await carol.getByText("Approved. It has not run yet.").waitFor();
  const ran = await house.agent.run(r.id);
  assert.deepEqual([ran.status, ran.body.execution], [200, "succeeded"]);
  await carol.getByText("Ran once, as approved.").waitFor();
  quiet(carol);
});
