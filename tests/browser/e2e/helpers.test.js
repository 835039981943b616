// Helpers: workers that come when many pictures or a long text wait, say the same as the background alone, lose nothing when they are
// killed at whatever moment, take no more memory than they may, and are gone a while after their last work.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../harness/browser.js";
import { contentScript } from "../harness/isolated.js";
import { photograph } from "../harness/photographs.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";
import { showDifferent } from "../harness/pictures.js";
import { pick } from "../harness/uploads.js";

const SENTENCE = "The old man told us about the sea and the long winters of his childhood, and we were glad to listen. ";
const LONG = SENTENCE.repeat(120);
/** Each kind of file once; those that a service worker can't decode, too. */
const FILES = ["astronaut.png", "house.jpg", "house_exif_6.jpg", "house_cmyk.jpg", "hills_grey.jpg", "hills_progressive.jpg", "colour_wheel.bmp",
  "ball_animated.gif", "clock_animated.webp", "alarm_animated.avif", "house.svg", "stars.avif", "flag_palette.png", "fruit_lossy_alpha.webp"];
/** No room for a helper beside the background's own models. */
const ALONE_MB = 60;
/** Of a text: the background's, and a helper for each other core, up to three. */
const N_THREADS = Math.min(4, availableParallelism());
const AMPLE_MB = 256;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let own;
/** @type {string} */
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-helpers-"));
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  sotto = await startSotto({ hostPermissions: true });
  own = await sotto.page(sotto.url("manifest.json"));
  await sotto.ask({ ask: "load", model: "nsfw" });
  await sotto.ask({ ask: "text", text: "What a wonderful evening." });
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});
afterEach(noHelpers);

/** @param {number} megabytes */
const budget = (megabytes) => sotto.ask({ ask: "keepSettings", settings: { memoryBudgetMb: megabytes, guardEverywhere: true } });
const status = () => sotto.ask({ ask: "status" });
const threads = async () => (await status()).engine.threads;
const unseenPages = async () =>
  (await sotto.worker()).evaluate(async () => (await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] })).length);
/** Helpers that live, whoever knows of them: each holds a lock. */
const nWorkers = () => own.evaluate(async () => {
  const { held } = await navigator.locks.query();
  return held?.filter(({ name }) => name?.startsWith("helper-")).length;
});
/** As a killed process would: the page goes with its workers. */
const kill = async () => (await sotto.worker()).evaluate(() => chrome.offscreen.closeDocument().catch(() => {}));

async function noHelpers() {
  await kill();
  await eventually("the helpers to be gone", async () => (await threads()) === 1);
  // Killed on their way several times in a row, they are not called for a while: by this background.
  await sotto.stopWorkers();
}

/**
 * What our own page is told of a text; the answer as it comes, without how long it took.
 * @param {string} text
 */
const judged = async (text) => {
  const { elapsedMs: _, id: __, correctAs: ___, ...verdict } = await sotto.ask({ ask: "text", text });
  return verdict;
};

/**
 * A page under guard is given these files; returns their names as the page gets them.
 * @param {string[]} files
 */
async function upload(files) {
  const page = await sotto.page(`${server.origin}/uploads.html`);
  await pick(page, "multiple", files);
  await eventually("the files", async () => (await page.evaluate(() => uploads.seen.length)) > 0, 20_000);
  const names = await page.evaluate(() => uploads.seen[0].files);
  await page.close();
  return names;
}

/**
 * All of a page's pictures under scan, as the scan's script knows them afterwards.
 * @param {number} n
 * @param {() => Promise<unknown>} [meanwhile]
 */
async function scanned(n, meanwhile) {
  const page = await sotto.page(`${server.origin}/pictures.html`);
  await showDifferent(page, n);
  await sotto.grant(page);
  const tab = await (await sotto.worker()).evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id ?? -1);
  await sotto.askFromBehind({ ask: "scan", tab, wish: "start" });
  await meanwhile?.();
  const counts = await eventually("the scan to end", async () => {
    const found = await sotto.askFromBehind({ ask: "scan", tab, wish: "state" });
    return found.judged + found.failed === n && found;
  }, 30_000);
  await page.close();
  return { judged: counts.judged, over: counts.over, failed: counts.failed };
}

describe("a long text", () => {
  /** @type {Awaited<ReturnType<typeof judged>>} */
  let alone;
  before(async () => {
    await budget(ALONE_MB);
    alone = await judged(LONG);
    assert.equal(await threads(), 1, "without room nobody is called");
    await budget(AMPLE_MB);
  });

  test("is read by a helper too, and the verdict is the same to the last digit", async () => {
    assert.deepEqual(await judged(LONG), alone);
    const { engine, memory } = await status();
    assert.equal(engine.threads, N_THREADS);
    assert.ok(memory.helperBytes > 38_000_000, `${memory.helperBytes} bytes`);
    assert.ok(memory.peakBytes >= memory.wasmBytes + memory.helperBytes);
    const popup = await sotto.page(sotto.url("pages/popup.html"));
    await eventually("the popup to show them", async () => /helpers \d+(\.\d)? MB of it/.test((await popup.locator("#memory-more").textContent()) ?? ""));
    assert.match((await popup.locator("#engine").textContent()) ?? "", new RegExp(`service worker · ${N_THREADS} threads`));
    await popup.close();
  });

  test("has the same verdict when the helper is killed, at whatever moment", async () => {
    for (const ms of [0, 100, 250, 500]) {
      const verdict = judged(LONG);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await kill();
      assert.deepEqual(await verdict, alone, `killed after ${ms} ms`);
    }
  });

  test("its helper gives way to a model that needs the room", async () => {
    await judged(LONG);
    assert.equal(await threads(), N_THREADS);
    await sotto.ask({ ask: "unload", model: "nsfw" });
    const { memory, models } = await status();
    // What the nets work with is counted as 12 MB: room for a megabyte more, and the picture model needs three.
    const takenMb = (12e6 + models.find(({ id }) => id === "sentiment").memoryBytes + memory.helperBytes) / 1e6;
    await budget(Math.ceil(takenMb) + 1);
    assert.equal(await threads(), N_THREADS, "so far there is room");
    const reply = await own.evaluate(() => chrome.runtime.sendMessage({ id: "p", ask: "picture", picture: { width: 2, height: 2, data: new Uint8ClampedArray(16) } }));
    assert.equal(reply.answer, "picture");
    assert.equal(await threads(), 1);
    await budget(AMPLE_MB);
  });

  // That parts add up to the same whoever reads them is said above, of a text that takes a tenth of the time.
  test("of a hundred thousand word pieces is read as far as it always is", { timeout: 60_000 }, async () => {
    const helped = await judged(SENTENCE.repeat(4_500));
    assert.equal(await threads(), N_THREADS);
    assert.deepEqual([helped.truncated, helped.nWindows], [true, 24]);
  });

  test("a person's short text does not wait for it", async () => {
    const long = judged(LONG);
    await eventually("the helper", async () => (await threads()) === N_THREADS);
    const began = performance.now();
    assert.equal((await sotto.ask({ ask: "text", text: "What a dreadful evening." })).sentiment, "negative");
    const shortMs = performance.now() - began;
    await long;
    assert.ok(performance.now() - began >= shortMs, "and is not behind it");
  });
});

let nTimes = 0;
/** From here on no picture is known: verdicts are known by how cautious the person is, too. */
const forgetAll = () => sotto.ask({ ask: "keepPictureRules", thresholds: { OpenNsfw: 1 - (nTimes += 1) / 10_000 }, action: "warn", careful: false });

/**
 * Verdicts of the background itself: a person's pictures are never a helper's.
 * @param {Buffer[]} files
 */
async function aloneOn(files) {
  await forgetAll();
  return own.evaluate(async (all) => {
    /** @param {string} file @param {number} index */
    const judge = (file, index) => chrome.runtime.sendMessage({ id: `alone${index}`, ask: "picture", picture: new Blob([Uint8Array.fromBase64(file)]) });
    return Promise.all(all.map(judge));
  }, files.map((file) => file.toString("base64")));
}

/**
 * What the guard is told of these files, all asked for at once.
 * @param {Awaited<ReturnType<typeof contentScript>>} script
 * @param {Buffer[]} files
 * @returns {Promise<any[]>}
 */
async function asUploads(script, files) {
  await forgetAll();
  return script.evaluate(async (/** @type {string[]} */ all) => {
    /** @param {string} file */
    const judge = (file) => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ask: "upload", picture: new Blob([Uint8Array.fromBase64(file)]) });
    return Promise.all(all.map(judge));
  }, files.map((file) => file.toString("base64")));
}

/**
 * Verdicts of helpers, as the guard asks for them.
 * @param {Buffer[]} files
 */
async function helpedOn(files) {
  const page = await sotto.page(`${server.origin}/uploads.html`);
  const script = await contentScript(page, sotto.id);
  const ask = () => asUploads(script, files);
  await ask();
  await eventually("helpers", async () => (await threads()) > 2);
  const runs = async () => (await status()).models.find(({ id }) => id === "nsfw").runs;
  const before = await runs();
  const replies = await ask();
  assert.ok((await runs()) > before);
  await page.close();
  return replies.map((/** @type {any} */ { verdict }) => verdict);
}

/**
 * What all of a photograph comes to, no side longer than pictures may have.
 * @param {Buffer} file
 */
const fullyDecoded = (file) => own.evaluate(async (text) => {
  const bitmap = await createImageBitmap(new Blob([Uint8Array.fromBase64(text)]), { colorSpaceConversion: "none" });
  const scale = 1024 / Math.max(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(bitmap.width * scale, bitmap.height * scale);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return chrome.runtime.sendMessage({ id: "whole", ask: "picture", picture: { width, height, data } });
}, file.toString("base64"));

/**
 * A picture as a JPEG of 12 megapixels.
 * @param {Buffer} file
 */
async function enlarged(file) {
  const text = await own.evaluate(async (small) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.fromBase64(small)]));
    const canvas = new OffscreenCanvas(4000, 3000);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(bitmap, 0, 0, 4000, 3000);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
    return new Uint8Array(await blob.arrayBuffer()).toBase64();
  }, file.toString("base64"));
  return Buffer.from(text, "base64");
}

/**
 * The same JPEG with a note that it is to be turned by a quarter.
 * @param {Buffer} file
 */
function turned(file) {
  const note = Buffer.from("ffe100224578696600004d4d002a00000008000101120003000000010006000000000000", "hex");
  return Buffer.concat([file.subarray(0, 2), note, file.subarray(2)]);
}

/**
 * @param {any} one
 * @param {any} other
 * @param {number} tolerance
 * @param {string} name
 */
function assertSame(one, other, tolerance, name) {
  assert.deepEqual([one.frames, one.unsuitable, one.model], [other.frames, other.unsuitable, other.model], name);
  // Browsers round the other side of a picture that they resize up.
  for (const side of ["width", "height"]) assert.ok(Math.abs(one[side] - other[side]) <= 1, `${name}: ${side} ${one[side]} and ${other[side]}`);
  for (const [place, { name: label, probability }] of one.classes.entries()) {
    const apart = Math.abs(probability - other.classes[place].probability);
    assert.ok(apart <= tolerance, `${name}: ${label} is ${apart} apart`);
  }
}

describe("pictures", () => {
  test("of every kind are judged by helpers as the background judges them", async () => {
    const files = FILES.map((name) => readFileSync(join(PICTURES, name)));
    const alone = await aloneOn(files);
    const helped = await helpedOn(files);
    for (const [index, name] of FILES.entries()) assertSame(helped[index], alone[index], 0.0005, name);
  });

  test("of 12 megapixels are decoded at a fraction of their size, and judged as all of them would be", async () => {
    const names = ["coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png"];
    const large = await Promise.all(names.map((name) => enlarged(readFileSync(join(PICTURES, name)))));
    // Between two classes, where another way of drawing the same pixels moves it as far.
    const tolerance = (/** @type {string} */ name) => (name === "rocket.jpg" ? 0.03 : 0.02);
    const held = "one that a camera held upright";
    const files = [...large, turned(large[0])];
    const [helped, alone] = [await helpedOn(files), await aloneOn(files)];
    for (const [index, name] of [...names, held].entries()) {
      const whole = await fullyDecoded(files[index]);
      assertSame(helped[index], whole, tolerance(name), name);
      assertSame(alone[index], whole, tolerance(name), `${name}, alone`);
    }
    assert.deepEqual([helped[4].width, helped[4].height], [768, 1024], held);
  });

  test("that nobody can read are refused in the same words", async () => {
    const files = [readFileSync(join(PICTURES, "house.jpg")).subarray(0, 300), Buffer.from("no picture"), Buffer.alloc(0), Buffer.from("<svg")];
    const page = await sotto.page(`${server.origin}/uploads.html`);
    const script = await contentScript(page, sotto.id);
    const helped = await asUploads(script, [...files, ...files]);
    assert.ok((await threads()) > 2 || (await eventually("helpers", async () => (await threads()) > 2)));
    const again = await asUploads(script, files);
    for (const [index, { reason, detail }] of (await aloneOn(files)).entries()) {
      for (const { answer, ...said } of [helped[index], again[index]]) assert.deepEqual([answer, said.reason, said.detail], ["refused", reason, detail]);
    }
    await page.close();
  });

  test("twelve at once are passed on in their order, and the helpers go by themselves", { timeout: 60_000 }, async () => {
    const files = Array.from({ length: 12 }, (_, index) => join(folder, `${index}.jpg`));
    for (const [index, file] of files.entries()) writeFileSync(file, await photograph(own, index, 1200, 900));
    await sotto.ask({ ask: "keepPictureRules", thresholds: { Hentai: 1, Porn: 1, Sexy: 1 }, action: "warn", careful: false });
    assert.deepEqual((await upload(files)).map((/** @type {string} */ said) => said.split(" ")[0]), files.map((_, index) => `${index}.jpg`));
    await eventually("helpers", async () => (await threads()) > 2);
    await eventually("them to be gone", async () => (await threads()) === 1, 20_000);
    await eventually("their page to be gone", async () => (await unseenPages()) === 0);
  });

  test("of a scan are all judged when the helpers are killed in the middle, again and again", async () => {
    const undisturbed = await scanned(40);
    assert.deepEqual([undisturbed.judged, undisturbed.failed], [40, 0]);
    const disturbed = await scanned(40, async () => {
      for (let times = 0; times < 5; times += 1) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await kill();
      }
    });
    assert.deepEqual(disturbed, undisturbed);
  });

  test("of a scan are all judged when the background is killed, and its helpers don't stay behind", async () => {
    const counts = await scanned(80, async () => {
      await eventually("helpers", async () => (await threads()) > 1, 10_000);
      await sotto.stopWorkers();
      await eventually("the next helpers", async () => (await threads()) > 1);
    });
    assert.deepEqual([counts.judged, counts.failed], [80, 0]);
    assert.equal(await nWorkers(), (await threads()) - 1);
  });

  test("a tab that is closed gives up what it asked of helpers", async () => {
    const page = await sotto.page(`${server.origin}/uploads.html`);
    const files = Array.from({ length: 20 }, (_, index) => join(folder, `closed_${index}.jpg`));
    for (const [index, file] of files.entries()) writeFileSync(file, await photograph(own, index, 2000, 1500));
    await pick(page, "multiple", files);
    await eventually("helpers", async () => (await threads()) > 2);
    await page.close();
    const runs = async () => (await status()).models.find(({ id }) => id === "nsfw").runs;
    const before = await runs();
    await new Promise((resolve) => setTimeout(resolve, 700));
    const more = (await runs()) - before;
    // Of twenty, those that were in hand while the browser told of the end.
    assert.ok(more <= 4, `${more} pictures were judged after the tab was closed`);
  });
});
