// What the text net's products for 512 tokens take on this computer's processor and on its graphics processor, in Chromium, by the
// worker that the settings' button starts: `cargo xtask bench gpu`. Where there is no graphics processor it says why, and
// measures the processor alone. `--software` takes the one that Chromium plays in software, to try the bench out: its figures
// say nothing of any graphics processor.

import { editFile, SOFTWARE_GPU } from "../../tests/browser/harness/browser.js";
import { startSotto } from "../../tests/browser/harness/sotto.js";
import { finish } from "../report.js";

const isSoftware = process.argv.includes("--software");
/** In software once takes a minute. */
const N_TIMES = isSoftware ? 1 : 5;
/** @type {Partial<Record<NoGraphics, string>>} */
const NONE = {
  noAdapter: "there is no graphics processor",
  softwareOnly: "there is no graphics processor but one in software, which --software takes",
  wrong: "the graphics processor computes wrong",
};
const TASK = "products of 512 tokens";

const sotto = await startSotto({
  // Some drivers want a screen.
  headless: !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY,
  // Also where Chromium doesn't trust the driver yet; one in software it then has too, and Sotto refuses it.
  flags: isSoftware ? SOFTWARE_GPU : SOFTWARE_GPU.slice(0, 1),
  edit: isSoftware ? (folder) => editFile(folder, "gpu.js", (text) => text.replace("allowsSoftware = false", "allowsSoftware = true")) : null,
});
const browser = sotto.context.browser()?.version() ?? "unknown";
/** @type {Row[]} */
const rows = [];
try {
  const page = await sotto.page(sotto.url("pages/privacy.html"));
  for (let time = 0; time < N_TIMES; time += 1) {
    for (const said of await measure(page)) {
      if (said.measurer === "problem") throw new Error(said.problem);
      if (said.measurer === "noGraphics" && time === 0) console.log(`the processor alone is measured: ${NONE[said.reason] ?? `${said.reason} ${said.detail}`}`);
      if (said.measurer === "processor") note("processor, one thread", said);
      if (said.measurer === "graphics") note(isSoftware ? "graphics processor, in software" : "graphics processor", said);
    }
  }
} finally {
  await sotto.close();
}
finish("gpu", rows, browser);

/**
 * @param {string} engine
 * @param {Extract<FromMeasurer, { measurer: "processor" | "graphics" }>} said
 */
function note(engine, { figures, means }) {
  for (const [task, unit, value] of /** @type {const} */ ([[TASK, "ms", figures.medianMs], [`${TASK}, rate`, "GOP/s", figures.gops]])) {
    const known = rows.find((row) => row.engine === engine && row.task === task);
    if (known) known.values.push(value);
    else rows.push({ engine, version: means, task, unit, values: [value] });
  }
}

/**
 * What a worker says from its start to its end.
 * @param {Page} page
 * @returns {Promise<FromMeasurer[]>}
 */
function measure(page) {
  return page.evaluate(() => new Promise((resolve, reject) => {
    const worker = new Worker("measurer.js", { type: "module" });
    /** @type {FromMeasurer[]} */
    const said = [];
    worker.addEventListener("error", ({ message }) => reject(new Error(message)));
    worker.addEventListener("message", ({ data }) => {
      said.push(data);
      if (!["graphics", "noGraphics", "problem"].includes(data.measurer)) return;
      worker.terminate();
      resolve(said);
    });
  }));
}
