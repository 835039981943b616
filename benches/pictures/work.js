// What runs on a page's own thread while the browser writes a trace: on a page without scripts every script is ours.

/** Whatever may run a script, of any world. */
const SCRIPTS = new Set(["FunctionCall", "EvaluateScript", "RunMicrotasks", "EventDispatch", "TimerFire", "FireAnimationFrame", "FireIdleCallback"]);
/** The browser's own name for what makes a file of a page. */
const SAVING = "page-serialization";
const CATEGORIES = ["toplevel", "devtools.timeline", "v8.execute", "blink.user_timing", SAVING];

/**
 * What ran on the page's thread during `work`: tasks, scripts and whatever saved the page, none of which ran inside another of its
 * kind; what took the processor longest is the first. The processor's time is without what others did on the machine meanwhile.
 * @param {Sotto} sotto
 * @param {Page} page
 * @param {() => Promise<unknown>} work
 */
export async function workOf({ cdp }, page, work) {
  /** @typedef {{ cat: string, name: string, ph: string, pid: number, tid: number, ts: number, dur?: number, tdur?: number, args?: any }} TraceEvent */
  const events = /** @type {TraceEvent[]} */ ([]);
  /** @param {{ value: any[] }} told */
  const collect = ({ value }) => events.push(...value);
  cdp.on("Tracing.dataCollected", collect);
  await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: CATEGORIES } });
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  await page.evaluate(() => void performance.mark("work is done"));
  const complete = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
  await cdp.send("Tracing.end");
  await complete;
  cdp.off("Tracing.dataCollected", collect);
  const here = events.find(({ cat, name }) => cat === "blink.user_timing" && name === "work is done");
  const onThread = events.filter(({ pid, tid, ph, ts }) => pid === here.pid && tid === here.tid && ph === "X" && ts < here.ts).sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  /** @param {(event: TraceEvent) => boolean} isWanted */
  const outermost = (isWanted) => {
    const found = /** @type {{ event: TraceEvent, ms: number, processorMs: number }[]} */ ([]);
    let end = 0;
    for (const event of onThread) {
      const { ts, dur = 0, tdur = 0 } = event;
      if (!isWanted(event) || ts < end) continue;
      end = ts + dur;
      found.push({ event, ms: dur / 1000, processorMs: tdur / 1000 });
    }
    return found.sort((a, b) => b.processorMs - a.processorMs);
  };
  /** The script that took longest in it. @param {TraceEvent} event */
  const nameOf = ({ name, ts, dur = 0 }) => {
    const inside = onThread.filter((one) => one.args?.data?.url && one.ts >= ts && one.ts + (one.dur ?? 0) <= ts + dur);
    const { url = "", functionName = "", lineNumber = 0 } = inside.sort((a, b) => (b.dur ?? 0) - (a.dur ?? 0))[0]?.args.data ?? {};
    return url ? `${functionName || "a function"} in ${url.replace(/^.*\//, "")}:${lineNumber}` : name;
  };
  const scripts = outermost(({ name }) => SCRIPTS.has(name));
  return {
    seconds,
    tasks: outermost(({ name }) => name.endsWith("RunTask")),
    scripts,
    worst: scripts.slice(0, 5).map(({ event, processorMs }) => `${processorMs.toFixed(1)} ms, ${nameOf(event)}`),
    savings: outermost(({ cat }) => cat.includes(SAVING)),
  };
}
