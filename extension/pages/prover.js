// Runs an engine of one flavour by itself, in a worker of the page "How good is it?", which starts it when the person clicks and
// ends it, and with it its memory, when all is said or they stop it. What it reads and looks at is src/web/prove.rs'. It must never
// keep anything, nor say it to anybody but that page.

import * as relaxed from "../engine/relaxed/sotto.js";
import * as simd128 from "../engine/simd128/sotto.js";
import { flavour as best } from "../engine.js";

const LENGTHS = [8, 32, 128, 512];
/** So often each is timed, after once that does not count; on a slow computer less often, but once. */
const N_RUNS = 7;
const PATIENCE_MS = 1_200;

const GLUES = { relaxed, simd128 };
let prover = /** @type {import("sotto-engine").Prover | null} */ (null);

/** @param {FromProver} said */
const tell = (said) => self.postMessage(said);

/**
 * @param {import("sotto-engine").Prover} prover
 * @param {"text" | "picture"} task
 */
async function load(prover, task) {
  const response = await fetch(new URL(`../models/${prover.fileOf(task)}`, import.meta.url));
  await prover.load(task, await response.blob());
}

/** @param {() => void} run */
function medianOf(run) {
  run();
  /** @type {number[]} */
  const times = [];
  const begun = performance.now();
  do {
    const started = performance.now();
    run();
    times.push(performance.now() - started);
  } while (times.length < N_RUNS && performance.now() - begun < PATIENCE_MS);
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** @param {keyof typeof GLUES} flavour */
async function begin(flavour) {
  // A browser that runs both has the better one as its own.
  if (flavour === "relaxed" && best !== flavour) return tell({ prover: "unable" });
  const glue = GLUES[flavour];
  await glue.default({ module_or_path: new URL(`../engine/${flavour}/sotto_bg.wasm`, import.meta.url) });
  prover = new glue.Prover();
  await load(prover, "text");
  prover.judge();
  tell({ prover: "begun", means: prover.means(), memoryBytes: prover.memoryBytes() });
}

/** @param {import("sotto-engine").Prover} prover */
async function measure(prover) {
  for (const nTokens of LENGTHS) tell({ prover: "read", nTokens, medianMs: medianOf(() => prover.read(nTokens)) });
  const started = performance.now();
  await load(prover, "picture");
  const loadMs = performance.now() - started;
  tell({ prover: "looked", medianMs: medianOf(() => prover.look()), loadMs });
}

/**
 * @param {import("sotto-engine").Prover} prover
 * @param {number} nTokens
 * @param {number} duringMs
 */
function repeat(prover, nTokens, duringMs) {
  const started = performance.now();
  let nTexts = 0;
  do {
    prover.read(nTokens);
    nTexts += 1;
  } while (performance.now() - started < duringMs);
  tell({ prover: "repeated", nTexts, elapsedMs: performance.now() - started });
}

self.addEventListener("message", async (/** @type {MessageEvent<ToProver>} */ { data: wish }) => {
  try {
    if (wish.prove === "begin") return await begin(wish.flavour);
    if (!prover) throw new Error("the engine was not begun");
    if (wish.prove === "measure") await measure(prover);
    else repeat(prover, wish.nTokens, wish.duringMs);
  } catch (/** @type {any} */ problem) {
    tell({ prover: "problem", problem: String(problem?.message ?? problem) });
  }
});
