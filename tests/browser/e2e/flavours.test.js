// The engine for browsers without relaxed SIMD, in a copy of the package that takes this browser for one of them: it must judge
// as the other does. Every other test runs the flavour that this browser has.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { editFile } from "../harness/browser.js";
import { startSotto } from "../harness/sotto.js";

/** Sums of products are the same to the bit in both; what comes after them is rounded once less with relaxed SIMD. */
const ALLOWED = 0.01;
const TEXTS = [
  "I love this film.",
  "The room was filthy, and nobody answered the bell.",
  "The staff were friendly and the view was nice, but the room was filthy and smelled disgusting. ".repeat(12),
];

/** @type {Sotto} */
let relaxed;
/** @type {Sotto} */
let plain;

before(async () => {
  relaxed = await startSotto();
  plain = await startSotto({
    edit: (folder) => editFile(folder, "engine.js", (text) => text.replace("WebAssembly.validate(RELAXED_PROBE)", "false")),
  });
});
after(async () => {
  await plain?.close();
  await relaxed?.close();
});

/** @param {Sotto} sotto */
const flavourOf = async (sotto) => (await sotto.ask({ ask: "status" })).engine.flavour;
/**
 * @param {number} a
 * @param {number} b
 * @param {string} what
 */
const near = (a, b, what) => assert.ok(Math.abs(a - b) <= ALLOWED, `${what}: ${a} and ${b}`);

test("each is the one that it is meant to be", async () => {
  assert.deepEqual([await flavourOf(relaxed), await flavourOf(plain)], ["relaxed SIMD", "SIMD"]);
});

test("texts are judged alike", async () => {
  for (const text of TEXTS) {
    const [a, b] = await Promise.all([relaxed, plain].map((sotto) => sotto.ask({ ask: "text", text })));
    assert.ok(a.sentiment && a.sentiment === b.sentiment, `${text}: ${a.sentiment} and ${b.sentiment}`);
    for (const way of /** @type {const} */ (["negative", "neutral", "positive"])) near(a.shares[way], b.shares[way], `${text}: ${way}`);
  }
});

test("pictures are judged alike", async () => {
  /** @param {Sotto} sotto */
  const judge = async (sotto) => {
    const page = await sotto.page(sotto.url("manifest.json"));
    const { classes } = await page.evaluate(() => {
      const { data } = new ImageData(96, 64);
      data.forEach((_, index) => (data[index] = index % 4 === 3 ? 255 : (index * index) % 251));
      return chrome.runtime.sendMessage({ id: "x", ask: "picture", name: "x", picture: { width: 96, height: 64, data } });
    });
    await page.close();
    return classes;
  };
  const [a, b] = await Promise.all([relaxed, plain].map(judge));
  assert.equal(a.length, 5);
  a.forEach((/** @type {ClassScore} */ { name, probability }, /** @type {number} */ index) => near(probability, b[index].probability, name));
});
