// What protection costs a page, and whether it holds: a feed of 200 pictures and four films (feed.js), scrolled through as a person does,
// with and without it. The background is warm everywhere: the model loaded, pages of the same kind seen before.

import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../tests/browser/harness/browser.js";
import { letThrough } from "../../tests/browser/harness/capture.js";
import { startSotto } from "../../tests/browser/harness/sotto.js";
import { quantile } from "../report.js";
import { freshen, makeFeed, N_PICTURES, posts, recognised } from "./feed.js";
import { workOf } from "./work.js";

/**
 * At most so much; `film` at least.
 */
const BARS = {
  early: 0,
  firstMs: 150,
  screenMs: 1500,
  /** Two runs without protection differ by as much. */
  idlePercent: 0.5,
  scrollPercent: 35,
  taskMs: 8,
  film: 0.95,
  memoryMb: 100,
};
const SITE = "http://127.0.0.1";
/** A screen each second. */
const [SCREEN, N_SCREENS] = [800, 50];
const PATIENCE_MS = 2_990;
const STOP_MS = 200;
const N_SCREENS_MEASURED = 20;
const N_VISITS = 10;
const N_PAIRS = 3;
const IDLE_MS = 20_000;
const REST_MS = 8_000;
const FILM_MS = 6_000;
/** 10,000 take seven minutes on two cores that have nothing else to do. */
const N_SMALL = Number(process.env.SOTTO_BENCH_SMALL ?? 5_000);
const N_SETTLED = Math.min(2_000, N_SMALL / 2);
/** As many as are judged in about a second. */
const AT_ONCE = 24;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * What each part of it is handed: `reader` is a page that is never protected.
 * @typedef {(task: string, values: number[], unit?: string) => unknown} Add
 * @typedef {{ sotto: Sotto, server: Fixtures, folder: string, add: Add, miss: (isOver: boolean, line: string) => void, protect: (on: boolean) => Promise<void>, reader: Page }} Bench
 */

/**
 * @param {Fixtures} server that has `folder` under /made/
 * @param {string} folder
 * @param {Add} add
 * @param {string[]} missed
 * @returns {Promise<string>} the browser's version
 */
export async function measureProtected(server, folder, add, missed) {
  const sotto = await startSotto({ hostPermissions: true });
  const version = sotto.context.browser()?.version() ?? "unknown";
  const reader = await sotto.page(`${server.otherOrigin}/uploads.html`);
  await makeFeed(reader, folder, server.otherOrigin);
  await recordMoving(reader, join(folder, "moving.webm"));
  await sotto.ask({ ask: "load", model: "nsfw" });
  /** @param {boolean} on */
  const protect = async (on) => {
    const reply = await sotto.ask({ ask: "protect", site: SITE, on });
    if (reply.answer !== "done") throw new Error(JSON.stringify(reply));
  };
  /**
   * @param {boolean} isOver
   * @param {string} line
   */
  const miss = (isOver, line) => void (isOver && missed.push(line));
  /** @type {Bench} */
  const bench = { sotto, server, folder, add, miss, protect, reader };
  const parts = { paintedEarly, firstScreens, processorTime, tasks, films, memory };
  // One part alone, while trying.
  const only = process.env.SOTTO_BENCH_PART;
  for (const [name, part] of Object.entries(parts)) if (!only || only === name) await part(bench);
  // The harness counts what any script of ours asked for, or tried to.
  const heard = await sotto.close().then(() => "", (error) => String(error.message));
  add("requests by the extension", [heard ? heard.split("\n").length : 0], "requests");
  miss(heard !== "", heard);
  return version;
}

/**
 * A feed that nobody has seen yet, in a tab of its own; without a name that is still empty.
 * @param {Bench} bench
 * @param {string} [name]
 */
async function openFeed({ sotto, server, folder }, name = "feed.html") {
  freshen(folder);
  const page = await sotto.page("about:blank");
  await page.bringToFront();
  if (name) await page.goto(`${server.origin}/made/${name}`);
  return page;
}

/**
 * As a wheel or a finger does, without a script.
 * @param {Page} page
 * @param {number} nScreens
 */
async function scroll(page, nScreens) {
  const session = await page.context().newCDPSession(page);
  await session.send("Input.synthesizeScrollGesture", { x: 500, y: 400, yDistance: -nScreens * SCREEN, speed: SCREEN, gestureSourceType: "mouse" });
  await session.detach();
}

/**
 * The whole feed is scrolled through while every frame is written down. A picture is early that is recognisable in a frame whose
 * clock stands before the moment when it was marked as fine; one that is warned of is early whenever it is. What is shown because no
 * verdict came in three seconds (protect.js, PATIENCE_MS) is early as well.
 * @param {Bench} bench
 */
async function paintedEarly(bench) {
  const { sotto, server, add, miss, protect, reader } = bench;
  await protect(true);
  const page = await openFeed(bench, "");
  const session = await page.context().newCDPSession(page);
  const frames = /** @type {string[]} */ ([]);
  session.on("Page.screencastFrame", ({ data, sessionId }) => {
    frames.push(data);
    session.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
  });
  await session.send("Page.startScreencast", { format: "jpeg", quality: 85, everyNthFrame: 1 });
  await page.goto(`${server.origin}/made/feed_watched.html`);
  await pause(1500);
  await scroll(page, N_SCREENS + 2);
  await pause(REST_MS);
  // By now all are marked: the same eye sees them on the way back.
  for (let screen = N_SCREENS + 2; screen >= 0; screen -= 0.75) {
    await page.evaluate((y) => scrollTo(0, y), screen * SCREEN);
    await pause(STOP_MS);
  }
  await session.send("Page.stopScreencast");
  const feed = await page.evaluate(() => globalThis.feed);
  const tab = await (await sotto.worker()).evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id ?? -1);
  const { judged, unjudged, pictures } = await sotto.ask({ ask: "covered", tab });
  await page.close();
  const { seen, nRead } = await recognised(reader, frames);
  const [early, late, unseen, wrong] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([]), /** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
  const waits = [];
  for (const { id, isAlarm, isFilm } of posts()) {
    const marks = /** @type {[mark: string, ms: number][]} */ (feed[id]?.marks ?? []);
    const fineMs = marks.find(([mark]) => mark === "fine")?.[1] ?? Number.POSITIVE_INFINITY;
    if (marks.at(-1)?.[0] !== (isAlarm ? "blur" : "fine")) wrong.push(`${id} ${marks.map(([mark]) => mark)}`);
    if (seen[id] && (isAlarm || seen[id].firstMs < Math.floor(fineMs))) early.push(`${id} at ${seen[id].firstMs}, fine at ${fineMs}`);
    if (!isAlarm && !isFilm && !seen[id]) unseen.push(id);
    if (isFilm) continue;
    const { loadedMs, nearMs, cameMs } = feed[id];
    waits.push(Math.max(0, (marks[0]?.[1] ?? Number.POSITIVE_INFINITY) - cameMs));
    if (!isAlarm && fineMs - Math.max(loadedMs, nearMs) >= PATIENCE_MS) late.push(id);
  }
  add("feed: frames looked at", [nRead], "frames");
  add("feed: pictures and films judged", [judged], "pictures");
  add("feed: shown because no verdict came in time", [Math.max(late.length, unjudged)], "pictures");
  add("feed: covered", [pictures.length], "pictures");
  add("feed: out of sight although in view", waits);
  add("feed: fine ones recognised once they were shown", [N_PICTURES - posts().filter(({ isAlarm, isFilm }) => isAlarm && !isFilm).length - unseen.length], "pictures");
  add("feed: painted before their verdict", [early.length + late.length], "pictures");
  miss(early.length + late.length > BARS.early, `painted before their verdict: ${early.join("; ") || "none"}; because none came in time: ${late.join(" ") || "none"}`);
  miss(unseen.length > 0, `the eye missed ${unseen.join(" ")}`);
  miss(wrong.length > 0, `marked otherwise than they should be: ${wrong.join("; ")}`);
}

/**
 * The bars are for the feed that loads all at once; beside it stands what a lazy one takes.
 * @param {Bench} bench
 */
async function firstScreens(bench) {
  const { add, miss, protect } = bench;
  await protect(true);
  const inView = posts().slice(0, 4).map(({ id }) => id);
  for (const [name, page] of [["feed, lazy", "feed_lazy.html"], ["feed", "feed_watched.html"]]) {
    const [firsts, screens, waits] = await visits(bench, page, inView);
    add(`${name}: first picture shown after one had come`, firsts);
    add(`${name}: one of the first screen shown after it had come`, waits);
    add(`${name}: first screen shown after the page began`, screens);
    if (name !== "feed") continue;
    const [first, screen] = [quantile(firsts, 0.5), quantile(screens, 0.5)];
    miss(!(first <= BARS.firstMs), `the first picture is shown ${first.toFixed(0)} ms after it had come, bar ${BARS.firstMs}`);
    miss(!(screen <= BARS.screenMs), `the first screen is shown after ${screen.toFixed(0)} ms, bar ${BARS.screenMs}`);
  }
}

/**
 * @param {Bench} bench
 * @param {string} name
 * @param {string[]} inView
 */
async function visits(bench, name, inView) {
  const [firsts, screens, waits] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  for (let visit = 0; visit < N_VISITS + 1; visit += 1) {
    const page = await openFeed(bench, name);
    const shown = await eventually("the first screen", () => page.evaluate((ids) => {
      const all = ids.map((id) => ({ loadedMs: feed[id]?.loadedMs, fineMs: feed[id]?.marks.find((/** @type {[string, number]} */ [mark]) => mark === "fine")?.[1] }));
      return all.every(({ fineMs }) => fineMs) && all;
    }, inView));
    await page.close();
    // The first compiles what pages need.
    if (!visit) continue;
    firsts.push(Math.min(...shown.map(({ fineMs }) => fineMs)) - Math.min(...shown.map(({ loadedMs }) => loadedMs)));
    waits.push(...shown.map(({ loadedMs, fineMs }) => fineMs - loadedMs));
    screens.push(Math.max(...shown.map(({ fineMs }) => fineMs)));
  }
  return [firsts, screens, waits];
}

/**
 * Of all processes of the browser, in percent of one core, with and without protection in turns.
 * @param {Bench} bench
 */
async function processorTime(bench) {
  const { sotto, add, miss, protect } = bench;
  const spentMs = async () => {
    const { processInfo } = await sotto.cdp.send("SystemInfo.getProcessInfo");
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
  };
  /** @param {() => Promise<unknown>} work */
  const percentOf = async (work) => {
    const [began, spent] = [performance.now(), await spentMs()];
    await work();
    return (100 * ((await spentMs()) - spent)) / (performance.now() - began);
  };
  const percents = { idle: [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])], scroll: [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])] };
  for (let run = 0; run < 2 * N_PAIRS; run += 1) {
    // In turns, and each as often the first of two.
    const isOn = [false, true, true, false][run % 4];
    await protect(isOn);
    const page = await openFeed(bench);
    await pause(REST_MS);
    percents.idle[Number(isOn)].push(await percentOf(() => pause(IDLE_MS)));
    percents.scroll[Number(isOn)].push(await percentOf(() => scroll(page, N_SCREENS_MEASURED)));
    await page.close();
  }
  for (const [name, bar] of /** @type {const} */ ([["idle", BARS.idlePercent], ["scroll", BARS.scrollPercent]])) {
    const [without, withIt] = percents[name];
    const added = quantile(withIt, 0.5) - quantile(without, 0.5);
    add(`feed: processor time, ${name}, unprotected`, without, "% of a core");
    add(`feed: processor time, ${name}, protected`, withIt, "% of a core");
    add(`feed: processor time, ${name}, added`, [added], "% of a core");
    miss(!(added <= bar), `protection adds ${added.toFixed(2)} % of a core (${name}), bar ${bar}`);
  }
}

/**
 * The feed has no script of its own, so that every script on its thread is ours.
 * @param {Bench} bench
 */
async function tasks(bench) {
  const { sotto, add, miss, protect } = bench;
  for (const isOn of [false, true]) {
    await protect(isOn);
    const page = await openFeed(bench, "");
    const { seconds, tasks, scripts, worst, savings } = await workOf(sotto, page, async () => {
      await page.goto(`${bench.server.origin}/made/feed.html`);
      await pause(1500);
      await scroll(page, N_SCREENS_MEASURED);
    });
    await page.close();
    /** @param {{ ms: number }[]} work */
    const longest = (work) => Math.max(0, ...work.map(({ ms }) => ms));
    /** @param {{ processorMs: number }[]} work */
    const perSecond = (work) => work.reduce((sum, { processorMs }) => sum + processorMs, 0) / seconds;
    add(`feed: the page's longest task, ${isOn ? "" : "un"}protected`, [longest(tasks)]);
    if (!isOn) continue;
    const processorMs = scripts[0]?.processorMs ?? Number.NaN;
    add("feed: script of ours that took the processor longest", [processorMs]);
    add("feed: the same with whatever came between", [longest(scripts)]);
    add("feed: scripts of ours together, in a second", [perSecond(scripts)]);
    add("feed: longest that the page was held up by being saved", [longest(savings)]);
    add("feed: times that it was saved, in a second", [savings.length / seconds], "times");
    add("feed: held up by being saved, in a second", [perSecond(savings)]);
    miss(!(processorMs <= BARS.taskMs), `a script of ours takes ${worst.join("; ")}, bar ${BARS.taskMs} ms`);
  }
}

/**
 * A film of 30 frames a second, of the page's own site and of another: how many frames the browser shows while it plays.
 * @param {Bench} bench
 */
async function films({ sotto, server, add, miss, protect }) {
  const shown = /** @type {Record<string, number[][]>} */ ({ own: [[], []], foreign: [[], []] });
  for (let run = 0; run < 2 * N_PAIRS; run += 1) {
    const isOn = [false, true, true, false][run % 4];
    await protect(isOn);
    for (const [from, where] of [[server.origin, "own"], [server.otherOrigin, "foreign"]]) {
      const page = await sotto.page(`${server.origin}/upload.html`);
      await page.bringToFront();
      await page.evaluate((address) => {
        document.body.innerHTML = `<video src="${address}" width="480" height="270" muted loop autoplay></video>`;
      }, `${from}/made/moving.webm`);
      if (isOn) await eventually("the film", () => page.evaluate(() => document.querySelector("video").dataset.sotto === "fine"));
      await pause(700);
      shown[where][Number(isOn)].push(await page.evaluate((ms) => new Promise((resolve) => {
        const video = /** @type {HTMLVideoElement} */ (document.querySelector("video"));
        let [first, began] = [-1, 0];
        /** @type {VideoFrameRequestCallback} */
        const hear = (now, { presentedFrames }) => {
          if (first < 0) [first, began] = [presentedFrames, now];
          if (now - began >= ms) return resolve(((presentedFrames - first) * 1000) / (now - began));
          video.requestVideoFrameCallback(hear);
        };
        video.requestVideoFrameCallback(hear);
      }), FILM_MS));
      await page.close();
    }
  }
  for (const [where, [without, withIt]] of Object.entries(shown)) {
    const kept = quantile(withIt, 0.5) / quantile(without, 0.5);
    add(`film, ${where}: frames, unprotected`, without, "a second");
    add(`film, ${where}: frames, protected`, withIt, "a second");
    add(`film, ${where}: share of its frames that it keeps`, [kept], "times");
    miss(!(kept >= BARS.film), `a film (${where}) keeps ${(100 * kept).toFixed(1)} % of its frames, bar ${100 * BARS.film}`);
  }
}

/**
 * Eight seconds at 30 frames a second, each another: the house, and a bar that goes by.
 * @param {Page} page
 * @param {string} file
 */
async function recordMoving(page, file) {
  const base64 = await page.evaluate(async () => {
    const house = await createImageBitmap(await (await fetch("/pictures/house.jpg")).blob());
    const canvas = Object.assign(document.createElement("canvas"), { width: 480, height: 270 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const stream = canvas.captureStream(0);
    const [track] = /** @type {CanvasCaptureMediaStreamTrack[]} */ (stream.getVideoTracks());
    const recorder = new MediaRecorder(stream, { mimeType: "video/webm;codecs=vp8", videoBitsPerSecond: 2_000_000 });
    const parts = /** @type {Blob[]} */ ([]);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    const began = performance.now();
    for (let n = 0; n < 240; n += 1) {
      context.drawImage(house, 0, 0, 480, 270);
      context.fillStyle = "#08f";
      context.fillRect((n * 7) % 480, 0, 20, 270);
      track.requestFrame();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + ((n + 1) * 1000) / 30 - performance.now())));
    }
    recorder.stop();
    await stopped;
    return new Uint8Array(await new Blob(parts).arrayBuffer()).toBase64();
  });
  writeFileSync(file, Buffer.from(base64, "base64"));
}

/**
 * A page that shows ever other small pictures, of another site, so that the browser's own record is all there is to judge by.
 * @param {Bench} bench
 */
async function memory({ sotto, server, add, miss, protect, reader }) {
  const picture = Buffer.from(await reader.evaluate(async () => {
    const house = await createImageBitmap(await (await fetch("/pictures/house.jpg")).blob());
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(80, 80).getContext("2d"));
    context.drawImage(house, 0, 0, 80, 80);
    return new Uint8Array(await (await context.canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer()).toBase64();
  }), "base64");
  const small = createServer((request, response) => {
    response.writeHead(200, { "content-type": "image/jpeg", "cache-control": "no-store" }).end(Buffer.concat([picture, Buffer.from(request.url ?? "")]));
  });
  await new Promise((resolve) => small.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = /** @type {Listening} */ (small.address());
  letThrough(port);
  await protect(true);
  const page = await sotto.page(`${server.origin}/upload.html`);
  await page.bringToFront();
  const now = async () => {
    const { memory: { wasmBytes, helperBytes, peakBytes }, models } = await sotto.ask({ ask: "status" });
    const born = await (await sotto.worker()).evaluate(() => performance.timeOrigin);
    return { bytes: wasmBytes + helperBytes, peakBytes, heapBytes: await heapOf(sotto), nJudged: models.find(({ id }) => id === "nsfw").runs, born };
  };
  const samples = [await now()];
  const began = performance.now();
  for (const [from, to] of [[0, N_SETTLED], [N_SETTLED, N_SMALL]]) {
    for (let first = from; first < to; first += 20 * AT_ONCE) await page.evaluate(goThrough, /** @type {const} */ ([first, Math.min(to, first + 20 * AT_ONCE), AT_ONCE, `http://127.0.0.1:${port}`]));
    samples.push(await now());
  }
  const seconds = (performance.now() - began) / 1000;
  await page.close();
  await new Promise((resolve) => {
    small.closeAllConnections();
    small.close(resolve);
  });
  const [start, settled, end] = samples;
  const megabytes = (/** @type {number} */ bytes) => bytes / 1e6;
  add("small pictures: shown", [N_SMALL], "pictures");
  add("small pictures: judged", [end.nJudged - start.nJudged], "pictures");
  add("small pictures: judged in one second", [(end.nJudged - start.nJudged) / seconds], "pictures");
  add(`background's memory after ${N_SETTLED}`, [megabytes(settled.bytes)], "MB");
  add("background's memory after all", [megabytes(end.bytes)], "MB");
  add("background's memory at most", [megabytes(end.peakBytes)], "MB");
  add(`background's heap after ${N_SETTLED}`, [megabytes(settled.heapBytes)], "MB");
  add("background's heap after all", [megabytes(end.heapBytes)], "MB");
  miss(!(megabytes(end.peakBytes) <= BARS.memoryMb), `the background takes ${megabytes(end.peakBytes).toFixed(1)} MB, bar ${BARS.memoryMb}`);
  miss(end.born !== start.born, "the background was started anew meanwhile");
  miss(end.bytes > settled.bytes, `the background's memory grows from ${settled.bytes} to ${end.bytes} bytes`);
  miss(end.nJudged - start.nJudged < N_SMALL, `of ${N_SMALL} small pictures ${end.nJudged - start.nJudged} were judged`);
}

/**
 * In the page: so many pictures, a few at a time, each until it is marked.
 * @param {readonly [first: number, end: number, atOnce: number, from: string]} given
 */
async function goThrough([first, end, atOnce, from]) {
  for (; first < end; first += atOnce) {
    document.body.replaceChildren(...Array.from({ length: Math.min(atOnce, end - first) }, (_, place) => Object.assign(new Image(72, 72), { src: `${from}/${first + place}` })));
    while (document.querySelector("img:not([data-sotto])")) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of the background, after a collection. @param {Sotto} sotto */
async function heapOf(sotto) {
  const { targetInfos } = await sotto.cdp.send("Target.getTargets");
  const { targetId } = targetInfos.find(({ type, url }) => type === "service_worker" && url.startsWith(sotto.url("")));
  const { sessionId } = await sotto.cdp.send("Target.attachToTarget", { targetId, flatten: false });
  /**
   * @param {number} id
   * @param {string} method
   */
  const ask = async (id, method) => {
    const answered = new Promise((resolve) => {
      /** @param {{ sessionId: string, message: string }} event */
      const hear = (event) => {
        const said = JSON.parse(event.message);
        if (event.sessionId !== sessionId || said.id !== id) return;
        sotto.cdp.off("Target.receivedMessageFromTarget", hear);
        resolve(said.result);
      };
      sotto.cdp.on("Target.receivedMessageFromTarget", hear);
    });
    await sotto.cdp.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) });
    return answered;
  };
  await ask(1, "HeapProfiler.collectGarbage");
  const { usedSize } = await ask(2, "Runtime.getHeapUsage");
  await sotto.cdp.send("Target.detachFromTarget", { sessionId });
  return usedSize;
}
