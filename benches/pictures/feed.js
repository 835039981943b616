// A feed made for measuring: different pictures and a few films in one column, four to a screen, some of another site, some that are
// warned of. Beside each stands its number, and in a corner the page's clock, for an eye that has only frames of it.

import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordFilm } from "../../tests/browser/harness/films.js";
import { FIXTURES } from "../../tests/browser/harness/places.js";

export const N_PICTURES = 200;
/** Every fifth is of another site, every twenty-fifth is warned of. */
const FOREIGN_EVERY = 5;
const ALARM_EVERY = 25;
/** In CSS pixels, a screen being 800 high. Films are square. */
const [WIDTH, HEIGHT, GAP] = [300, 180, 20];
/** After so many pictures stands a film: two of the page's own site, two of the other; the second and the third are warned of. */
const FILMS = [
  { name: "fine.webm", after: 30, isForeign: false, isAlarm: false },
  { name: "alarm.webm", after: 80, isForeign: false, isAlarm: true },
  { name: "alarm.webm", after: 120, isForeign: true, isAlarm: true },
  { name: "fine.webm", after: 170, isForeign: true, isAlarm: false },
];
const N_BITS = 8;
const N_CLOCK_BITS = 20;

/**
 * One post of the feed.
 * @typedef {{ id: string, number: number, file: string, isForeign: boolean, isAlarm: boolean, isFilm: boolean }} Post
 */

/** @returns {Post[]} */
export function posts() {
  const all = /** @type {Omit<Post, "number">[]} */ ([]);
  for (let n = 0; n < N_PICTURES; n += 1) {
    const isAlarm = n % ALARM_EVERY === 12;
    all.push({ id: `picture-${n}`, file: isAlarm ? `feed_${n}.png` : `feed_${n}.jpg`, isForeign: n % FOREIGN_EVERY === 2, isAlarm, isFilm: false });
    FILMS.forEach(({ name, after, isForeign, isAlarm }, place) => {
      if (after === n + 1) all.push({ id: `film-${place}`, file: name, isForeign, isAlarm, isFilm: true });
    });
  }
  return all.map((post, number) => ({ ...post, number }));
}

/**
 * Makes the pictures, films and pages in a folder that the server has under /made/.
 * @param {Page} page of the server, which is protected nowhere
 * @param {string} folder
 * @param {string} otherOrigin
 */
export async function makeFeed(page, folder, otherOrigin) {
  const fine = posts().filter(({ isFilm, isAlarm }) => !isFilm && !isAlarm);
  for (let first = 0; first < fine.length; first += 32) {
    const some = fine.slice(first, first + 32);
    const made = await page.evaluate(cuts, some.map(({ number }) => number));
    some.forEach(({ file }, place) => writeFileSync(join(folder, file), Buffer.from(made[place], "base64")));
  }
  for (const { file } of posts().filter(({ isFilm, isAlarm }) => !isFilm && isAlarm)) copyFileSync(join(FIXTURES, "false_alarm.png"), join(folder, file));
  freshen(folder);
  writeFileSync(join(folder, "fine.webm"), await recordFilm(page, [0, 0]));
  writeFileSync(join(folder, "alarm.webm"), await recordFilm(page, [0, 1]));
  const probe = `<script>(${watch})(${N_CLOCK_BITS})</script>`;
  writeFileSync(join(folder, "feed.html"), html(otherOrigin));
  writeFileSync(join(folder, "feed_watched.html"), html(otherOrigin, probe));
  writeFileSync(join(folder, "feed_lazy.html"), html(otherOrigin, probe, ' loading="lazy"'));
}

let nFreshened = 0;

/**
 * Every picture has other bytes from now on, and looks the same: one that was judged a moment ago is known by them.
 * @param {string} folder
 */
export function freshen(folder) {
  nFreshened += 1;
  for (const { file, isFilm } of posts()) if (!isFilm) appendFileSync(join(folder, file), `${file} ${nFreshened};`);
}

/**
 * In the page: parts of a few photographs, no two the same, each with a corner of its own.
 * @param {number[]} numbers
 */
async function cuts(numbers) {
  const names = ["coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png", "house.jpg"];
  const bitmaps = await Promise.all(names.map(async (name) => createImageBitmap(await (await fetch(`/pictures/${name}`)).blob())));
  return Promise.all(numbers.map(async (number) => {
    const bitmap = /** @type {ImageBitmap} */ (bitmaps[number % bitmaps.length]);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(600, 360).getContext("2d"));
    const share = 0.8 + 0.2 * ((number * 7) % 10) / 10;
    const [width, height] = [bitmap.width * share, bitmap.width * share * 0.6];
    const across = ((number * 3) % 7) / 6;
    const down = ((number * 5) % 11) / 10;
    context.drawImage(bitmap, (bitmap.width - width) * across, Math.max(0, bitmap.height - height) * down, width, Math.min(height, bitmap.height), 0, 0, 600, 360);
    context.fillStyle = `rgb(${number} ${(number * 53) & 255} ${(number * 101) & 255})`;
    context.fillRect(0, 0, 60, 60);
    const bytes = await (await context.canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 })).arrayBuffer();
    return new Uint8Array(bytes).toBase64();
  }));
}

/** @param {string} otherOrigin */
function html(otherOrigin, probe = "", loading = "") {
  /** @param {number} number */
  const bits = (number) => `<b></b>${Array.from({ length: N_BITS }, (_, bit) => `<i${(number >> bit) & 1 ? ' class="on"' : ""}></i>`).join("")}`;
  /** @param {Post} post */
  const what = ({ id, file, isForeign, isFilm }) => {
    const source = `src="${isForeign ? otherOrigin : ""}/made/${file}" width="${isFilm ? HEIGHT : WIDTH}" height="${HEIGHT}"`;
    return isFilm ? `<video id="${id}" ${source} muted loop autoplay></video>` : `<img id="${id}" ${source}${loading} alt="" />`;
  };
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>A feed</title>
  <style>
    body { margin: 0; background: #fff; }
    .post { position: relative; height: ${HEIGHT}px; margin: 0 0 ${GAP}px 200px; }
    img, video { display: block; }
    .number { position: absolute; left: -180px; top: 0; }
    .clock { position: fixed; left: 600px; top: 8px; }
    i, b { float: left; width: 12px; height: 12px; margin-right: 4px; }
    b { background: #f0f; }
    .on { background: #000; }
  </style>
  ${probe}
  ${posts().map((post) => `<div class="post"><div class="number">${bits(post.number)}</div>${what(post)}</div>`).join("\n  ")}
</html>
`;
}

/**
 * In the page: when each picture had come, when it came into view and when which mark was put on it, and the clock that frames show. Its changes are no
 * changes of the document, which are what protect.js listens to.
 * @param {number} nBits
 */
function watch(nBits) {
  /** @type {Record<string, { loadedMs?: number, nearMs?: number, cameMs?: number, marks: [mark: string, ms: number][] }>} */
  const feed = (globalThis.feed = {});
  /** @param {Element} element */
  const of = (element) => (feed[element.id] ??= { marks: [] });
  document.addEventListener("load", ({ target }) => {
    if (target instanceof HTMLImageElement) of(target).loadedMs ??= performance.now();
  }, true);
  new MutationObserver((records) => {
    const now = performance.now();
    for (const { target } of records) if (target instanceof Element && target.id) of(target).marks.push([target.getAttribute("data-sotto") ?? "none", now]);
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-sotto"] });
  addEventListener("DOMContentLoaded", () => {
    const inView = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) of(target).cameMs ??= performance.now();
    }, { threshold: 0.5 });
    // As protect.js has it: from here on it may be asked about.
    const near = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) of(target).nearMs ??= performance.now();
    }, { rootMargin: "150% 50%" });
    for (const element of document.querySelectorAll("img, video")) for (const observer of [inView, near]) observer.observe(element);
    const clock = document.body.appendChild(document.createElement("div"));
    clock.className = "clock";
    clock.append(document.createElement("b"), ...Array.from({ length: nBits }, () => document.createElement("i")));
    const sheet = new CSSStyleSheet();
    for (let bit = 0; bit < nBits; bit += 1) sheet.insertRule(`.clock i:nth-of-type(${bit + 1}) { background: #fff; }`, bit);
    document.adoptedStyleSheets.push(sheet);
    const tick = () => {
      const now = Math.floor(performance.now());
      for (let bit = 0; bit < nBits; bit += 1) /** @type {CSSStyleRule} */ (sheet.cssRules[bit]).style.background = (now >> bit) & 1 ? "#000" : "#fff";
      requestAnimationFrame(tick);
    };
    tick();
  });
}

/**
 * When, by the clock of the frames, each post was first recognised in one, and in how many it was.
 * @typedef {{ firstMs: number, n: number }} Sight
 * @param {Page} reader that may read the pictures
 * @param {string[]} frames
 * @returns {Promise<{ seen: Record<string, Sight>, nRead: number }>} how many frames had a clock
 */
export async function recognised(reader, frames) {
  const seen = /** @type {Record<string, Sight>} */ ({});
  let nRead = 0;
  const wanted = posts().map(({ id, number, file, isAlarm, isFilm }) => ({ id, number, width: isFilm ? HEIGHT : WIDTH, address: !isFilm ? `/made/${file}` : isAlarm ? "/false_alarm.png" : "/pictures/house.jpg" }));
  await reader.evaluate(lookAt, /** @type {const} */ ([wanted, HEIGHT]));
  for (let first = 0; first < frames.length; first += 20) {
    const found = await reader.evaluate(sightsIn, /** @type {const} */ ([frames.slice(first, first + 20), N_BITS, N_CLOCK_BITS, HEIGHT]));
    nRead += found.nRead;
    for (const { id, ms } of found.sights) {
      const sight = (seen[id] ??= { firstMs: ms, n: 0 });
      sight.firstMs = Math.min(sight.firstMs, ms);
      sight.n += 1;
    }
  }
  return { seen, nRead };
}

/**
 * In the reader: what each picture looks like where it stands.
 * @param {readonly [wanted: { id: string, number: number, width: number, address: string }[], height: number]} given
 */
async function lookAt([wanted, height]) {
  const side = 32;
  /**
   * @param {CanvasImageSource} source
   * @param {number} width
   */
  globalThis.smallOf = (source, width, x = 0, y = 0) => {
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true }));
    context.imageSmoothingQuality = "high";
    context.drawImage(source, x, y, width, height, 0, 0, side, side);
    return context.getImageData(0, 0, side, side).data;
  };
  globalThis.wanted = await Promise.all(wanted.map(async ({ id, number, width, address }) => {
    const bitmap = await createImageBitmap(await (await fetch(address)).blob());
    const canvas = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    return { id, number, width, data: smallOf(canvas, width) };
  }));
}

/**
 * In the reader, of some frames: the numbers beside the pictures say which stands where.
 * @param {readonly [frames: string[], nBits: number, nClockBits: number, height: number]} given
 */
async function sightsIn([frames, nBits, nClockBits, height]) {
  const sights = /** @type {{ id: string, ms: number }[]} */ ([]);
  let nRead = 0;
  for (const frame of frames) {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.fromBase64(frame)]));
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true }));
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    /**
     * @param {number} x
     * @param {number} y
     */
    const at = (x, y) => [...data.subarray((y * bitmap.width + x) * 4, (y * bitmap.width + x) * 4 + 3)];
    /**
     * @param {number} x
     * @param {number} y
     */
    const isBegin = (x, y) => ((colour) => colour[0] > 180 && colour[1] < 80 && colour[2] > 180)(at(x, y));
    /**
     * @param {number} x
     * @param {number} y
     * @param {number} n
     */
    const number = (x, y, n) => Array.from({ length: n }, (_, bit) => (at(x + 16 * (bit + 1), y)[1] < 128 ? 2 ** bit : 0)).reduce((sum, value) => sum + value, 0);
    if (isBegin(606, 14)) {
      nRead += 1;
      const ms = number(606, 14, nClockBits);
      for (let y = 0; y + height <= bitmap.height; y += 1) {
        // The first row of a number, and not the rest of one that begins above the frame.
        if (!isBegin(26, y) || !isBegin(26, y + (y ? 8 : 11)) || (y && isBegin(26, y - 1))) continue;
        const one = wanted.find((/** @type {{ number: number }} */ one) => one.number === number(26, y + 6, nBits));
        if (!one) continue;
        const shown = smallOf(bitmap, one.width, 200, y);
        let off = 0;
        for (let place = 0; place < shown.length; place += 1) off += Math.abs(shown[place] - one.data[place]);
        // Drawn another way a picture is off by a few steps; grey or blurred by dozens.
        if (off / shown.length < 9) sights.push({ id: one.id, ms });
        y += height;
      }
    }
    bitmap.close();
  }
  return { sights, nRead };
}

/**
 * The bytes of one of the feed's pictures.
 * @param {string} folder
 */
export const onePicture = (folder) => readFileSync(join(folder, "feed_0.jpg"));
