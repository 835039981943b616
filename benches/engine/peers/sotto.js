// Sotto's engine, compiled as what ships but with the exports that benches/README.md names. The peers know nothing of it.

/**
 * So many engines, each in a worker of its own; returns what reads windows of a text, each by whichever is free.
 * @param {string} flavour
 * @param {number} nThreads
 * @param {{ model: string, bytes: Uint8Array }} text
 */
export async function startMany(flavour, nThreads, text) {
  const workers = await Promise.all(Array.from({ length: nThreads }, async () => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.postMessage({ flavour, ...text });
    await new Promise((resolve) => (worker.onmessage = resolve));
    return worker;
  }));
  /**
   * @param {number[][]} windows
   * @returns {Promise<number[][]>}
   */
  return async (windows) => {
    const answers = /** @type {number[][]} */ ([]);
    let next = 0;
    await Promise.all(workers.map(async (worker) => {
      for (let id; (id = next) < windows.length; ) {
        next += 1;
        const answered = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
        worker.postMessage({ id, ids: Uint32Array.from(windows[id] ?? []) });
        const { logits } = await answered;
        answers[id] = Array.from(logits);
      }
    }));
    return answers;
  };
}

/**
 * Returns a function that makes an engine; free one before you make the next.
 * @param {string} flavour "relaxed" or "simd128"
 */
export async function start(flavour) {
  const glue = await import(`/engine/${flavour}/sotto.js`);
  await glue.default({ module_or_path: `/engine/${flavour}/sotto_bg.wasm` });
  if (!glue.BenchEngine) throw new Error(`the ${flavour} flavour exports no BenchEngine`);
  return () => new glue.BenchEngine();
}
