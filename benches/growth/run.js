// How times grow with what is asked: a text by its words, a page under scan by its pictures, each by the background alone and with
// helpers, beside what the processor could do at best. `cargo xtask bench growth` writes the table, and a plot of each.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { eventually } from "../../tests/browser/harness/browser.js";
import { contentScript } from "../../tests/browser/harness/isolated.js";
import { FIXTURES, PICTURES, ROOT } from "../../tests/browser/harness/places.js";
import { showDifferent } from "../../tests/browser/harness/pictures.js";
import { serve } from "../../tests/browser/harness/server.js";
import { startSotto } from "../../tests/browser/harness/sotto.js";
import { finish, quantile } from "../report.js";
import { last, plot } from "./plot.js";

const WORDS = [16, 64, 256, 800, 2000, 4000, 7000];
const N_PICTURES = [1, 5, 20, 50, 100, 250, 500];
const N_RUNS = 3;
const SENTENCE = "The old man told us about the sea and the long winters of his childhood, and we were glad to listen. ";
/** For helpers, and without room for any. */
const AMPLE_MB = 256;
const ALONE_MB = { texts: 60, pictures: 24 };
/** With two threads, at the largest amount. */
const FASTER_WITH_HELPERS = 1.7;

const rows = /** @type {Row[]} */ ([]);
const missed = /** @type {string[]} */ ([]);
const server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
const sotto = await startSotto();
const version = sotto.context.browser()?.version() ?? "unknown";
/**
 * @param {string} task
 * @param {number[]} values
 */
function add(task, values) {
  rows.push({ engine: "Sotto", version, task, unit: "ms", values });
  return quantile(values, 0.5);
}
/** @param {number} megabytes */
const budget = (megabytes) => sotto.ask({ ask: "keepSettings", settings: { memoryBudgetMb: megabytes } });
const nThreads = Math.min(4, cpus().length);

try {
  await texts();
  await pictures();
} finally {
  await sotto.close();
  await server.close();
}
finish("growth", rows, version, missed);

async function texts() {
  const page = await sotto.page(sotto.url("pages/options.html"));
  // What the net's products for 512 tokens take one core, which is most of what reading them takes.
  const productsMs = add("products of 512 tokens, one core", await page.evaluate(async () => {
    const { glue, wasmFile } = await import(chrome.runtime.getURL("engine.js"));
    await glue.default({ module_or_path: wasmFile });
    const products = new glue.Products();
    const values = [];
    for (let run = 0; run < 9; run += 1) {
      const began = performance.now();
      products.multiply();
      if (run > 1) values.push(performance.now() - began);
    }
    return values;
  }));
  const lines = { alone: /** @type {[number, number][]} */ ([]), helped: /** @type {[number, number][]} */ ([]), limit: /** @type {[number, number][]} */ ([]) };
  for (const words of WORDS) {
    const text = SENTENCE.repeat(Math.ceil(words / 20)).split(" ").slice(0, words).join(" ");
    let nTokens = 0;
    const timed = async () => {
      const values = [];
      for (let run = 0; run <= N_RUNS; run += 1) {
        const began = performance.now();
        const { nTokens: n } = await sotto.ask({ ask: "text", text });
        if (run > 0) values.push(performance.now() - began);
        nTokens = n;
      }
      return values;
    };
    await budget(ALONE_MB.texts);
    lines.alone.push([words, add(`${words} words, alone`, await timed())]);
    await budget(AMPLE_MB);
    lines.helped.push([words, add(`${words} words, with helpers`, await timed())]);
    lines.limit.push([words, (productsMs * nTokens) / 512 / nThreads]);
  }
  await page.close();
  const gain = last({ points: lines.alone }) / last({ points: lines.helped });
  if (nThreads > 1 && !(gain >= FASTER_WITH_HELPERS)) missed.push(`helpers make 7,000 words ${gain.toFixed(2)} times as fast, bar ${FASTER_WITH_HELPERS}`);
  draw("texts", "A text, from the request to its verdict", "words", [
    { name: "the background alone", colour: "#8a5a00", points: lines.alone },
    { name: "with helpers", colour: "#1a5fb4", points: lines.helped },
    { name: `each word once, ${nThreads} cores`, colour: "#777", dashed: true, points: lines.limit },
  ]);
}

async function pictures() {
  const lines = { alone: /** @type {[number, number][]} */ ([]), helped: /** @type {[number, number][]} */ ([]) };
  for (const n of N_PICTURES) {
    await budget(ALONE_MB.pictures);
    lines.alone.push([n, add(`scan of ${n}, alone`, await scans(n))]);
    await budget(AMPLE_MB);
    lines.helped.push([n, add(`scan of ${n}, with helpers`, await scans(n))]);
  }
  const own = await sotto.page(sotto.url("manifest.json"));
  const netMs = add("one picture judged, nothing else", await own.evaluate(async () => {
    const picture = { width: 512, height: 512, data: new Uint8ClampedArray(512 * 512 * 4).fill(128) };
    const values = [];
    for (let run = 0; run < 12; run += 1) values.push((await chrome.runtime.sendMessage({ id: `net${run}`, ask: "picture", picture })).elapsedMs);
    return values.slice(2);
  }));
  await own.close();
  draw("pictures", "A page's pictures, from “Check them” to the last verdict", "pictures", [
    { name: "the background alone", colour: "#8a5a00", points: lines.alone },
    { name: "with helpers", colour: "#1a5fb4", points: lines.helped },
    { name: `the net alone, ${nThreads} cores`, colour: "#777", dashed: true, points: N_PICTURES.map((n) => [n, (netMs * n) / nThreads]) },
  ]);
}

/** @param {number} n */
async function scans(n) {
  const values = [];
  for (let run = 0; run < N_RUNS; run += 1) {
    const page = await sotto.page(`${server.origin}/pictures.html`);
    await showDifferent(page, n);
    await sotto.grant(page);
    const tab = await (await sotto.worker()).evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id ?? -1);
    const began = performance.now();
    await sotto.askFromBehind({ ask: "scan", tab, wish: "start" });
    // Asked where it is counted: to ask the background would be work for it.
    const script = await contentScript(page, sotto.id);
    await eventually("the scan to end", async () => (await script.evaluate("globalThis.sottoScan.counts().judged")) === n, 60_000);
    values.push(performance.now() - began);
    await page.close();
  }
  return values;
}

/**
 * @param {string} name
 * @param {Parameters<typeof plot>} given
 */
function draw(name, ...given) {
  const folder = join(ROOT, "benches/results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${new Date().toISOString().slice(0, 10)}-growth-${name}.svg`), plot(...given));
}
