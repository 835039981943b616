// Protected pages in the shape of real ones: a picture board, a feed without an end, a shop. Every picture that is warned of ends
// covered and every other one shown, the page stands as it would without us, and asks for nothing more.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { recordFilm } from "../harness/films.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-protected-sites-"));
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES, "/films/": folder } });
  sotto = await startSotto({ hostPermissions: true });
  writeFileSync(join(folder, "alarm.webm"), await recordFilm(await sotto.visit(`${server.otherOrigin}/uploads.html`), [0, 1]));
  await protect(true);
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** @param {boolean} on */
async function protect(on) {
  const reply = await sotto.ask({ ask: "protect", site: "http://127.0.0.1", on });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
}

/** @param {string} name */
const visit = (name) => sotto.visit(`${server.origin}/${name}?from=${server.otherOrigin}`);

/**
 * What paints a picture that has come, and is not as its address says: alarms are to be covered, everything else is to be shown. With
 * `inView` only what a person sees now, and there pictures that have yet to come count as well.
 * @param {Page} page
 * @param {{ inView?: boolean }} [which]
 */
const amiss = (page, { inView = false } = {}) => page.evaluate((inView) => {
  const found = [];
  const roots = [document, ...(globalThis.roots ?? [])];
  /** @param {Element} element */
  const parentOf = (element) => element.parentElement ?? /** @type {Partial<ShadowRoot>} */ (element.getRootNode()).host ?? null;
  for (const element of roots.flatMap((root) => [...root.querySelectorAll("*")])) {
    let { top, bottom, left, right } = element.getBoundingClientRect();
    // What a slider has aside is no more in view than what is below the last line.
    for (let parent = parentOf(element); parent; parent = parentOf(parent)) {
      if (parent === document.body || parent === document.documentElement || getComputedStyle(parent).overflow === "visible") continue;
      const clip = parent.getBoundingClientRect();
      [top, bottom, left, right] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom), Math.max(left, clip.left), Math.min(right, clip.right)];
    }
    if (bottom - top < 1 || right - left < 1) continue;
    if (inView && (bottom <= 0 || top >= innerHeight || right <= 0 || left >= innerWidth)) continue;
    // A film of another site is judged by the screen, for which half of it has to be there.
    if (inView && element.matches("video") && Math.min(bottom, innerHeight) - Math.max(top, 0) < element.offsetHeight * 0.6) continue;
    const style = getComputedStyle(element);
    const shows = element.matches("canvas") ? element.dataset.shows : element.matches("img, video") ? element.currentSrc || element.src : null;
    const hasCome = !element.matches("img") || (element.complete && element.naturalWidth > 0);
    if (shows !== null && shows !== "nothing" && (hasCome || inView)) {
      const mark = element.getAttribute("data-sotto");
      const wanted = /alarm/.test(shows) ? "blur" : "fine";
      if (mark !== wanted || (mark === "fine" && style.filter !== "none")) found.push(`${element.id || shows} is ${mark} and should be ${wanted}`);
    }
    if (/url\(/.test(style.backgroundImage)) {
      const mark = element.getAttribute("data-sotto-back");
      const wanted = /alarm/.test(style.backgroundImage) ? "blur" : "fine";
      if (mark !== wanted || (mark === "fine") === style.backgroundSize.startsWith("0px")) found.push(`behind ${element.id || style.backgroundImage} is ${mark} and should be ${wanted}`);
    }
  }
  return found;
}, inView);

/**
 * @param {Page} page
 * @param {{ inView?: boolean }} [which]
 */
async function settled(page, which) {
  let last = /** @type {string[]} */ ([]);
  await eventually("every picture to be as it should", async () => (last = await amiss(page, which)).length === 0, 8_000)
    .catch((error) => assert.fail(`${error.message}: ${last.join("; ")}`));
}

/** From the top to the bottom, a screen at a time; all in view is as it should be before the next. @param {Page} page */
async function readThrough(page) {
  for (let isEnd = false; !isEnd; ) {
    await settled(page, { inView: true });
    isEnd = await page.evaluate(async () => {
      const before = scrollY;
      scrollBy(0, innerHeight * 0.9);
      // A page that has more brings it now.
      for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
      return scrollY === before && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    });
  }
}

test("a board: thumbnails, a picture that takes its thumbnail's place, a film of another site, a full picture alone", async () => {
  const page = await visit("board.html");
  await screenshot(page, "protected-board");
  await readThrough(page);
  await settled(page);
  for (const id of ["post-27", "post-28"]) {
    await page.evaluate((id) => {
      document.getElementById(id).scrollIntoView({ block: "center" });
      document.getElementById(id).closest("a").click();
    }, id);
    await eventually("the full one", () => page.evaluate((id) => document.getElementById(`${id}-full`).naturalWidth > 0, id));
    await settled(page, { inView: true });
  }
  await page.evaluate(() => document.querySelector("#film a").click());
  await page.evaluate(() => document.getElementById("opened").scrollIntoView({ block: "center" }));
  await settled(page, { inView: true });
  await page.evaluate(() => scrollTo(0, 0));
  await page.mouse.click(...(await middleOf(page, ".thread:nth-child(4) img")));
  await page.waitForURL(/pictures\/.*full3/);
  await eventually("it to be shown", () => page.evaluate(() => document.querySelector("img")?.getAttribute("data-sotto") === "fine"));
});

test("a feed: posts come and go, their pictures by srcset, behind content, in shadow roots; up again they come anew", async () => {
  const page = await visit("social.html");
  await readThrough(page);
  await screenshot(page, "protected-social");
  assert.equal(await page.evaluate(() => document.querySelector("article:last-of-type").dataset.post), "29");
  // Faster than anything can be judged, and back: what was removed and made anew is not known by its element.
  for (const to of ["up", "down"]) {
    await page.evaluate(async (to) => {
      for (let step = 0; step < 40; step += 1) {
        scrollBy(0, to === "up" ? -400 : 400);
        await new Promise(requestAnimationFrame);
      }
    }, to);
    await settled(page, { inView: true });
  }
  await settled(page);
});

test("a shop: a picture that the pointer exchanges, a magnified part, a slider's copies, sprites and icons", async () => {
  const page = await visit("shop.html");
  await settled(page, { inView: true });
  await screenshot(page, "protected-shop");
  // Into view comes the alarm, then the copy of the first slide, then that itself.
  for (let slide = 0; slide < 3; slide += 1) {
    await page.click("#next");
    await page.waitForTimeout(700);
    await settled(page, { inView: true });
  }
  for (const [x, y] of [[60, 40], [61, 42]]) {
    const [left, top] = await page.evaluate(() => {
      const { left, top } = document.getElementById("large").getBoundingClientRect();
      return [left, top];
    });
    await page.mouse.move(left + x, top + y);
  }
  await settled(page, { inView: true });
  for (const n of [1, 2, 4]) {
    // Beside the button that stands over what is covered.
    await page.hover(`#product-${n}`, { position: { x: 8, y: 8 } });
    await page.waitForFunction((n) => document.getElementById(`product-${n}`).src.includes("back"), n);
    await settled(page, { inView: true });
    await page.mouse.move(2, 2);
    await page.waitForFunction((n) => document.getElementById(`product-${n}`).src.includes("front"), n);
    await settled(page, { inView: true });
  }
  await readThrough(page);
  await settled(page);
});

test("each stands where it would stand without protection, and asks for nothing more", async () => {
  for (const name of ["board.html", "social.html", "shop.html"]) {
    const [plain, covered] = [await looks(name, false), await looks(name, true)];
    assert.ok(plain.boxes.length > 20, name);
    assert.deepEqual(covered.boxes.filter((box, place) => box !== plain.boxes[place]).slice(0, 5), [], `${name}: other boxes`);
    assert.equal(covered.boxes.length, plain.boxes.length, name);
    // How far ahead of the view a lazy picture loads is the browser's to decide, and differs from one visit to the next: what the
    // page itself asked for is all that came, nothing of it twice.
    for (const { own, came } of [plain, covered]) {
      assert.deepEqual(came, own.map((address) => new URL(address).pathname).sort(), `${name}: requests`);
      assert.equal(new Set(own).size, own.length, `${name}: something was asked for twice`);
    }
  }
});

test("each ends as it should where the background was stopped while it loaded, too", async () => {
  await protect(true);
  for (const name of ["board.html", "social.html"]) {
    await sotto.stopWorkers();
    const page = await visit(name);
    await sotto.stopWorkers();
    await settled(page, { inView: true });
  }
});

/**
 * Where all elements of a page stand when it is read from the top to its end, what it asked for by its
 * own account, and what the server was asked for.
 * @param {string} name
 * @param {boolean} on
 */
async function looks(name, on) {
  await protect(on);
  await sotto.visit("about:blank");
  const nBefore = server.requests.length;
  const page = await visit(name);
  const boxes = [];
  for (let screen = 0; screen < 3; screen += 1) {
    if (on) await settled(page, { inView: true });
    await eventually("all to have come", () => page.evaluate(() => [...document.images].every((image) => image.complete || image.getBoundingClientRect().top > innerHeight)));
    boxes.push(...(await page.evaluate(() => [document, ...(globalThis.roots ?? [])].flatMap((root) => [...root.querySelectorAll("body *, img")]).map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return `${element.localName} ${element.id} ${x} ${y} ${width} ${height}`;
    }))));
    await page.evaluate(async () => {
      scrollBy(0, 600);
      for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    });
  }
  await page.waitForLoadState("networkidle");
  const own = () => page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
  const came = () => server.requests.slice(nBefore).map(({ path }) => path).filter((path) => path !== `/${name}` && path !== "/favicon.ico").sort();
  // The browser writes down what has come, the server what was asked for.
  await eventually("all that was asked for", async () => (await own()).length >= came().length, 3_000).catch(() => {});
  return { boxes, own: await own(), came: came() };
}

/**
 * @param {Page} page
 * @param {string} selector
 * @returns {Promise<[x: number, y: number]>}
 */
const middleOf = (page, selector) => page.evaluate((selector) => {
  const { left, top, width, height } = document.querySelector(selector).getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}, selector);
