// What a closed tab had asked: files under guard and pictures under scan, in many frames, more than can be judged at once. It
// is given up with the tab, so that the next tab's file is the next to be judged, and then nothing is left to do.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { join } from "node:path";
import { eventually } from "../harness/browser.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";
import { pick } from "../harness/uploads.js";

const N_FRAMES = 12;
/** check.js and scan.js, AT_ONCE. */
const AT_ONCE = 4;
const SMALL = ["house.jpg", "hills_grey.jpg"].map((name) => join(PICTURES, name));
const COFFEE = join(PICTURES, "coffee.png");

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let own;
/** @type {Page} */
let other;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  sotto = await startSotto({ hostPermissions: true });
  await sotto.ask({ ask: "guard", on: true });
  own = await sotto.page(sotto.url("manifest.json"));
  other = await sotto.page(`${server.origin}/uploads.html`);
  // Without room for helpers, which would be done before a tab is closed: theirs is e2e/helpers.
  await sotto.ask({ ask: "keepSettings", settings: { guardEverywhere: true, memoryBudgetMb: 24 } });
  // Whatever is slow the first time.
  await uploadElsewhere();
  // So slow that what is asked at once is not judged at once: the background reads pixels by one of these two.
  const worker = await sotto.worker();
  await worker.evaluate(() => {
    for (const [{ prototype }, name] of /** @type {const} */ ([[OffscreenCanvasRenderingContext2D, "getImageData"], [Uint8ClampedArray, "subarray"]])) {
      const methods = /** @type {Record<string, Function>} */ (/** @type {unknown} */ (prototype));
      const native = methods[name];
      methods[name] = /** @this {unknown} @param {unknown[]} given */ function (...given) {
        for (const end = performance.now() + 100; performance.now() < end; );
        return native.apply(this, given);
      };
    }
  });
});
after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});
beforeEach(() => other.reload());

/**
 * @template {PageAsk["ask"]} Name
 * @param {PageAsk & { ask: Name }} request
 * @returns {Promise<ReplyTo<Name>>}
 */
const ask = (request) => own.evaluate((message) => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ...message }), request);
const runs = async () => (await ask({ ask: "status" })).models.find(({ id }) => id === "nsfw").runs;

async function uploadElsewhere() {
  const nBefore = await other.evaluate(() => uploads.seen.length);
  // An input that is given the file it has already says nothing.
  SMALL.reverse();
  await pick(other, "single", SMALL.slice(0, 1));
  await eventually("the other tab's file", async () => (await other.evaluate(() => uploads.seen.length)) > nBefore);
}

/**
 * A tab with many frames of one page of this site.
 * @param {string} path
 */
async function crowd(path) {
  const page = await sotto.page(`${server.origin}/upload.html`);
  await page.evaluate(async ([address, n]) => {
    for (let index = 0; index < n; index += 1) {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.width = frame.height = "400";
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      frame.src = address;
      await loaded;
    }
  }, /** @type {const} */ ([path, N_FRAMES]));
  return page;
}

/**
 * The tab is closed: hardly more than the picture in hand is judged, and another tab's file.
 * @param {Page} page
 */
async function assertNothingIsLeft(page) {
  await page.close();
  const nBefore = await runs();
  await uploadElsewhere();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const nMore = (await runs()) - nBefore;
  assert.ok(nMore <= 2, `${nMore} pictures were judged after the tab was closed`);
}

test("files under guard", async () => {
  const page = await crowd("/uploads.html");
  const nBefore = await runs();
  for (let index = 0; index < N_FRAMES; index += 1) await pick(page, `frames[${index}].multiple`, Array(AT_ONCE).fill(COFFEE));
  await eventually("the first file to be judged", async () => (await runs()) > nBefore);
  await assertNothingIsLeft(page);
});

test("pictures under scan, which in their turn let a file of another tab pass", async () => {
  const page = await crowd("/upload.html");
  await page.evaluate(async () => {
    for (const { document } of Array.from(frames)) {
      for (let index = 0; index < 8; index += 1) {
        const image = document.body.appendChild(document.createElement("img"));
        image.width = 200;
        image.src = `/pictures/house.jpg?${index}`;
        await image.decode();
      }
    }
  });
  const worker = await sotto.worker();
  const tab = await worker.evaluate(async (url) => (await chrome.tabs.query({ url }))[0].id, page.url());
  const nBefore = await runs();
  assert.equal((await ask({ ask: "scan", tab: tab ?? -1, wish: "start" })).answer, "scan");
  await eventually("the first picture to be judged", async () => (await runs()) > nBefore);
  const nFirst = await runs();
  await uploadElsewhere();
  const nPassed = (await runs()) - nFirst;
  // Behind all that was asked before it, it would come after all of these.
  assert.ok(nPassed < N_FRAMES * AT_ONCE * 0.75, `${nPassed} pictures were judged before another tab's file`);
  await assertNothingIsLeft(page);
});
