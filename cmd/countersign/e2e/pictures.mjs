// Takes the pictures of docs/img, of the real program in the middle of a day at
// Northwind: node pictures.mjs FOLDER. "make screenshots" is how to call it.
import { spawn } from "node:child_process";
import path from "node:path";
import { rest } from "./fixtures/agent.mjs";
import { configuration, start } from "./fixtures/house.mjs";
import { approve, browse, claim, invite, launch, read } from "./fixtures/people.mjs";
import { staffed } from "./fixtures/staffed.mjs";

const folder = process.argv[2];
const look = { deviceScaleFactor: 2 };
// The shop is kept apart from the server here, as it should be.
const config = configuration("127.0.0.1:0").replace(", unsafe_same_user: true", "");

// asks has an agent of another operating system user ask, if this one may be
// another, and answers the request.
function asks(house, token, tool, args, reason) {
  const command = { kind: "mcp.request", method: "tools/call", params: JSON.stringify({ name: tool, arguments: args }) };
  const ask = { url: `${house.url}/v1/requests`, token, body: JSON.stringify({ resource: "mcp/northwind", command, reason }) };
  const script = `const { url, token, body } = JSON.parse(process.argv[1]);
    const headers = { Authorization: "Bearer " + token, "Content-Type": "application/json", Prefer: "wait=0", "User-Agent": "northwind-agents/2.3" };
    fetch(url, { method: "POST", headers, body }).then((a) => a.text()).then((t) => process.stdout.write(t))`;
  const other = process.getuid() === 0 ? 61235 : undefined;
  const child = spawn(process.execPath, ["-e", script, JSON.stringify(ask)], { uid: other, gid: other, cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((done) => {
    let said = "";
    child.stdout.on("data", (b) => (said += b));
    child.on("close", () => done(JSON.parse(said)));
  });
}

async function picture(page, name, height = 860) {
  await page.setViewportSize({ width: 1280, height });
  await page.evaluate(() => document.fonts.ready);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

async function setup(browser) {
  const house = await start({ config });
  try {
    const alice = await browse(browser, look);
    await claim(alice, house, "Alice Moreau");
    await alice.getByText("You are alone here.").waitFor();
    await picture(alice, "setup", 790);
  } finally {
    await house.stop();
  }
}

// settle has what a bot asked for approved by Bob, and run.
async function settle(house, token, r) {
  await read(house.bob, house, r.id);
  await approve(house.bob);
  await house.bob.getByText("Approved. It has not run yet.").waitFor();
  await rest(house, token).run(r.id);
  await house.bob.getByText("Ran once, as approved.").waitFor();
}

async function day(browser) {
  const bots = ["billing-bot", "growth-bot", "support-bot"];
  const house = await staffed(browser, { config, look, bots });
  try {
    const [billing, growth, support] = house.tokens;
    await asks(house, support, "list_plans", {}, "The customer asks what the team plan costs.");
    const settled = await asks(house, support, "create_refund", { charge: "ch_8Ak2Lm", amount: "49.00", currency: "EUR", reason: "duplicate" }, "Charged twice in October, ticket SUP-7689.");
    await settle(house, support, settled);
    await asks(house, growth, "export_customers", { destination: "s3://partner-us-mailing/customers.csv" }, "The partner needs the list for the spring mailing.");
    const half = await asks(house, growth, "delete_customers", { plan: "trial" }, "Trials that ended more than a year ago, retention job 2026-11.");
    await read(house.carol, house, half.id);
    await approve(house.carol);
    await house.carol.getByText("Nothing runs yet: one more person must sign.").waitFor();
    await asks(house, support, "create_refund", { charge: "ch_8Ak2Qx", amount: "184.50", currency: "EUR", reason: "duplicate", metadata: { order: "20931", ticket: "SUP-7714" } }, "The customer was charged twice for order 20931. Ticket SUP-7714 has the bank statement.");
    await invite(house.alice, house, "Dana Whitfield", ["payments"]);
    const critical = await asks(house, billing, "create_refund", { charge: "ch_7Zt0Pd", amount: "2940.00", currency: "EUR", account: "DE89 3704 \u202E0044 0532\u202C 0130 00", reason: "goodwill" }, "The ticket names this account. Goodwill credit agreed on the phone.");
    await show(house, settled, critical);
  } finally {
    await house.stop();
  }
}

async function show({ bob, url }, settled, critical) {
  await bob.goto(url);
  await bob.getByText("Live", { exact: true }).waitFor();
  await bob.getByRole("link", { name: /2940\.00/ }).waitFor();
  await picture(bob, "inbox");
  await bob.goto(`${url}/r/${critical.id}`);
  await bob.locator(".crit").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await bob.emulateMedia({ colorScheme });
    await picture(bob, `request-${colorScheme}`, 1000);
  }
  await bob.emulateMedia({ colorScheme: "light" });
  await bob.goto(`${url}/r/${settled.id}`);
  await bob.getByText("Ran once, as approved.").waitFor();
  await picture(bob, "settled", 1000);
  await bob.goto(`${url}/verify?id=${settled.id}`);
  await bob.getByText("Holds", { exact: true }).waitFor();
  await picture(bob, "verify");
}

const browser = await launch();
try {
  await setup(browser);
  await day(browser);
} finally {
  await browser.close();
}
