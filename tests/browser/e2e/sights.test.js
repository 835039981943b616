// Right-click on pictures of every kind, and the pixels that are judged: those of another site, which the page may not read, come
// out of the captured tab, and are compared with the known picture to the pixel. The server hears of nothing.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { BLUE, CYAN, framedPng, GREEN, RED, YELLOW } from "../harness/made_files.js";
import { watchPixels } from "../harness/pixels.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const JUDGED = /Drawing[^]*\d ms/;

/** @type {Fixtures} */
let server;
/** @type {string} */
let folder;
/** @type {() => number} */
let requested;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-sights-"));
  writeFileSync(join(folder, "framed.png"), framedPng());
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES, "/made/": folder } });
  requested = () => server.requests.filter(({ path }) => path !== "/favicon.ico").length;
});
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/**
 * @param {number[]} pixel
 * @param {readonly number[]} colour
 * @param {number} tolerance
 */
const near = (pixel, colour, tolerance) => colour.every((channel, index) => Math.abs(channel - pixel[index]) <= tolerance);

/**
 * Requires the red frame at all four edges and the four quarters inside, wherever in the picture they are.
 * @typedef {{ width: number, height: number, at(x: number, y: number): number[] } | null} Seen
 * @typedef {{ width: number, height: number, tolerance?: number, corners?: number, rounded?: boolean }} Whole
 * @param {Seen} seen
 * @param {Whole} whole
 */
function assertWhole(seen, { width, height, tolerance = 60, corners = 1.5, rounded = false }) {
  assert.ok(seen, "no pixels were judged");
  assert.deepEqual([seen.width, seen.height], [width, height]);
  const [right, bottom] = [width - 0.5 - corners, height - 0.5 - corners];
  for (const [what, x, y, colour] of /** @type {const} */ ([
    ["top left", corners, corners, RED], ["top right", right, corners, RED], ["bottom left", corners, bottom, RED],
    ["bottom right", right, bottom, RED], ["left edge", corners, height / 2, RED], ["top edge", width / 2, corners, RED],
    ["right edge", right, height / 2, RED], ["bottom edge", width / 2, bottom, RED],
    ["first quarter", width / 4, height / 4, GREEN], ["second quarter", (width * 3) / 4, height / 4, BLUE],
    ["third quarter", width / 4, (height * 3) / 4, YELLOW], ["fourth quarter", (width * 3) / 4, (height * 3) / 4, CYAN],
  ])) {
    if (rounded && /^(top|bottom) (left|right)$/.test(what)) continue;
    assert.ok(near(seen.at(x, y), colour, tolerance), `${what} at ${x},${y} is ${seen.at(x, y)}, not ${colour}`);
  }
}

/**
 * All of the page's pictures are there and painted.
 * @param {Page | Frame} frame
 */
const painted = (frame) => frame.evaluate(async () => {
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
});

/** Everything once, and what depends on the ratio at the others too. */
const AT_EVERY_RATIO = ["#plain", "#padded", "#turned"];

/** The browser whose pixels are the page's own; it serves what is right-clicked too. */
/** @type {Sotto} */
let plain;
after(() => plain?.close());

for (const ratio of [1, 1.5, 2]) {
  /** @param {string} selector */
  const wanted = (selector) => ratio === 1 || AT_EVERY_RATIO.includes(selector);
  describe(`with ${ratio} device pixels to one of the page`, () => {
    /** @type {Sotto} */
    let sotto;
    /** @type {Page} */
    let page;
    /** @type {Awaited<ReturnType<typeof watchPixels>>} */
    let pixels;
    before(async () => {
      // Not Playwright's emulation: a capture would not follow that.
      const flags = [`--force-device-scale-factor=${ratio}`, "--window-size=1200,1000"];
      sotto = await startSotto({ flags, options: { viewport: null } });
      if (ratio === 1) plain = sotto;
      pixels = await watchPixels(sotto);
      page = await sotto.page(`${server.origin}/sights.html?from=${server.otherOrigin}`);
      await painted(page);
      assert.equal(await page.evaluate(() => devicePixelRatio), ratio);
    });
    after(() => sotto !== plain && sotto?.close());

    /** @param {number} css */
    const device = (css) => Math.round(css * ratio);
    /**
     * Checks a picture and returns what the card says.
     * @param {string} selector
     */
    async function check(selector) {
      await page.keyboard.press("Escape");
      await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
      await pixels.forget();
      const nBefore = requested();
      await sotto.checkImage(page, selector);
      const says = await sotto.says(page, JUDGED, 10_000);
      assert.equal(requested(), nBefore, "the picture must not be fetched again");
      return says;
    }

    /** @type {[string, Partial<Whole>][]} */
    const straight = [
      ["#plain", {}],
      ["#padded", {}],
      ["#contained", {}],
      ["#round", { rounded: true }],
      ["#candidates", {}],
    ];
    for (const [selector, options] of straight.filter(([selector]) => wanted(selector))) {
      test(`${selector} is judged to the pixel`, async () => {
        const says = await check(selector);
        assert.doesNotMatch(says, /part in view/);
        const seen = /** @type {NonNullable<Seen>} */ (await pixels.last());
        // A box that starts between two device pixels may be one wider or narrower.
        assert.ok(Math.abs(seen.width - device(200)) <= 1 && Math.abs(seen.height - device(120)) <= 1, `${seen.width} × ${seen.height}`);
        assertWhole(seen, { width: seen.width, height: seen.height, corners: 1.5 * ratio, ...options });
      });
    }

    if (wanted("#stretched")) test("a stretched one is judged as it is shown", async () => {
      await check("#stretched");
      const seen = /** @type {NonNullable<Seen>} */ (await pixels.last());
      assert.ok(Math.abs(seen.width - device(250)) <= 1 && Math.abs(seen.height - device(90)) <= 1, `${seen.width} × ${seen.height}`);
      assertWhole(seen, { width: seen.width, height: seen.height, corners: 1.5 * ratio });
    });

    for (const selector of ["#turned", "#skewed"].filter(wanted)) {
      test(`${selector} is turned back`, async () => {
        const says = await check(selector);
        assert.doesNotMatch(says, /part in view/);
        assertWhole(await pixels.last(), { width: device(200), height: device(120), corners: 2 * ratio, tolerance: 90 });
      });
    }

    for (const [selector, box] of [["#covering", "#covering"], ["#scrolled", "#scroller"]].filter(([selector]) => wanted(selector))) {
      test(`${selector} is judged on what is in view, and says so`, async () => {
        assert.match(await check(selector), /part in view/);
        const seen = /** @type {NonNullable<Seen>} */ (await pixels.last());
        // Without border and scroll bar.
        const width = await page.evaluate((query) => document.querySelector(query).clientWidth, box);
        assert.ok(Math.abs(seen.width - device(width)) <= 1, `${seen.width} wide`);
      });
    }

    if (ratio === 1) test("asked sooner than the browser captures again, it waits its turn", async () => {
      await sotto.grant(page);
      const worker = await sotto.worker();
      const refusal = await worker.evaluate(async () => {
        const captures = await Promise.allSettled([1, 2, 3].map(() => chrome.tabs.captureVisibleTab()));
        return captures.flatMap((capture) => (capture.status === "rejected" ? capture.reason.message : []))[0];
      });
      assert.match(refusal, /MAX_CAPTURE_VISIBLE_TAB_CALLS_PER_SECOND/);
      await check("#plain");
    });

    if (wanted("#below")) test("one far down the page is judged where it is scrolled to", async () => {
      await page.locator("#below").scrollIntoViewIfNeeded();
      await check("#below");
      const seen = /** @type {NonNullable<Seen>} */ (await pixels.last());
      assertWhole(seen, { width: seen.width, height: seen.height, corners: 1.5 * ratio });
      await page.evaluate(() => scrollTo(0, 0));
    });
  });
}

describe("under the pointer", () => {
  /** @type {Page} */
  let page;
  /** @type {Awaited<ReturnType<typeof watchPixels>>} */
  let pixels;
  before(async () => {
    pixels = await watchPixels(plain);
    page = await plain.page(`${server.origin}/sights.html?from=${server.otherOrigin}`);
    await painted(page);
  });

  /**
   * Right-clicks like a person; the browser names no source for what is no image to it.
   * @param {string} selector
   */
  async function check(selector, pattern = JUDGED) {
    await page.keyboard.press("Escape");
    await pixels.forget();
    const nBefore = requested();
    await page.locator(selector).click({ button: "right" });
    await plain.clickMenu(page, { menuItemId: "check-image" });
    const says = await plain.says(page, pattern, 10_000);
    assert.equal(requested(), nBefore);
    return says;
  }

  // The first check is answered from what the pointer is over, the others from the right click itself.
  test("a CSS background, also below words", async () => {
    await check("#background span");
    const seen = /** @type {NonNullable<Seen>} */ (await pixels.last());
    assert.deepEqual([seen.width, seen.height], [200, 120]);
    assert.ok(near(seen.at(199, 119), RED, 30));
  });

  test("a canvas that the page may not read", async () => {
    await check("#tainted");
    assertWhole(await pixels.last(), { width: 200, height: 120 });
  });

  test("an image in SVG", async () => {
    await check("#drawn");
    assertWhole(await pixels.last(), { width: 200, height: 120 });
  });

  test("a canvas of the page's own, from its own pixels", async () => {
    await check("#own");
    assert.equal(await pixels.last(), null, "no capture is needed");
  });

  test("a video's frame", async () => {
    await eventually("a frame", () => page.evaluate(() => document.getElementById("video").videoWidth > 0));
    await check("#video");
    assert.equal(await pixels.last(), null, "no capture is needed");
  });

  test("a picture that is out of view is said to be so", async () => {
    await page.keyboard.press("Escape");
    await page.evaluate(() => scrollTo(0, 0));
    await plain.checkImage(page, "#below");
    await plain.says(page, /Nothing of this picture is in view/, 10_000);
  });

  test("nothing is no picture", async () => {
    await check("#nothing", /no picture here/i);
    await screenshot(page, "card-no-picture");
  });
});

describe("in frames", () => {
  /** @type {Sotto} */
  let sotto;
  /** @type {Awaited<ReturnType<typeof watchPixels>>} */
  let pixels;
  // Only who may read every site gets into another site's frame.
  before(async () => {
    sotto = await startSotto({ hostPermissions: true, options: { viewport: { width: 1100, height: 900 } } });
    pixels = await watchPixels(sotto);
  });
  after(() => sotto?.close());

  for (const [name, origin] of /** @type {const} */ ([["of the same site", () => server.origin], ["of another site", () => server.otherOrigin]])) {
    test(`${name}`, async () => {
      const other = origin() === server.origin ? server.otherOrigin : server.origin;
      const inner = `${origin()}/sights.html?from=${other}`;
      const page = await sotto.page(`${server.origin}/frames.html?of=${encodeURIComponent(inner)}`);
      const frame = await eventually("the frame", () => page.frames().find((found) => found.parentFrame() && found.url() === inner));
      await frame.waitForLoadState();
      await painted(frame);
      await pixels.forget();
      const worker = await sotto.worker();
      const frameId = await worker.evaluate(async (address) => {
        const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
        const frames = await chrome.scripting.executeScript({ target: { tabId: tab.id ?? -1, allFrames: true }, func: () => location.href });
        return frames.find(({ result }) => result === address)?.frameId;
      }, inner);
      const srcUrl = await frame.evaluate(() => document.getElementById("padded").currentSrc);
      await sotto.clickMenu(page, { menuItemId: "check-image", mediaType: "image", srcUrl, frameId });
      await eventually("the picture's pixels", () => pixels.last());
      assertWhole(await pixels.last(), { width: 200, height: 120 });
      await page.close();
    });
  }
});
