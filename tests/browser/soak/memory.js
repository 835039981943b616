// Many runs in one life of the worker, and what its memory does meanwhile: the first tenth of them may make it grow, to its
// working size; the rest may not. Nothing is attached to the worker while it works.

import { launchBare } from "../harness/bare.js";
import { eventually } from "../harness/browser.js";
import { DIST } from "../harness/places.js";
import { ask, PICTURE_PROBES, TEXT_PROBES } from "./probes.js";

const N_PARTS = 10;
/** Of a heap that was just collected: compiled code and the collector's own bookkeeping move by this much. */
const HEAP_SLACK_BYTES = 400_000;

/**
 * `expected` are the verdicts in calm, by the probes' names.
 * @param {string} kind
 * @param {number} nRuns
 * @param {any} expected
 */
export async function manyRuns(kind, nRuns, expected) {
  const probes = kind === "text" ? TEXT_PROBES : PICTURE_PROBES;
  const browser = await launchBare({ extensions: [DIST] });
  try {
    const worker = await eventually("the service worker", () => findWorker(browser));
    const evaluate = await browser.page(worker.url.replace("background.js", "manifest.json"));
    const samples = [];
    let nWrong = 0;
    for (let part = 0; part < N_PARTS; part += 1) {
      nWrong += await evaluate(runsOf(nRuns / N_PARTS, probes, expected));
      samples.push({ ...(await sample(browser)), wasmBytes: await evaluate(WASM_BYTES) });
    }
    const [first, last] = [samples[0], samples[samples.length - 1]];
    const figures = [
      { name: "WebAssembly memory", first: first.wasmBytes, last: last.wasmBytes, allowed: 0 },
      { name: "JavaScript heap of the worker", first: first.heapBytes, last: last.heapBytes, allowed: HEAP_SLACK_BYTES },
    ];
    return { figures, nWrong, sameLife: first.born === last.born };
  } finally {
    await browser.close();
  }
}

const WASM_BYTES = `chrome.runtime.sendMessage({ id: "soak", ask: "status" }).then((status) => status.memory.wasmBytes)`;

/**
 * An expression for the page: runs one after another, and how many had another verdict than in calm.
 * @param {number} nRuns
 * @param {any} probes
 * @param {any} expected
 */
function runsOf(nRuns, probes, expected) {
  return `(async () => {
    const ask = ${ask};
    const [probes, expected] = [${JSON.stringify(probes)}, ${JSON.stringify(expected)}];
    let nWrong = 0;
    for (let run = 0; run < ${nRuns}; run += 1) {
      const probe = probes[run % probes.length];
      const { verdict } = await ask("run-" + run, probe, 60000);
      if (verdict !== expected[probe.name]) nWrong += 1;
    }
    return nWrong;
  })()`;
}

/** @param {Bare} browser */
const findWorker = async (browser) =>
  (await browser.targets()).find(({ type, url }) => type === "service_worker" && url.endsWith("/background.js"));

/**
 * The worker's heap after a collection, and when this life of it began.
 * @param {Bare} browser
 */
async function sample(browser) {
  const { targetId } = await findWorker(browser);
  const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
  await browser.send("HeapProfiler.collectGarbage", {}, sessionId);
  const { usedSize } = await browser.send("Runtime.getHeapUsage", {}, sessionId);
  const { result } = await browser.send("Runtime.evaluate", { expression: "performance.timeOrigin" }, sessionId);
  await browser.send("Target.detachFromTarget", { sessionId });
  return { heapBytes: usedSize, born: result.value };
}
