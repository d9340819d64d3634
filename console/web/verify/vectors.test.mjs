// Runs what console/build bundles against the vectors of ledger/testdata and
// against what packages ledger and receipt say of the same bytes. Started by verify_test.go.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const { verify, parse, write, folded, parseLeaf, parseBody, parseCommand, parseWho, checkAssertion, leafHash, fold, fromBase64, hex, utf8 } = await import(process.env.VERIFY);
const vectors = process.env.VECTORS;
const mutants = JSON.parse(readFileSync(process.env.MUTANTS, "utf8"));

function vector(name) {
  return JSON.parse(readFileSync(`${vectors}/${name}`, "utf8"));
}

function told(report) {
  const { holds, what, why, outcome } = report;
  const steps = report.steps.map(({ detail, result }) => ({ detail, result }));
  return { holds, steps, what, why, outcome };
}

function wanted({ holds, steps, what = "", why = "", outcome = "" }) {
  return { holds, steps: steps.map(({ detail = "", result }) => ({ detail, result })), what, why, outcome };
}

test("every receipt is judged as the vectors say", async () => {
  const { key, receipts } = vector("receipts.json");
  const judged = await Promise.all(receipts.map(({ name }) => verify(readFileSync(`${vectors}/receipts/${name}.json`), { vkeys: [key] })));
  for (const [i, want] of receipts.entries()) {
    const got = judged[i];
    assert.deepEqual(told(got), wanted(want), `${want.name}: ${JSON.stringify(got.steps, null, 1)}`);
  }
  assert.ok(receipts.length > 100, `${receipts.length} receipts`);
});

test("a changed receipt is judged as package receipt judges it", async () => {
  const { key } = vector("receipts.json");
  const judged = await Promise.all(mutants.receipts.map(({ file }) => verify(fromBase64(file), { vkeys: [key] })));
  for (const [i, { name, report }] of mutants.receipts.entries()) {
    const got = judged[i];
    const results = got.steps.map((s) => s.result);
    assert.deepEqual({ holds: got.holds, results }, report, `${name}: ${JSON.stringify(got.steps, null, 1)}`);
  }
  assert.ok(mutants.receipts.length > 0);
});

test("documents are read and written as package canon reads and writes them", () => {
  for (const { text, canonical } of mutants.documents) {
    const got = () => write(parse(text));
    if (canonical === null) {
      assert.throws(got, Error, JSON.stringify(text));
    } else {
      assert.equal(got(), canonical, JSON.stringify(text));
    }
  }
  assert.ok(mutants.documents.length > 0);
});

test("keys that differ only by case fold to one text", () => {
  for (const orbit of mutants.orbits) {
    assert.equal(new Set(orbit.map(folded)).size, 1, orbit.join(" "));
  }
  const all = mutants.orbits.map((orbit) => folded(orbit[0]));
  assert.equal(new Set(all).size, all.length);
});

test("leaves are read in their one spelling and hash as they should", async () => {
  const { good, bad } = vector("leaves.json");
  for (const { leaf, hash } of good) {
    parseLeaf(leaf);
    assert.equal(hex(await leafHash(utf8(leaf))), hash);
  }
  for (const { leaf, why } of bad) {
    assert.throws(() => parseLeaf(leaf), Error, why);
  }
});

test("paths fold as the vectors say", async () => {
  const { roots, inclusion } = vector("tree.json");
  const rootOf = new Map(roots.map(({ size, root }) => [size, hex(fromBase64(root))]));
  for (const { size, index, proof, holds } of inclusion) {
    const path = (proof ?? []).map(fromBase64);
    const came = await fold(BigInt(size), BigInt(index), await leafHash(utf8(String(index))), path);
    assert.equal(index >= 0 && came.whole && hex(came.root) === rootOf.get(size), holds, `leaf ${index} of ${size}`);
  }
});

test("the report shows each hop of each path", async () => {
  const { key } = vector("receipts.json");
  const { paths, root } = await verify(readFileSync(`${vectors}/receipts/approved.json`), { vkeys: [key] });
  assert.equal(paths.length, 5);
  for (const path of paths) {
    assert.equal(path.hops.at(-1).hash, root);
    assert.equal(path.root, root);
  }
});

test("without a key nothing is verified", async () => {
  const file = readFileSync(`${vectors}/receipts/approved.json`);
  await assert.rejects(verify(file, { vkeys: [] }), /no verifier key/);
  await assert.rejects(verify(file, { vkeys: ["log+00000000+AYBDArH0yhn653I0u+/GK8IixrzQ/0g7hPssRlS7QPo4"] }), /hash/);
});

test("assertions of passkeys are judged as package ledger judges them", async () => {
  let held = 0;
  for (const { name, assertion, ceremony, holds } of mutants.assertions) {
    const who = parseWho(JSON.stringify({ assertion }));
    const got = await checkAssertion(who.assertion, ceremony).then(() => "holds", (e) => e);
    assert.equal(got === "holds", holds, `${name}: ${got}`);
    held += holds ? 1 : 0;
  }
  assert.ok(held >= 6 && held < mutants.assertions.length);
});

test("every member that package countersign writes is known", () => {
  for (const { kind, text } of mutants.blobs) {
    const read = { who: parseWho, command: parseCommand }[kind] ?? ((text) => parseBody(kind, text));
    assert.doesNotThrow(() => read(text), kind);
    assert.throws(() => read(text.replace("{", '{"zz":1,')), Error, kind);
  }
});
