// Measures this computer in a worker of the settings page, which starts it when the person clicks, hears what it says, and ends it
// when all is said or they stop it, and with it its memory and its device. What is multiplied is src/web/measure.rs'. It must
// never keep anything, nor say it to anybody but that page.

import { glue, wasmFile } from "../engine.js";
import { openGpu } from "../gpu.js";

/** So often each is measured, after once that does not count; on a slow computer less often, but once. */
const N_RUNS = 5;
const PATIENCE_MS = 10_000;
/** What the bar counts: the making, a device with its first product, and all runs on both. */
const N_STEPS = 2 + 2 * (1 + N_RUNS);

/** @param {FromMeasurer} said */
const tell = (said) => self.postMessage(said);

let nDone = 0;
function step() {
  nDone += 1;
  tell({ measurer: "working", percent: Math.round((100 * nDone) / N_STEPS) });
}

/**
 * @param {number} operations
 * @param {() => unknown} run
 */
async function figuresOf(operations, run) {
  /** @type {number[]} */
  const times = [];
  const begun = performance.now();
  for (let index = 0; index <= N_RUNS; index += 1) {
    const started = performance.now();
    if (index < 2 || started - begun < PATIENCE_MS) {
      await run();
      if (index > 0) times.push(performance.now() - started);
    }
    step();
  }
  const medianMs = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
  return { medianMs, gops: operations / medianMs / 1e6 };
}

/**
 * @param {import("sotto-engine").Products} products
 * @returns {Promise<FromMeasurer>}
 */
async function onGraphics(products) {
  const gpu = await openGpu();
  try {
    await gpu.compile(products.program(gpu.hasPackedDots));
    const layers = products.handTo(gpu);
    const sums = products.firstSums();
    const first = layers.slice(0, 1).map((layer) => layer.slice(0, 1));
    const got = new Int32Array((await gpu.run(first, sums.byteLength)).buffer);
    if (!sums.every((sum, index) => sum === got[index])) return { measurer: "noGraphics", reason: "wrong", detail: "" };
    step();
    const figures = await figuresOf(products.operations(), () => gpu.run(layers, Int32Array.BYTES_PER_ELEMENT));
    return { measurer: "graphics", figures, means: [gpu.vendor, gpu.architecture].filter(Boolean).join(", ") };
  } finally {
    gpu.close();
  }
}

try {
  await glue.default({ module_or_path: wasmFile });
  const products = new glue.Products();
  step();
  const figures = await figuresOf(products.operations(), () => products.multiply());
  tell({ measurer: "processor", figures, means: products.means() });
  tell(await onGraphics(products).catch(({ reason = "failed", message }) => ({ measurer: "noGraphics", reason, detail: message })));
} catch (/** @type {any} */ problem) {
  tell({ measurer: "problem", problem: String(problem?.message ?? problem) });
}
