// A worker of the settings page: makes a packed model of chosen files with an engine of its own (src/web/packing.rs), and
// says how far it is. The page ends it when it is done or given up, and its memory with it. It must never keep anything.

import { glue, wasmFile } from "../engine.js";

self.addEventListener("message", async (/** @type {MessageEvent<File[]>} */ { data: files }) => {
  try {
    await glue.default({ module_or_path: wasmFile });
    const packed = await glue.packModel(files, (percent) => self.postMessage({ percent }));
    self.postMessage({ packed });
  } catch (/** @type {any} */ problem) {
    self.postMessage({ problem: String(problem?.message ?? problem) });
  }
});
