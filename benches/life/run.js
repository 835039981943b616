// `cargo xtask bench life`: how long a person waits for a background that the browser stopped, and what it costs while
// nobody wants anything. A real Chromium with dist/; where a debugger on the worker would change the result, none is
// attached. SOTTO_BENCH_CYCLES shortens the stop-and-start cycles while trying.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { launchBare } from "../../tests/browser/harness/bare.js";
import { eventually } from "../../tests/browser/harness/browser.js";
import { DIST, FIXTURES } from "../../tests/browser/harness/places.js";
import { serve } from "../../tests/browser/harness/server.js";
import { startSotto } from "../../tests/browser/harness/sotto.js";
import { countWhileIdle } from "../../tests/browser/harness/trace.js";
import { finish, quantile } from "../report.js";

const N_WAKES = 15;
const N_CLICKS = 15;
const N_FIRST_STARTS = 3;
const N_PAINTS = 9;
const N_CYCLES = Number(process.env.SOTTO_BENCH_CYCLES ?? 1000);
const IDLE_MS = 20_000;
const TEXT = "The film is a warm and funny story about two old friends who meet again after so many lonely years.";
assert.equal(TEXT.split(" ").length, 20);

/** @type {Record<string, number>} */
const BARS = {
  "worker stopped to verdict, 20 words": 250,
  "warm click to card, 20 words": 60,
  "first start ever to verdict": 2000,
  "popup first paint, not stored": 100,
  "popup first paint, stored": 100,
  "popup first paint, loading": 100,
  "popup first paint, ready": 100,
  "idle 20 s: scripts run": 0,
  "idle 20 s: timers": 0,
  "storage grown by stop and start": 0,
};

const rows = /** @type {Row[]} */ ([]);
const { version } = JSON.parse(readFileSync(join(DIST, "manifest.json"), "utf8"));
/**
 * @param {string} task
 * @param {string} unit
 * @param {number[]} values
 */
const add = (task, unit, values) => rows.push({ engine: "Sotto", version, task, unit, values });
let browserVersion = "unknown";
/**
 * A page of the extension's origin in a bare browser.
 * @typedef {Awaited<ReturnType<Bare["page"]>>} BarePage
 * @typedef {{ browser: Bare, page: BarePage, address: string }} Life
 */

await measureFirstStarts();
await measureWakesAndCycles();
await measureClicks();
const missed = rows
  .filter(({ task, values }) => quantile(values, 0.5) > BARS[task])
  .map(({ task, unit, values }) => `${task}: ${quantile(values, 0.5)} ${unit}, the bar is ${BARS[task]}`);
finish("life", rows, browserVersion, missed);

/**
 * A page of the extension's origin that does nothing by itself, in a fresh browser.
 * @param {(life: Life) => Promise<void>} work
 */
async function withPage(work) {
  const browser = await launchBare({ extensions: [DIST] });
  try {
    browserVersion = (await browser.send("Browser.getVersion")).product.replace(/^.*\//, "");
    const address = await browser.extensionUrl();
    const page = await browser.page(`${address}manifest.json`);
    await page.send("ServiceWorker.enable");
    await work({ browser, page, address });
  } finally {
    await browser.close();
  }
}

/**
 * Sends a request and gives the reply and how long it took, by the page's own clock.
 * @param {BarePage} page
 * @param {PageAsk} request
 */
async function ask(page, request) {
  return page(`(async () => {
    const started = performance.now();
    const reply = await chrome.runtime.sendMessage({ id: crypto.randomUUID(), ...${JSON.stringify(request)} });
    return { reply, elapsedMs: performance.now() - started };
  })()`);
}

/** @param {BarePage} page */
async function verdictMs(page) {
  const { reply, elapsedMs } = await ask(page, { ask: "text", text: TEXT });
  assert.equal(reply.sentiment, "positive", JSON.stringify(reply));
  return elapsedMs;
}

/** @param {Pick<Life, "browser" | "page">} life */
async function stop({ browser, page }) {
  // A worker that is only just starting is not stopped by the first call.
  await eventually("the worker to stop", async () => {
    await page.send("ServiceWorker.stopAllWorkers");
    return !(await browser.targets()).some(({ type }) => type === "service_worker");
  });
}

async function measureFirstStarts() {
  const elapsedMs = /** @type {number[]} */ ([]);
  for (let start = 0; start < N_FIRST_STARTS; start += 1) {
    await withPage(async (life) => {
      // The browser itself has just started, too, and is not what is measured.
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await stop(life);
      elapsedMs.push(await verdictMs(life.page));
    });
  }
  add("first start ever to verdict", "ms", elapsedMs);
}

async function measureWakesAndCycles() {
  await withPage(async (life) => {
    await verdictMs(life.page);
    await measureIdle(life);
    const wakes = [];
    for (let wake = 0; wake < N_WAKES; wake += 1) {
      await stop(life);
      wakes.push(await verdictMs(life.page));
    }
    add("worker stopped to verdict, 20 words", "ms", wakes);
    await measurePaints(life);
    await measureCycles(life);
  });
}

/**
 * What runs in the extension's processes while nobody wants anything.
 * @param {Life} life
 */
async function measureIdle({ browser, page, address }) {
  const { scripts, timers } = await countWhileIdle({
    browser, page, address,
    // The page by which we ask does nothing either.
    idle: () => new Promise((resolve) => setTimeout(resolve, IDLE_MS)),
    wake: () => ask(page, { ask: "status" }),
  });
  add("idle 20 s: scripts run", "events", [scripts]);
  add("idle 20 s: timers", "events", [timers]);
}

/** @param {Life} life */
async function measurePaints(life) {
  const { browser, page, address } = life;
  const states = {
    "not stored": async () => {
      for (const model of ["sentiment", "nsfw"]) await ask(page, { ask: "forget", model });
      await stop(life);
    },
    stored: async () => {
      for (const model of ["sentiment", "nsfw"]) await ask(page, { ask: "load", model });
      await stop(life);
    },
    loading: async () => {
      await stop(life);
      await page(`void chrome.runtime.sendMessage({ id: "paint", ask: "load", model: "sentiment" })`);
    },
    ready: async () => ask(page, { ask: "load", model: "sentiment" }),
  };
  for (const [state, prepare] of Object.entries(states)) {
    const paints = [];
    for (let paint = 0; paint < N_PAINTS; paint += 1) {
      await prepare();
      const popup = await browser.page(`${address}pages/popup.html`);
      paints.push(
        await eventually("the popup to paint", () => popup(`performance.getEntriesByName("first-contentful-paint")[0]?.startTime`)),
      );
      await popup.close();
      await ask(page, { ask: "status" });
    }
    add(`popup first paint, ${state}`, "ms", paints);
  }
}

/**
 * Stops and starts, and what IndexedDB has before and after.
 * @param {Life} life
 */
async function measureCycles(life) {
  const { page } = life;
  const stored = () => page(`(async () => {
    const database = await new Promise((resolve) => { indexedDB.open("sotto").onsuccess = ({ target }) => resolve(target.result); });
    const weights = database.transaction("weights").objectStore("weights");
    const all = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    const [keys, blobs] = await Promise.all([all(weights.getAllKeys()), all(weights.getAll())]);
    database.close();
    const { usage } = await navigator.storage.estimate();
    return { keys: keys.join(), bytes: blobs.reduce((sum, { size }) => sum + size, 0), usage };
  })()`);
  await verdictMs(page);
  const before = await stored();
  for (let cycle = 0; cycle < N_CYCLES; cycle += 1) {
    await stop(life);
    await verdictMs(page);
    if (cycle % 50 === 49) process.stderr.write(`\rbench: cycle ${cycle + 1} of ${N_CYCLES}`);
  }
  const after = await stored();
  assert.deepEqual([after.keys, after.bytes], [before.keys, before.bytes]);
  // IndexedDB's own log may hold a few kilobytes more at one moment than at another.
  const grown = after.usage - before.usage;
  add("storage grown by stop and start", "bytes", [Math.abs(grown) < 100_000 ? 0 : grown]);
}

/** From the menu's event in the worker to the verdict on the card in the page, which answers once it has drawn it. */
async function measureClicks() {
  const server = await serve({ routes: { "/": FIXTURES } });
  const sotto = await startSotto();
  try {
    const page = await sotto.page(`${server.origin}/selection.html`);
    await page.evaluate((text) => (document.querySelector("#praise").textContent = text), TEXT);
    await sotto.grant(page);
    const worker = await sotto.worker();
    await worker.evaluate(() => {
      const send = chrome.tabs.sendMessage.bind(chrome.tabs);
      chrome.tabs.sendMessage = async (/** @type {number} */ tab, /** @type {any} */ message, /** @type {any} */ options) => {
        const answer = await send(tab, message, options).catch(() => {});
        if (message.view?.kind === "text") globalThis.shown?.(performance.now());
        return answer;
      };
    });
    const elapsedMs = [];
    for (let click = 0; click < N_CLICKS + 2; click += 1) {
      await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("#praise")));
      const elapsed = await worker.evaluate(
        async ([info, address]) => {
          const [tab] = await chrome.tabs.query({ url: address });
          const shown = new Promise((resolve) => (globalThis.shown = resolve));
          const started = performance.now();
          chrome.contextMenus.onClicked.dispatch(info, tab);
          return (await shown) - started;
        },
        /** @type {const} */ ([{ menuItemId: "classify-selection", editable: false, frameId: 0, pageUrl: page.url(), selectionText: TEXT }, page.url()]),
      );
      // The first two load the model and compile the scripts.
      if (click >= 2) elapsedMs.push(elapsed);
      await page.keyboard.press("Escape");
    }
    add("warm click to card, 20 words", "ms", elapsedMs);
  } finally {
    await sotto.close();
    await server.close();
  }
}
