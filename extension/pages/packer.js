// A worker of the settings page: makes a packed model of chosen files with an engine of its own (src/web/models/packing.rs), and
// says how far it is. The page ends it when it is done or given up, and its memory with it. It must never keep anything.

import { glue, wasmFile } from "../engine.js";

self.addEventListener("message", async (/** @type {MessageEvent<File[]>} */ { data: files }) => {
  try {
    await glue.default({ module_or_path: wasmFile });
    await glue.packModel(files, (said) => self.postMessage(said));
  } catch (/** @type {any} */ problem) {
    self.postMessage({ packer: "problem", problem: String(problem?.message ?? problem) });
  }
});
