// A picture whose bytes were judged a moment ago is known: asked for again it is no run, and its verdict is the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PICTURES } from "../harness/places.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

before(async () => {
  sotto = await startSotto();
  page = await sotto.page(sotto.url("manifest.json"));
});

after(() => sotto?.close());

const runs = async () => (await sotto.ask({ ask: "status" })).models.find(({ id }) => id === "nsfw").runs;

/**
 * @param {string} name
 * @param {string} [more] behind the file's end
 */
const judge = (name, more = "") =>
  page.evaluate(async ([bytes, more]) => {
    const picture = new Blob([new Uint8Array(bytes), more]);
    const { id, correctAs, ...reply } = await chrome.runtime.sendMessage({ id: crypto.randomUUID(), ask: "picture", picture });
    return reply;
  }, /** @type {const} */ ([[...readFileSync(join(PICTURES, name))], more]));

/** @param {number} width */
const judgePixels = (width) =>
  page.evaluate((width) => {
    const picture = { width, height: 4096 / width, data: new Uint8ClampedArray(4 * 4096).fill(77) };
    return chrome.runtime.sendMessage({ id: crypto.randomUUID(), ask: "picture", picture });
  }, width);

/**
 * @template Answer
 * @param {number} n
 * @param {() => Promise<Answer>} work
 */
async function inRuns(n, work) {
  const before = await runs();
  const answer = await work();
  assert.equal((await runs()) - before, n);
  return answer;
}

test("the same bytes are judged once", async () => {
  const first = await inRuns(1, () => judge("house.jpg"));
  assert.equal(first.answer, "picture");
  assert.deepEqual(await inRuns(0, () => judge("house.jpg")), first);
  await inRuns(1, () => judge("house.jpg", "one byte more"));
  await inRuns(1, () => judge("hills_grey.jpg"));
  assert.deepEqual(await inRuns(0, () => judge("house.jpg")), first);
});

test("a moving picture is known as a whole", async () => {
  await inRuns(8, () => judge("ball_animated.gif"));
  await inRuns(0, () => judge("ball_animated.gif"));
});

test("pixels are known by what they are and how wide", async () => {
  await inRuns(1, () => judgePixels(64));
  await inRuns(0, () => judgePixels(64));
  const wide = await inRuns(1, () => judgePixels(128));
  assert.deepEqual([wide.width, wide.height], [128, 32]);
});

test("another caution asks anew", async () => {
  await sotto.ask({ ask: "keepPictureRules", thresholds: {}, action: "warn", careful: true });
  await inRuns(1, () => judge("house.jpg"));
  await sotto.ask({ ask: "keepPictureRules", thresholds: { Neutral: 0.01 }, action: "warn", careful: true });
  assert.equal((await inRuns(1, () => judge("house.jpg"))).unsuitable, true);
  await inRuns(0, () => judge("house.jpg"));
});

test("what can't be read is refused each time", async () => {
  for (let time = 0; time < 2; time += 1) assert.equal((await inRuns(0, () => judge("README.md"))).reason, "unknownPicture");
});
