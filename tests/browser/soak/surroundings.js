// What the machine may do to the extension: its clock jumps, its disk is full. Each function gives the list of what went wrong.

import { eventually } from "../harness/browser.js";
import { TEXT_PROBES } from "./probes.js";

const HOUR_MS = 3_600_000;

/**
 * One request in the calm; a line where it was not answered rightly.
 * @param {Load} load
 * @param {string} id
 */
async function faultOf(load, id) {
  const outcome = await load.request(load.tabs[0], id, TEXT_PROBES[0]);
  const fault = load.fault(outcome, id, TEXT_PROBES[0]);
  return fault ? [fault] : [];
}

/**
 * Both of the worker's clocks jump by a day and an hour, forwards and back, between and during requests.
 * @param {Load} load
 */
export async function jumpingClocks(load) {
  const problems = [];
  const worker = await load.sotto.worker();
  for (const jumpMs of [24 * HOUR_MS, -24 * HOUR_MS, HOUR_MS, -HOUR_MS]) {
    const request = faultOf(load, `clock-${jumpMs}`);
    await worker.evaluate((/** @type {number} */ by) => {
      const [now, date] = [performance.now.bind(performance), Date.now.bind(Date)];
      performance.now = () => now() + by;
      Date.now = () => date() + by;
    }, jumpMs);
    problems.push(...(await request), ...(await faultOf(load, `clock-after-${jumpMs}`)));
    const status = await load.sotto.ask({ ask: "status" });
    const figures = status.models.flatMap(({ runMedianMs, runP95Ms }) => [runMedianMs, runP95Ms]);
    if (figures.some((figure) => Number.isNaN(figure))) problems.push(`after a jump of ${jumpMs} ms the status says ${figures}`);
  }
  // The next life has the right clocks again.
  await load.kill();
  return problems;
}

/**
 * No weights are stored and the disk is full: judged all the same, and stored once there is room. The extension's quota has no
 * limit that the debugger could lower, so in one life of the worker IndexedDB itself refuses to keep anything.
 * @param {Load} load
 */
export async function fullStorage(load) {
  const problems = [];
  const storedBytes = async () => {
    const { models } = await load.sotto.ask({ ask: "status" });
    return models.find(({ id }) => id === "sentiment").storedBytes;
  };
  await load.sotto.ask({ ask: "unload", model: "sentiment" });
  await load.sotto.ask({ ask: "forget", model: "sentiment" });
  const worker = await load.sotto.worker();
  await worker.evaluate(() => {
    for (const write of /** @type {const} */ (["put", "add"])) {
      IDBObjectStore.prototype[write] = () => {
        self.nRefused = (self.nRefused ?? 0) + 1;
        throw new DOMException("no room", "QuotaExceededError");
      };
    }
  });
  problems.push(...(await faultOf(load, "full")));
  if ((await storedBytes()) !== 0) problems.push("weights were stored although there was no room");
  if (!(await worker.evaluate(() => self.nRefused))) problems.push("nothing was refused for want of room, so this proved nothing");
  await load.kill();
  problems.push(...(await faultOf(load, "room")));
  await eventually("the weights to be stored once there is room", async () => (await storedBytes()) > 0);
  return problems;
}
