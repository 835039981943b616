// `cargo xtask bench engine`: Sotto beside its peers, all in one page of one Chromium, one thread each, taking turns, so that
// whatever else the machine does befalls all of them. Prints a table, writes benches/results/, and with --check fails where
// a bar of bars.js is missed. Answers are compared first: a fast wrong engine is no engine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { launchBrowser } from "../../tests/browser/harness/browser.js";
import { DIST, PICTURES, ROOT, WORKSHOP } from "../../tests/browser/harness/places.js";
import { serve } from "../../tests/browser/harness/server.js";
import { finish, processorFlags } from "../report.js";
import { check, KINDS } from "./bars.js";
import { bundlePage, KITCHEN, makePeersModel, packagedModels, PEERS, takePeersPictureModel } from "./prepare.js";

const N_ROUNDS = Number(process.env.SOTTO_BENCH_ROUNDS ?? 15);
/** Short inputs run several times per round. */
const TEXT_CASES = [
  { nTokens: 16, nRuns: 8 },
  { nTokens: 64, nRuns: 3 },
  { nTokens: 128, nRuns: 2 },
  { nTokens: 512, nRuns: 1 },
];
const PICTURE_RUNS = 4;
const SIDE = 224;
/** Onnxruntime's own threads beside as many of Sotto's engines, as the extension has helpers. */
const N_THREADS = Math.min(2, cpus().length);
const N_WINDOWS = 6;
const N_STEADY_RUNS = 1000;
const WORDS =
  "the film is a warm and funny story about two old friends who meet again after many years and the music is lovely too";
/**
 * One of each way that the text model knows, and one that is neutral without its emoji: compared, not timed. Each is clear,
 * because where the model itself is unsure, onnxruntime's int8 alone can move a probability by more than a tenth.
 */
const COMPARED_TEXTS = [
  "The kitchen was dirty and nobody answered the phone.",
  "The library opens at nine and closes at six on weekdays.",
  "The staff were kind and the room had a lovely view.",
  "They play again tonight 😍👍🏽",
];

const mode = process.argv[2];
assert.ok(["--check", "--show", "--peers-only"].includes(mode), "usage: run.js --show|--check|--peers-only");
const withSotto = mode !== "--peers-only";

/** @param {string} name */
const version = (name) => JSON.parse(readFileSync(join(PEERS, name, "package.json"), "utf8")).version;
const models = packagedModels();
const sentiment = models.find(({ task }) => task === "text");
const rows = /** @type {Row[]} */ ([]);
/**
 * @typedef {{ task: string, label: string, input: unknown, nRuns: number }} Job
 * @typedef {{ name: string, job: Job, elapsedMs: number[], answer: Record<string, number> }} Turn
 * @typedef {(method: string, ...parameters: unknown[]) => Promise<any>} Call asks the page
 * @typedef {(engine: string, task: string, unit: string, values: number[]) => void} Add
 */

await bundlePage();
makePeersModel(sentiment.weights);
takePeersPictureModel();
const server = await serve({
  routes: {
    "/": join(ROOT, "benches/engine"),
    "/bundle/": join(KITCHEN, "bundle"),
    "/dist/": DIST,
    "/engine/relaxed/": join(WORKSHOP, "wasm/bench/relaxed/bound"),
    "/engine/simd128/": join(WORKSHOP, "wasm/bench/simd128/bound"),
    "/models/": join(KITCHEN, "models"),
    "/onnx/": join(KITCHEN, "models/distilbert/onnx"),
    "/onnxruntime/": join(PEERS, "onnxruntime-web/dist"),
    "/onnxruntime-of-transformers/": join(PEERS, "@huggingface/transformers/node_modules/onnxruntime-web/dist"),
    "/pictures/": PICTURES,
    "/tfjs/": join(PEERS, "@tensorflow/tfjs-backend-wasm/dist"),
  },
  // An isolated page has a clock of 5 µs instead of 100.
  headers: { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" },
});
let browserVersion = "unknown";
try {
  for (const { kind, jsFlags } of kinds()) {
    const browser = await launchBrowser({ flags: [`--js-flags=--expose-gc ${jsFlags}`.trim()] });
    browserVersion = browser.context.browser()?.version() ?? browserVersion;
    try {
      const page = await browser.context.newPage();
      page.setDefaultTimeout(0);
      page.on("pageerror", (error) => console.error(`bench: ${error.message}`));
      await page.goto(`${server.origin}/page.html`);
      await page.waitForFunction(() => globalThis.bench);
      await measure(page, kind);
      await page.close();
      if (N_THREADS > 1) await measureThreads(browser.context, kind);
    } finally {
      await browser.close();
    }
  }
} finally {
  await server.close();
}
finish(withSotto ? "engine" : "engine-peers", rows, browserVersion, withSotto ? check(rows) : []);

/**
 * The processor as it is, and, where it multiplies and adds eight bits in one instruction, the same one as most are that people
 * have: V8 then uses none of it, for Sotto and for its peers.
 */
function kinds() {
  const asItIs = { kind: KINDS.asItIs, jsFlags: "" };
  const without = { kind: KINDS.without, jsFlags: "--no-enable-avx-vnni --no-enable-avx-vnni-int8" };
  return processorFlags().includes("avx_vnni") ? [asItIs, without] : [asItIs];
}

/**
 * @param {Page} page
 * @param {string} kind
 */
async function measure(page, kind) {
  /** @type {Call} */
  const call = (method, ...parameters) =>
    page.evaluate(([name, given]) => globalThis.bench[name](...given), /** @type {[string, unknown[]]} */ ([method, parameters]));
  /** @type {Add} */
  const add = (engine, task, unit, values) => rows.push({ kind, engine, version: contestants[engine].version, task, unit, values });

  /** @type {Record<string, { version: string, load: [string, ...unknown[]] }>} */
  const contestants = {
    "onnxruntime-web int8": { version: version("onnxruntime-web"), load: ["onnxruntime", "model_quantized"] },
    "onnxruntime-web int8 fused": { version: version("onnxruntime-web"), load: ["onnxruntime", "fused"] },
    "onnxruntime-web": { version: version("onnxruntime-web"), load: ["onnxruntimePictures"] },
    "Transformers.js": { version: version("@huggingface/transformers"), load: ["transformers"] },
    nsfwjs: { version: `${version("nsfwjs")} on tfjs-wasm ${version("@tensorflow/tfjs-backend-wasm")}`, load: ["nsfwjs"] },
  };
  if (withSotto) {
    const own = JSON.parse(readFileSync(join(DIST, "manifest.json"), "utf8")).version;
    contestants.Sotto = { version: own, load: ["sotto", "relaxed", models] };
    contestants["Sotto, plain SIMD"] = { version: own, load: ["sotto", "simd128", models] };
  }

  /** @param {string} task */
  const addMemory = async (task) => {
    for (const name of Object.keys(contestants)) {
      // onnxruntime-web's second form lives in the first one's memory and has none of its own.
      const bytes = await call("memoryBytes", name);
      if (bytes > 0) add(name, task, "bytes", [bytes]);
    }
  };
  const tasksOf = /** @type {Record<string, string>} */ ({});
  for (const [name, { load }] of Object.entries(contestants)) {
    const loadMs = await call("load", name, ...load);
    for (const [what, elapsedMs] of Object.entries(loadMs)) add(name, `load ${what}`, "ms", /** @type {number[]} */ ([elapsedMs].flat()));
    tasksOf[name] = load[0];
  }

  await addMemory("memory, models ready");
  await call("preparePicture", "/pictures/coffee.png", SIDE);
  const jobs = await textJobs(call);
  jobs.push({ task: "picture", label: `picture ${SIDE} px`, input: null, nRuns: PICTURE_RUNS });
  jobs.push({ task: "secondLook", label: `second look ${SIDE} px`, input: null, nRuns: PICTURE_RUNS });
  jobs.push({ task: "bothLooks", label: `both looks ${SIDE} px`, input: null, nRuns: PICTURE_RUNS });

  /** @type {Record<string, string[]>} */
  const CAN = { onnxruntime: ["text"], transformers: ["sentence"], nsfwjs: ["picture"], onnxruntimePictures: ["secondLook"],
    sotto: ["text", "sentence", "picture", "secondLook", "bothLooks"] };
  /** @param {Job[]} jobs */
  const turnsOf = (jobs) => jobs.flatMap((job) => /** @type {Turn[]} */ (
    Object.keys(contestants)
      .filter((name) => CAN[tasksOf[name]].includes(job.task))
      .map((name) => ({ name, job, elapsedMs: [], answer: {} }))));
  const turns = turnsOf(jobs);

  const compared = [...turnsOf(await comparedJobs(call)), ...turns];
  for (const turn of compared) turn.answer = (await call("run", turn.name, turn.job.task, turn.job.input, 2)).answer;
  compareAnswers(compared);
  await addMemory("memory, every case run");
  for (let round = 0; round < N_ROUNDS; round += 1) {
    for (const turn of turns) {
      const { elapsedMs } = await call("run", turn.name, turn.job.task, turn.job.input, turn.job.nRuns);
      turn.elapsedMs.push(...elapsedMs);
    }
    process.stderr.write(`\rbench: ${kind}, round ${round + 1} of ${N_ROUNDS}`);
  }
  process.stderr.write("\n");
  for (const { name, job, elapsedMs } of turns) add(name, job.label, "ms", elapsedMs);
  if (withSotto) {
    await measureSteadiness(call, add, jobs);
    await measureArithmetic(call, add);
    addSizes(add);
  }
}

/**
 * Windows of a long text on two threads, in a page of its own: onnxruntime's threads are set once for a page.
 * @param {BrowserContext} context
 * @param {string} kind
 */
async function measureThreads(context, kind) {
  const turns = /** @type {{ engine: string, version: string, page: Page, elapsedMs: number[], answer: Record<string, number> }[]} */ ([]);
  /** @type {[engine: string, version: string, load: unknown[]][]} */
  const contestants = [["onnxruntime-web int8", version("onnxruntime-web"), ["onnxruntimeThreads", "model_quantized", N_THREADS]],
    ["onnxruntime-web int8 fused", version("onnxruntime-web"), ["onnxruntimeThreads", "fused", N_THREADS]]];
  if (withSotto) contestants.push(["Sotto", JSON.parse(readFileSync(join(DIST, "manifest.json"), "utf8")).version, ["sottoThreads", "relaxed", N_THREADS, sentiment]]);
  let windows = /** @type {number[][]} */ ([]);
  for (const [engine, version, load] of contestants) {
    const page = await context.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`${server.origin}/page.html`);
    await page.waitForFunction(() => globalThis.bench);
    await page.evaluate(([name, given]) => globalThis.bench.load(name, ...given), /** @type {[string, unknown[]]} */ ([engine, load]));
    if (!windows.length) {
      const words = WORDS.split(" ");
      const text = Array.from({ length: 510 }, (_, index) => words[index % words.length]).join(" ");
      await page.evaluate(() => globalThis.bench.load("words", "transformers"));
      const ids = await page.evaluate((given) => globalThis.bench.ids(given), text);
      windows = Array.from({ length: N_WINDOWS }, () => ids);
    }
    turns.push({ engine, version, page, elapsedMs: [], answer: {} });
  }
  for (let round = -1; round < N_ROUNDS; round += 1) {
    for (const turn of turns) {
      const { elapsedMs, answer } = await turn.page.evaluate(([name, given]) => globalThis.bench.run(name, "windows", given, 1), /** @type {[string, number[][]]} */ ([turn.engine, windows]));
      turn.answer = answer;
      if (round >= 0) turn.elapsedMs.push(...elapsedMs);
    }
  }
  for (const { answer } of turns) {
    for (const [label, share] of Object.entries(turns[0]?.answer ?? {})) assert.ok(Math.abs(answer[label] - share) <= 0.1, `on ${N_THREADS} threads the engines disagree`);
  }
  for (const { engine, version, page, elapsedMs } of turns) {
    rows.push({ kind, engine, version, task: `${N_WINDOWS} windows of 512 tokens, ${N_THREADS} threads`, unit: "ms", values: elapsedMs });
    await page.close();
  }
}

/**
 * Texts of exactly so many tokens, as ids for the nets and as a string for what tokenises by itself.
 * @param {Call} call
 */
async function textJobs(call) {
  const jobs = /** @type {Job[]} */ ([]);
  for (const { nTokens, nRuns } of TEXT_CASES) {
    const words = WORDS.split(" ");
    const text = Array.from({ length: nTokens - 2 }, (_, index) => words[index % words.length]).join(" ");
    const ids = await call("ids", text);
    assert.equal(ids.length, nTokens, `the text for ${nTokens} tokens has ${ids.length}`);
    jobs.push({ task: "text", label: `text ${nTokens} tokens`, input: ids, nRuns });
    jobs.push({ task: "sentence", label: `string ${nTokens} tokens`, input: text, nRuns });
  }
  return jobs;
}

/** @param {Call} call */
async function comparedJobs(call) {
  const jobs = /** @type {Job[]} */ ([]);
  for (const text of COMPARED_TEXTS) {
    jobs.push({ task: "text", label: `ids of ${text}`, input: await call("ids", text), nRuns: 0 });
    jobs.push({ task: "sentence", label: text, input: text, nRuns: 0 });
  }
  return jobs;
}

/**
 * The engines run the same weights, so they must agree: each label's probability within a tenth.
 * @param {Turn[]} turns
 */
function compareAnswers(turns) {
  let largest = { difference: 0, label: "" };
  for (const job of new Set(turns.map((turn) => turn.job))) {
    const answers = turns.filter((turn) => turn.job === job);
    const told = answers.map(({ name, answer }) => `${name}: ${JSON.stringify(answer)}`).join("; ");
    for (const { answer } of answers) {
      for (const [name, probability] of Object.entries(answers[0].answer)) {
        const difference = Math.abs(answer[name] - probability);
        assert.ok(difference <= 0.1, `${job.label}: the engines disagree. ${told}`);
        if (difference > largest.difference) largest = { difference, label: job.label };
      }
    }
  }
  console.log(`bench: the engines agree; no probability differs by more than ${largest.difference.toFixed(3)} (${largest.label})`);
}

/**
 * Linear memory after many runs of every kind against what it was after the first of each.
 * @param {Call} call
 * @param {Add} add
 * @param {Job[]} jobs
 */
async function measureSteadiness(call, add, jobs) {
  const memory = () => call("memoryBytes", "Sotto");
  const before = await memory();
  for (let run = 0; run < N_STEADY_RUNS; run += 50) {
    await call("run", "Sotto", "text", jobs[0].input, 40);
    await call("run", "Sotto", "bothLooks", null, 10);
  }
  add("Sotto", `memory grown by ${N_STEADY_RUNS} runs`, "bytes", [(await memory()) - before]);
}

/**
 * @param {Call} call
 * @param {Add} add
 */
async function measureArithmetic(call, add) {
  for (const flavour of ["Sotto", "Sotto, plain SIMD"]) {
    const path = await call("path", flavour);
    const peaks = /** @type {number[]} */ ([]);
    const products = /** @type {number[]} */ ([]);
    for (let round = 0; round < N_ROUNDS; round += 1) {
      peaks.push(await call("gops", flavour, "in-register peak of the product"));
      products.push(await call("gops", flavour, "four bits 128 × 768 × 3072"));
    }
    add(flavour, `in-register peak, ${path}`, "GOP/s", peaks);
    add(flavour, `product 128x768x3072, ${path}`, "GOP/s", products);
    add(flavour, "share of the peak", "%", products.map((product, round) => (100 * product) / peaks[round]));
  }
}

/** @param {Add} add */
function addSizes(add) {
  for (const [flavour, name] of [["relaxed", "Sotto"], ["simd128", "Sotto, plain SIMD"]]) {
    add(name, "engine .wasm", "bytes", [readFileSync(join(DIST, `engine/${flavour}/sotto_bg.wasm`)).length]);
  }
}
