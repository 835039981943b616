// How long a page's event loop stands still, from the browser's own trace of its main thread: whatever ran there, scripts of
// any world, style, layout and paint. It tells times only; what they should be is said where it is used.

/**
 * Runs `work` while the browser writes a trace; it gets a function that runs something between two marks. Gives by each
 * mark's name the length of the longest task in every such window, in milliseconds.
 * @param {CDPSession} cdp
 * @param {Page} page
 * @param {(within: (name: string, inside: () => unknown) => Promise<void>) => Promise<unknown>} work
 */
export async function longestTasks(cdp, page, work) {
  /** @typedef {{ cat: string, name: string, ph: string, pid: number, tid: number, ts: number, dur: number }} TraceEvent */
  const events = /** @type {TraceEvent[]} */ ([]);
  /** @param {{ value: any[] }} told */
  const collect = ({ value }) => events.push(...value);
  cdp.on("Tracing.dataCollected", collect);
  await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["toplevel", "blink.user_timing"] } });
  /** @param {string} name */
  const mark = (name) => page.evaluate((name) => void performance.mark(name), name);
  await work(async (name, inside) => {
    await mark(`begin ${name}`);
    await inside();
    await mark(`end ${name}`);
  });
  const complete = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
  await cdp.send("Tracing.end");
  await complete;
  cdp.off("Tracing.dataCollected", collect);

  const marks = events.filter(({ cat, name }) => cat === "blink.user_timing" && /^(begin|end) /.test(name)).sort((a, b) => a.ts - b.ts);
  /** @param {TraceEvent} event */
  const onMain = ({ pid, tid, ph, name }) => pid === marks[0].pid && tid === marks[0].tid && ph === "X" && name.endsWith("RunTask");
  const tasks = events.filter(onMain);
  const longest = /** @type {Map<string, number[]>} */ (new Map());
  for (let n = 0; n < marks.length; n += 2) {
    const [from, to] = [marks[n], marks[n + 1]];
    const name = from.name.replace("begin ", "");
    if (to?.name !== `end ${name}`) throw new Error(`after ${from.name} comes ${to?.name}`);
    const inside = tasks.filter(({ ts, dur }) => ts > from.ts && ts + dur < to.ts);
    longest.set(name, [...(longest.get(name) ?? []), Math.max(0, ...inside.map(({ dur }) => dur / 1000))]);
  }
  return longest;
}
