// The first run, from "countersign up" to a receipt that is checked without a
// network: the real program, real browsers, a real MCP client. Each test goes on
// where the one before it ended.
import assert from "node:assert/strict";
import http from "node:http";
import { networkInterfaces } from "node:os";
import { after, before } from "node:test";
import { violations } from "../../../console/e2e/fixtures/browser.mjs";
import { connect } from "./fixtures/agent.mjs";
import { chapters } from "./fixtures/chapters.mjs";
import { ok, start } from "./fixtures/house.mjs";
import { approve, browse, claim, invite, join, launch, quiet, read } from "./fixtures/people.mjs";

const test = chapters(() => [alice, bob, carol]);
let house, browser, alice, bob, carol, agent, refund;
before(async () => {
  [house, browser] = await Promise.all([start(), launch()]);
  [alice, bob, carol] = await Promise.all([browse(browser), browse(browser), browse(browser)]);
});
after(async () => {
  await agent?.close();
  await browser?.close();
  await house?.stop();
});

// A page that needs no session asks who is signed in, and nobody is.
const nobodyYet = 401;

test("up on a machine without a browser says how to reach the setup link from one that has one", () => {
  const port = new URL(house.url).port;
  assert.match(house.said, new RegExp(`^ +ssh -L ${port}:localhost:${port} USER@THIS-MACHINE$`, "m"));
  assert.match(house.said, /it works once, and for 30 minutes/);
  assert.match(house.setup, /^http:\/\/localhost:\d+\/setup#[A-Z2-7]{52}$/);
});

test("nobody takes it over from elsewhere", async () => {
  const far = await browse(browser, { extraHTTPHeaders: { "X-Forwarded-For": "192.0.2.7" } });
  for (const page of [house.setup, `${house.url}/`, `${house.url}/verify`]) {
    const answer = await far.goto(page);
    assert.equal(answer.status(), 403, page);
    assert.match(await answer.text(), /nobody has taken this server over yet/);
  }
  await far.context().close();
  const open = await start({ listen: "0.0.0.0:0" });
  try {
    assert.match(open.said, /Until then nobody elsewhere is served/);
    for (const { address } of Object.values(networkInterfaces()).flat().filter((i) => !i.internal && i.family === "IPv4")) {
      assert.equal(await status(open.url, address), 403, `from ${address}`);
    }
    assert.equal(await status(open.url, "127.0.0.1"), 200);
  } finally {
    await open.stop();
  }
});

// status is what the server answers who asks for its setup page from the address.
function status(url, address) {
  return new Promise((done, fail) => {
    const { host, port } = new URL(url);
    http.get({ host: address, port, path: "/setup", headers: { Host: host, Accept: "*/*" } }, (r) => done(r.resume().statusCode)).on("error", fail);
  });
}

test("Alice opens the setup link, makes a passkey and keeps her recovery codes", async () => {
  await alice.goto(house.setup);
  await alice.getByLabel("Your name").waitFor();
  const codes = await claim(alice, house, "Alice Moreau");
  assert.equal(new Set(codes).size, 8);
  for (const code of codes) assert.match(code, /^[A-Z2-7]{5}(-[A-Z2-7]{5}){3}$/);
  await alice.getByText("You are alone here.").waitFor();
  quiet(alice, nobodyYet);
});

test("the setup link works once", async () => {
  const late = await browse(browser);
  await late.goto(house.setup);
  await late.getByLabel("Your name").fill("Mallory");
  await late.getByRole("button", { name: "Create the passkey" }).click();
  await late.getByText("This link or code has been used, has ended, or was never one.").waitFor();
  quiet(late, nobodyYet);
  await late.context().close();
});

test("Alice invites Bob, whose passkey is the second and counts at once, and Carol, whose a second person confirms", async () => {
  const links = { bob: await invite(alice, house, "Bob Okafor"), carol: await invite(alice, house, "Carol Reyes") };
  await ok(house.verb("group", "set", "payments", "Alice Moreau", "Bob Okafor", "Carol Reyes"));
  await join(bob, links.bob, "Bob Okafor", "Phone");
  await join(carol, links.carol, "Carol Reyes", "Key");
  await bob.goto(`${house.url}/people`);
  await bob.getByText("not yet: a second person must confirm it").waitFor();
  await bob.getByRole("button", { name: "Confirm Key" }).click();
  await bob.getByText("3 people, 3 with a passkey that counts.").waitFor();
  for (const page of [alice, bob, carol]) quiet(page, nobodyYet);
});

test("the operator stands for Bob too: whom Alice alone let in could not decide for an agent of hers", async () => {
  await ok(house.verb("person", "confirm", "Bob Okafor"));
});

test("an agent is a change that two people approve, each with a passkey", async () => {
  const made = await house.verb("agent", "create", "support-bot", "--owner", "Alice Moreau");
  assert.equal(made.status, 8, "the exit code of what is pending");
  const token = made.stdout.trim();
  await assert.rejects(connect(house, token), "its token opens nothing yet");
  const id = made.stderr.match(/req_[0-9a-z]+/)[0];
  await read(alice, house, id);
  await approve(alice);
  await alice.getByText("Nothing runs yet: one more person must sign.").waitFor();
  await read(bob, house, id);
  await approve(bob);
  await bob.getByText("Ran once, as approved.").waitFor();
  agent = await connect(house, token);
  assert.deepEqual(await agent.list(), ["create_refund", "delete_customers", "export_customers", "list_plans"]);
  for (const page of [alice, bob]) quiet(page);
});

test("a read that the policy lets through runs at once", async () => {
  const answer = await agent.call("list_plans", {});
  assert.match(answer.text, /^trial 0\.00 EUR/);
});

test("a refund waits, appears in Bob's open Inbox, is approved with his passkey and runs once", async () => {
  await bob.goto(`${house.url}/`);
  await bob.getByText("Nothing waits for you.").first().waitFor();
  await bob.getByText("Live", { exact: true }).waitFor();
  const asked = agent.call("create_refund", { charge: "ch_1", amount: "184.50", currency: "EUR" });
  const row = bob.getByRole("link", { name: /create_refund/ });
  await row.waitFor();
  await bob.keyboard.press("j");
  await bob.keyboard.press("Enter");
  await bob.waitForURL(`${house.url}/r/*`);
  refund = bob.url().split("/").pop();
  await bob.getByText('"184.50"').first().waitFor();
  await approve(bob);
  await bob.getByText("Ran once, as approved.").waitFor();
  const answer = await asked;
  assert.deepEqual([answer.text, answer.isError], ["EUR 184.50 refunded", false]);
  quiet(bob);
});

test("the same refund asked again is another request, and says that it repeats", async () => {
  const asked = agent.call("create_refund", { charge: "ch_1", amount: "184.50", currency: "EUR" });
  await bob.goto(`${house.url}/`);
  await bob.getByRole("link", { name: /create_refund/ }).click();
  await bob.getByRole("button", { name: "Reject", exact: true }).click();
  await bob.getByLabel("Reason").fill("It was refunded a minute ago.");
  await bob.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
  await bob.getByText("Bob Okafor rejected it. It did not run.").waitFor();
  assert.notEqual(bob.url().split("/").pop(), refund);
  await bob.getByText("request.repeat").first().waitFor();
  const answer = await asked;
  assert.ok(answer.isError);
  assert.match(answer.text, /It was refunded a minute ago\./);
  quiet(bob);
});

test("the receipt holds on the Verify page with the network off, and one that was changed does not", async () => {
  const receipt = await ok(house.verb("receipt", refund));
  await bob.goto(`${house.url}/verify?id=${refund}`);
  await bob.getByText("Holds", { exact: true }).waitFor(); // this browser has pinned the key, and knows the page
  await bob.goto(`${house.url}/verify`);
  await bob.getByText("Nothing to check yet").waitFor();
  await bob.context().setOffline(true);
  const drop = (name, text) => bob.getByLabel("Receipt file").setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
  await drop("r.json", receipt);
  await bob.getByText("Holds", { exact: true }).waitFor();
  await bob.getByText("12 of 12 hold").waitFor();
  await bob.getByText(/Bob Okafor approved with a passkey/).waitFor();
  await drop("changed.json", receipt.replace("184.50", "984.50"));
  await bob.getByText("Does not hold", { exact: true }).waitFor();
  const offline = bob.complaints.splice(0).filter((c) => !/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED/.test(c)); // its events break off
  assert.deepEqual(offline, []);
  await bob.context().setOffline(false);
});

test("the receipt holds on the command line, which needs the log's key alone", async () => {
  house.write("r.json", await ok(house.verb("receipt", refund)));
  await ok(house.verb("verify", "r.json", "--key", "data/log.vkey"));
  house.write("changed.json", house.file("r.json").replace("184.50", "984.50"));
  assert.equal((await house.verb("verify", "changed.json", "--key", "data/log.vkey")).status, 9);
});

test("deleting customers takes two people with a passkey each", async () => {
  const asked = agent.call("delete_customers", { plan: "trial" });
  await bob.goto(`${house.url}/`);
  await bob.getByRole("link", { name: /delete_customers/ }).click();
  await approve(bob);
  await bob.getByText("Nothing runs yet: one more person must sign.").waitFor();
  await read(carol, house, bob.url().split("/").pop());
  await approve(carol);
  await carol.getByText("Bob Okafor and Carol Reyes approved this exact command.").waitFor();
  await bob.getByText("Ran once, as approved.").waitFor(); // by itself
  assert.equal((await asked).text, "48211 customers deleted");
  for (const page of [bob, carol]) quiet(page);
});

test("no page has anything that the browser or axe complains of", async () => {
  for (const page of ["", "?show=all", "history", "history?view=timeline", "verify", "people", "agents", "resources", "policy", "setup", "join", "recover", "plain/", "plain/history", `plain/r/${refund}`, `r/${refund}?view=json`]) {
    await bob.goto(`${house.url}/${page}`);
    await bob.locator("main h1").first().waitFor();
    await bob.waitForFunction(() => !document.querySelector(".awaited"));
    quiet(bob);
  }
  for (const page of ["", `r/${refund}`, "people", `verify?id=${refund}`]) { // last of all: axe takes the device with the passkey away
    await bob.goto(`${house.url}/${page}`);
    await bob.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".awaited"));
    assert.deepEqual(await violations(bob), [], page);
  }
});

test("the record holds from its first leaf to its last", async () => {
  assert.match(await ok(house.verb("audit")), /^holds /m);
});
