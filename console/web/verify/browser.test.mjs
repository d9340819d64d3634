// Verifies every receipt of the vectors in Chromium with the network off, under
// the policy that the console's pages have. Started by verify_test.go.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";

const { NODE_PATH, PAGE, VECTORS, CHROMIUM = "/usr/bin/chromium" } = process.env;
const { chromium } = createRequire(path.join(NODE_PATH, "x.js"))("playwright-core");

test("every receipt is judged the same in a browser without network", async (t) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  t.after(() => browser.close());
  const context = await browser.newContext();
  const page = await context.newPage();
  const asked = [];
  await page.goto(PAGE);
  await page.waitForFunction(() => "verify" in globalThis);
  await context.setOffline(true);
  page.on("request", (r) => asked.push(r.url()));
  const { key, receipts } = JSON.parse(readFileSync(`${VECTORS}/receipts.json`, "utf8"));
  const files = receipts.map(({ name }) => readFileSync(`${VECTORS}/receipts/${name}.json`, "base64"));
  const got = await page.evaluate(async ([key, files]) => {
    const results = (bytes) => globalThis.verify(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)), { vkeys: [key] });
    return (await Promise.all(files.map(results))).map(({ holds, steps }) => ({ holds, steps: steps.map((s) => s.result) }));
  }, [key, files]);
  for (const [i, { name, holds, steps }] of receipts.entries()) {
    assert.deepEqual(got[i], { holds, steps: steps.map((s) => s.result) }, name);
  }
  assert.deepEqual(asked, []);
});
