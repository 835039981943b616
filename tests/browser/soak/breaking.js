// Breaks the engine while others wait for it. The shipped wasm is asked, on a copy of dist/, for more memory than there can
// be, which ends in the trap that every panic ends in; what has to heal is the shipped background.js. No code for it ships.

import { editFile, eventually } from "../harness/browser.js";

const ORDER = "soak-break";
const N_AT_ONCE = 10;

/**
 * The changes to a copy of dist/: its glue can break the engine, and its background does so when it is told.
 * @param {string} folder
 */
export function breakable(folder) {
  for (const flavour of ["relaxed", "simd128"]) {
    editFile(folder, `engine/${flavour}/sotto.js`, (text) => `${text}
export function breakNow() { wasm.__wbindgen_malloc(0xffffffff, 1); }
`);
  }
  editFile(folder, "background.js", (text) => `${text}
chrome.runtime.onMessage.addListener((message) => {
  if (message?.order !== "${ORDER}") return false;
  // Now, inside a call, or later, where nobody can catch it, as a panic in an asynchronous part of the engine would be.
  const work = (host) => (message.later ? queueMicrotask(() => host.breakNow()) : host.breakNow());
  inEngine((host) => Promise.resolve(work(host))).catch(() => {});
  return false;
});
`);
}

/**
 * Each time ten requests are under way, and all of them must get their right answer, as must one that comes after. Every other
 * pair of breaks meets an engine that is only just starting: the worker was killed.
 * @param {Load} load
 * @param {number} nBreaks
 */
export async function breakEngine(load, nBreaks) {
  const problems = /** @type {string[]} */ ([]);
  let nHealed = 0;
  for (let round = 0; round < nBreaks; round += 1) {
    const nProblemsBefore = problems.length;
    /** @param {number} index */
    const judge = async (index) => {
      const tab = load.tabs[index % load.tabs.length];
      const probe = tab.probes[index % tab.probes.length];
      const id = `break-${round}-${index}`;
      const fault = load.fault(await load.request(tab, id, probe), id, probe);
      if (fault) problems.push(fault);
    };
    if (round % 4 >= 2) await eventually("a worker to kill", () => load.kill());
    const underWay = Array.from({ length: N_AT_ONCE }, (_, index) => judge(index));
    const order = { order: ORDER, later: round % 2 === 1 };
    await load.ownPage.evaluate((/** @type {any} */ message) => void chrome.runtime.sendMessage(message).catch(() => {}), order);
    await Promise.all(underWay);
    await judge(N_AT_ONCE);
    if (problems.length === nProblemsBefore) nHealed += 1;
  }
  return { nHealed, problems };
}
