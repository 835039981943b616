// What runs in the extension while nobody wants anything of it, as the browser itself traces it: no debugger is attached.

import assert from "node:assert/strict";

const SCRIPTS = ["FunctionCall", "EvaluateScript", "v8.run"];
const TIMERS = ["TimerInstall", "TimerFire"];

/** What a verdict leaves to be kept is kept by then, on a machine that runs other tests beside. */
const SETTLE_MS = 4000;

/** Trace events and this clock count from the same moment. */
const nowUs = () => Number(process.hrtime.bigint() / 1000n);

/**
 * Counts scripts and timers in the processes of the extension at `address` during `idle`. Then `wake`, which must run a script of
 * the extension's, shows that the trace sees them.
 *
 * A browser that has only just started answers the worker's question what an organisation has set some seconds late, and the
 * answer is a script (src/web/settings/managed.rs): so that is waited for first.
 * @param {{ browser: Bare, page: (expression: string) => Promise<any>, address: string, idle: () => Promise<unknown>, wake: () => Promise<unknown> }} what
 */
export async function countWhileIdle({ browser, page, address, idle, wake }) {
  const events = /** @type {{ name: string, pid: number, ts: number, args?: { data?: { url?: string } } }[]} */ ([]);
  browser.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const complete = new Promise((resolve) => browser.on("Tracing.tracingComplete", resolve));
  await page("chrome.storage.managed.get()");
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const categories = ["devtools.timeline", "disabled-by-default-devtools.timeline", "__metadata"];
  await browser.send("Tracing.start", { traceConfig: { includedCategories: categories }, transferMode: "ReportEvents" });
  await idle();
  const wokenUs = nowUs();
  await wake();
  await browser.send("Tracing.end");
  await complete;
  const ours = events.filter(({ args }) => (args?.data?.url ?? "").startsWith(address));
  assert.ok(ours.some(({ ts }) => ts > wokenUs), "the trace does not see our scripts");
  const processes = new Set(ours.map(({ pid }) => pid));
  // Functions without an address are the browser's own: one runs as it stops a worker. Timers never have one.
  const scripts = ours.filter(({ name, ts }) => SCRIPTS.includes(name) && ts <= wokenUs);
  const timers = events.filter(({ name, pid, ts }) => TIMERS.includes(name) && processes.has(pid) && ts <= wokenUs);
  return { scripts: scripts.length, timers: timers.length };
}
