// From a person's click to the words on the card, on a page in Chromium with the engine warm, and how long the page
// stands still for it: `cargo xtask bench words [--check]`. The probe stands in the content scripts' own world, because
// no page can see into a card; the debugger brings it in, and it ships nowhere.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../tests/browser/harness/browser.js";
import { contentScript } from "../../tests/browser/harness/isolated.js";
import { FIXTURES, ROOT } from "../../tests/browser/harness/places.js";
import { serve } from "../../tests/browser/harness/server.js";
import { clickInShadow, pointInShadow } from "../../tests/browser/harness/shadow.js";
import { startSotto } from "../../tests/browser/harness/sotto.js";
import { finish, quantile } from "../report.js";
import { longestTasks } from "./tasks.js";

const N_RUNS = 15;
const SHORT = { task: "click to card, 20 words", most: 60 };
const LONG = { task: "click to card, 300 words", most: 400 };
const WHY_FIRST = { task: "why, 30 words: first highlights", most: 300 };
const WHY_FINAL = { task: "why, 30 words: final", most: 800 };
const HELD_UP_SHORT = { task: "page's longest task, 20 words", most: 5 };
const HELD_UP_LONG = { task: "page's longest task, 300 words", most: 5 };
const HELD_UP_WHY = { task: "page's longest task, why", most: 5 };
/** As long and on the same page, with nothing to judge: what the browser and the machine do by themselves. */
const HELD_UP_IDLE = { task: "page's longest task, idle", most: Infinity };
const BARS = [SHORT, LONG, WHY_FIRST, WHY_FINAL, HELD_UP_SHORT, HELD_UP_LONG, HELD_UP_WHY, HELD_UP_IDLE];
/** Longer than any of it takes where the bars are reached, and what the page needs to come to rest before. */
const WINDOW_MS = 1_200;
const REST_MS = 300;
const { version } = JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8"));

/** @typedef {typeof BARS[number]} Bar */
const values = new Map(BARS.map((bar) => [bar, /** @type {number[]} */ ([])]));
/**
 * @param {Bar} bar
 * @param {number} value
 */
const note = (bar, value) => values.get(bar).push(value);
const server = await serve({ routes: { "/": FIXTURES } });
const sotto = await startSotto();
const browser = sotto.context.browser()?.version() ?? "unknown";
try {
  const page = await sotto.page(`${server.origin}/measure.html`);
  await sotto.grant(page);
  const worker = await sotto.worker();
  await choose(page, worker, "words20");
  await sotto.says(page, /\d ms/);
  const probe = await probeIn(page);
  for (let run = 0; run < N_RUNS; run += 1) {
    for (const [id, bar] of /** @type {const} */ ([["words20", SHORT], ["words300", LONG]])) {
      const clicked = await begin(page, worker, probe, id);
      note(bar, (await probe.drawn("text")) - clicked);
    }
    await begin(page, worker, probe, "words30");
    await sotto.says(page, /\d ms/);
    // The page itself starts counting with the click.
    await clickInShadow(page, /why/i);
    const final = await probe.drawn("whole why");
    const clicked = await page.evaluate(() => lastClick());
    note(WHY_FIRST, (await probe.drawn("first why")) - clicked);
    note(WHY_FINAL, final - clicked);
  }
  await heldUp(page, worker, probe);
} finally {
  await sotto.close();
  await server.close();
}

const rows = BARS.map((bar) => ({ engine: "Sotto", version, task: bar.task, unit: "ms", values: values.get(bar) }));
const missed = BARS.flatMap((bar) => {
  const median = quantile(values.get(bar), 0.5);
  return median <= bar.most ? [] : [`${bar.task}: ${median.toFixed(1)} ms, at most ${bar.most} ms is wanted`];
});
finish("words", rows, browser, missed);

/**
 * Closes the last card, forgets what was measured, and chooses the menu entry for a text; returns when that was.
 * @param {Page} page
 * @param {import("playwright-core").Worker} worker
 * @param {Awaited<ReturnType<typeof probeIn>>} probe
 * @param {string} id
 */
async function begin(page, worker, probe, id) {
  await page.keyboard.press("Escape");
  await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
  await probe.forget();
  return choose(page, worker, id);
}

/**
 * How long the page's event loop stands still: another round, because the browser's trace costs time of its own.
 * @param {Page} page
 * @param {import("playwright-core").Worker} worker
 * @param {Awaited<ReturnType<typeof probeIn>>} probe
 */
async function heldUp(page, worker, probe) {
  /** @param {number} ms */
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  /** @type {[Bar, (button: [x: number, y: number] | null) => unknown, string | null][]} */
  const windows = [
    [HELD_UP_SHORT, () => choose(page, worker, "words20"), "text"],
    [HELD_UP_LONG, () => choose(page, worker, "words300"), "text"],
    [HELD_UP_WHY, (button) => button && page.mouse.click(...button), "whole why"],
    [HELD_UP_IDLE, () => {}, null],
  ];
  const measured = await longestTasks(sotto.cdp, page, async (within) => {
    for (let run = 0; run < N_RUNS; run += 1) {
      for (const [bar, act, last] of windows) {
        let button = /** @type {[x: number, y: number] | null} */ (null);
        if (bar === HELD_UP_WHY) {
          await begin(page, worker, probe, "words30");
          await probe.drawn("text");
          button = await pointInShadow(page, /why/i);
        }
        await probe.forget();
        await page.evaluate(() => getSelection()?.removeAllRanges());
        await pause(REST_MS);
        await within(bar.task, async () => {
          await act(button);
          await pause(WINDOW_MS);
          // Where it took longer, it still belongs to this window, and its last view is not taken for the next one's.
          if (last) await probe.drawn(last);
        });
        await page.keyboard.press("Escape");
      }
    }
  });
  for (const bar of windows.map(([bar]) => bar)) measured.get(bar.task).forEach((value) => note(bar, value));
}

/**
 * Chooses the menu entry as the browser would, in milliseconds since the epoch.
 * @param {Page} page
 * @param {import("playwright-core").Worker} worker
 * @param {string} id
 */
async function choose(page, worker, id) {
  const selectionText = await page.evaluate((id) => {
    getSelection()?.selectAllChildren(document.getElementById(id));
    return String(getSelection());
  }, id);
  const info = { menuItemId: "classify-selection", editable: false, frameId: 0, pageUrl: page.url(), selectionText };
  return worker.evaluate(async (info) => {
    const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
    const clicked = performance.timeOrigin + performance.now();
    chrome.contextMenus.onClicked.dispatch(info, tab);
    return clicked;
  }, info);
}

/**
 * Notes when each view was drawn: its listener is called after the card's own, which draws at once.
 * @param {Page} page
 */
async function probeIn(page) {
  const world = await contentScript(page, sotto.id);
  await world.evaluate(() => {
    globalThis.sottoDrawn = {};
    chrome.runtime.onMessage.addListener((/** @type {{ view: View }} */ { view }) => {
      const name = view.kind === "why" ? (view.why.complete ? "whole why" : "first why") : view.kind;
      sottoDrawn[name] ??= performance.timeOrigin + performance.now();
    });
  });
  return {
    forget: () => world.evaluate("sottoDrawn = {}, undefined"),
    drawn: (/** @type {string} */ name) => eventually(`the ${name} view`, () => world.evaluate(`sottoDrawn[${JSON.stringify(name)}]`)),
  };
}
