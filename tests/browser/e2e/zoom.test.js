// Pictures that are judged as they are seen, on a page that the person zoomed: cut out of the capture to the pixel, and judged as
// on the page in its own size but for what drawing them larger or smaller changes.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { contentScript } from "../harness/isolated.js";
import { BLUE, CYAN, framedPng, GREEN, RED, YELLOW } from "../harness/made_files.js";
import { watchPixels } from "../harness/pixels.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

/** The first is what the others are compared with. */
const ZOOMS = [1, 1.5, 0.75, 2];
/** How far a class may move because a picture is drawn in another size. */
const TOLERANCE = 0.08;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-zoom-"));
  writeFileSync(join(folder, "framed.png"), framedPng());
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES, "/made/": folder } });
  sotto = await startSotto({ hostPermissions: true, flags: ["--window-size=1300,1000"], options: { viewport: null } });
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/**
 * A page in front, zoomed as a person zooms it.
 * @param {string} path
 * @param {number} zoom
 */
async function zoomed(path, zoom) {
  const page = await sotto.page(`${server.origin}/${path}?from=${server.otherOrigin}&zoom=${zoom}`);
  await page.bringToFront();
  const worker = await sotto.worker();
  const tab = await worker.evaluate(async ([url, factor]) => {
    const [{ id }] = await chrome.tabs.query({ url });
    await chrome.tabs.setZoom(id ?? -1, factor);
    return id ?? -1;
  }, /** @type {const} */ ([page.url(), zoom]));
  await eventually("the zoom", () => page.evaluate((factor) => Math.abs(devicePixelRatio - factor) < 0.01, zoom));
  await page.evaluate(async () => {
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  });
  return { page, tab, worker };
}

/**
 * No class may be further from what it was at zoom 1; gives how far the furthest is. Both are `{ class: share }`.
 * @param {Record<string, number>} shares
 * @param {Record<string, number>} first
 * @param {string} what
 */
function assertNear(shares, first, what) {
  assert.ok(Object.keys(first).length >= 5, `${what}: ${JSON.stringify(first)}`);
  const furthest = Math.max(...Object.keys(first).map((name) => Math.abs(shares[name] - first[name])));
  assert.ok(furthest <= TOLERANCE, `${what}: ${JSON.stringify(shares)} instead of ${JSON.stringify(first)}`);
  return furthest.toFixed(4);
}

/**
 * What stands before each percentage on a card.
 * @param {string} says
 */
const sharesOf = (says) => Object.fromEntries([...says.matchAll(/([^\d%]+?)\s(\d+)\s?%/g)].map(([, name, share]) => [name.trim(), Number(share) / 100]));

describe("a right click", () => {
  const first = new Map();
  for (const zoom of ZOOMS) {
    test(`at ${zoom * 100} %`, async (context) => {
      const { page } = await zoomed("sights.html", zoom);
      const pixels = await watchPixels(sotto);
      const n = server.requests.length;
      for (const selector of ["#plain", "#padded", "#contained", "#turned"]) {
        await page.locator(selector).scrollIntoViewIfNeeded();
        await sotto.checkImage(page, selector);
        const says = await sotto.says(page, /Drawing[^]*\d ms/, 10_000);
        assert.doesNotMatch(says, /part in view/, selector);
        assertFramed(/** @type {Seen} */ (await pixels.last()), zoom, selector);
        if (selector === "#turned" && zoom === 1.5) await screenshot(page, "card-zoomed");
        const shares = sharesOf(says);
        if (!first.has(selector)) first.set(selector, shares);
        context.diagnostic(`${selector}: a class moved by ${assertNear(shares, first.get(selector), selector)}`);
        await page.keyboard.press("Escape");
        await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
      }
      assert.equal(server.requests.length, n, "nothing is fetched again");
      await page.close();
    });
  }
});

/**
 * The frame and its quarters, where a zoom of the page puts them.
 * @typedef {{ width: number, height: number, at(x: number, y: number): number[] }} Seen
 * @param {Seen} seen
 * @param {number} zoom
 * @param {string} what
 */
function assertFramed({ width, height, at }, zoom, what) {
  const [wide, high] = [200 * zoom, 120 * zoom];
  assert.ok(Math.abs(width - wide) <= 1 && Math.abs(height - high) <= 1, `${what} is ${width} × ${height}`);
  const edge = 1.5 * zoom;
  for (const [x, y, colour] of /** @type {const} */ ([
    [width / 2, edge, RED], [width / 2, height - 0.5 - edge, RED], [edge, height / 2, RED], [width - 0.5 - edge, height / 2, RED],
    [width / 4, height / 4, GREEN], [(width * 3) / 4, height / 4, BLUE], [width / 4, (height * 3) / 4, YELLOW], [(width * 3) / 4, (height * 3) / 4, CYAN],
  ])) {
    const seen = at(x, y);
    assert.ok(colour.every((/** @type {number} */ channel, /** @type {number} */ place) => Math.abs(channel - seen[place]) <= 90), `${what} at ${x},${y} is ${seen}, not ${colour}`);
  }
}

describe("a scan", () => {
  const first = new Map();
  for (const zoom of ZOOMS) {
    test(`at ${zoom * 100} %`, async (context) => {
      const { page, tab, worker } = await zoomed("scan.html", zoom);
      await worker.evaluate((id) => chrome.scripting.executeScript({ target: { tabId: id }, files: ["content/pixels.js", "content/scan.js"] }), tab);
      const world = await contentScript(page, sotto.id);
      // What comes of the pictures that the page may not read.
      await world.evaluate(() => {
        globalThis.captured = [];
        const native = chrome.runtime.sendMessage;
        chrome.runtime.sendMessage = async (message) => {
          const reply = await native(message);
          if (message.ask === "inView") globalThis.captured.push(...(reply.verdicts ?? []));
          return reply;
        };
      });
      const reply = await sotto.askFromBehind({ ask: "scan", tab, wish: "start" });
      assert.equal(reply.answer, "scan", JSON.stringify(reply));
      for (const [id, wide, high] of /** @type {const} */ ([["foreign", 220, 165], ["foreign-alarm", 224, 224]])) {
        await page.locator(`#${id}`).scrollIntoViewIfNeeded();
        const near = (/** @type {{ width: number, height: number }} */ { width, height }) => Math.abs(width - wide * zoom) <= 1 && Math.abs(height - high * zoom) <= 1;
        const verdict = await eventually(`${id} in its size`, async () => (await world.evaluate(() => globalThis.captured)).find(near));
        const shares = Object.fromEntries(verdict.classes.map((/** @type {ClassScore} */ { name, probability }) => [name, probability]));
        if (!first.has(id)) first.set(id, shares);
        context.diagnostic(`#${id}: a class moved by ${assertNear(shares, first.get(id), id)}`);
      }
      assert.match(await page.evaluate(() => document.getElementById("foreign-alarm").getAttribute("style") ?? ""), /blur/);
      assert.doesNotMatch(await page.evaluate(() => document.getElementById("foreign").getAttribute("style") ?? ""), /blur/);
      if (zoom === 1.5) await screenshot(page, "scan-zoomed");
      await page.close();
    });
  }
});
