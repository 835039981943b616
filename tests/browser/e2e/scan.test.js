// The scan of a page's pictures, from the popup: what it finds, covers, reveals and gives back. Nothing is fetched for it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { contentScript } from "../harness/isolated.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;
let tabId = -1;
/** @type {() => number} */
let requested;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  requested = () => server.requests.filter(({ path }) => path !== "/favicon.ico").length;
  sotto = await startSotto();
  page = await sotto.page(`${server.origin}/scan.html?from=${server.otherOrigin}`);
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  await sotto.grant(page);
  const worker = await sotto.worker();
  tabId = await worker.evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id ?? -1);
});
after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/**
 * As the popup asks.
 * @param {ScanWish} what
 */
async function wish(what) {
  const reply = await sotto.askFromBehind({ ask: "scan", tab: tabId, wish: what });
  assert.equal(reply.answer, "scan", JSON.stringify(reply));
  return reply;
}
/** @param {Partial<ScanCounts>} wanted */
const counts = async (wanted) => {
  let last = /** @type {any} */ (null);
  return eventually(JSON.stringify(wanted), async () => {
    last = await wish("state");
    return Object.entries(wanted).every(([name, value]) => last[name] === value) && last;
  }).catch((error) => assert.fail(`${error.message}; counted ${JSON.stringify(last)}`));
};
/** @param {string} id */
const styleOf = (id) => page.evaluate((name) => document.getElementById(name).getAttribute("style") ?? "", id);
const badge = async () => (await sotto.worker()).evaluate((id) => chrome.action.getBadgeText({ tabId: id }), tabId);

test("before anybody asks, nothing of the scan is in the page", async () => {
  assert.deepEqual(await wish("state").then(({ found, running }) => ({ found, running })), { found: 0, running: false });
});

test("finds all pictures of a size, reads those of the page itself and captures the others in view", async () => {
  const nBefore = requested();
  await wish("start");
  await counts({ found: 6, judged: 5, over: 2, unread: 1, running: true });
  for (const id of ["alarm", "foreign-alarm"]) assert.match(await styleOf(id), /blur/, id);
  for (const id of ["coffee", "cat", "icon", "foreign", "foreign-far"]) assert.doesNotMatch(await styleOf(id), /blur/, id);
  assert.equal(await badge(), "2");
  assert.equal(requested(), nBefore, "a scan fetches nothing");
  await screenshot(page, "scan-page");
});

test("a right click on a covered picture tells of the picture, not of its cover", async () => {
  await sotto.checkImage(page, "#foreign-alarm");
  assert.match(await sotto.says(page, /Drawing[^]*\d ms/), /Likely not safe/);
  await page.keyboard.press("Escape");
});

test("judges what a person scrolls to", async () => {
  await page.locator("#foreign-far").scrollIntoViewIfNeeded();
  await counts({ found: 6, judged: 6, unread: 0 });
  await page.evaluate(() => scrollTo(0, 0));
});

test("judges pictures that come while it runs, and those that change", async () => {
  await page.evaluate(() => {
    const late = document.createElement("img");
    late.id = "late";
    late.width = 224;
    late.src = "/false_alarm.png?late";
    document.body.prepend(late);
  });
  await counts({ found: 7, judged: 7, over: 3 });
  await page.evaluate(() => (document.getElementById("late").src = "/pictures/house.jpg?late"));
  await counts({ found: 7, judged: 7, over: 2 });
  assert.doesNotMatch(await styleOf("late"), /blur/);
});

test("a picture is captured once, however long its verdict takes, and uncovered as it was", async () => {
  const world = await contentScript(page, sotto.id);
  await world.evaluate(() => {
    globalThis.nSpots = 0;
    globalThis.nativeSend = chrome.runtime.sendMessage;
    chrome.runtime.sendMessage = async (message) => {
      const reply = await globalThis.nativeSend(message);
      if (message.ask !== "inView") return reply;
      globalThis.nSpots += message.spots.length;
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return reply;
    };
  });
  await page.evaluate(async () => {
    const slow = document.createElement("img");
    slow.id = "slow";
    slow.width = 224;
    slow.src = `${document.getElementById("foreign-alarm").src}?slow`;
    document.body.prepend(slow);
    await slow.decode();
    // The scan looks again whenever the page changes.
    globalThis.restless = setInterval(() => document.body.append(document.createElement("i")), 300);
  });
  await counts({ found: 8, over: 3 });
  // Long enough for the answer to a second capture, were there one.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  assert.match(await styleOf("slow"), /blur/);
  assert.equal(await world.evaluate("nSpots"), 1);
  await world.evaluate(() => void (chrome.runtime.sendMessage = globalThis.nativeSend));
  await page.evaluate(() => clearInterval(restless));
  const left = await page.evaluate(() => {
    globalThis.gone = document.getElementById("slow");
    gone.remove();
    return new Promise((resolve) => setTimeout(() => resolve(gone.getAttribute("style") ?? ""), 500));
  });
  assert.equal(left, "");
  await counts({ found: 7, over: 2 });
});

test("a click reveals a covered picture and is not the page's; the next one is", async () => {
  await page.click("#alarm");
  assert.doesNotMatch(await styleOf("alarm"), /blur/);
  assert.equal(await page.evaluate(() => clicks), 0);
  await page.click("#alarm");
  assert.equal(await page.evaluate(() => clicks), 1);
  assert.match(await styleOf("foreign-alarm"), /blur/);
});

test("stopped, it looks at nothing more; undone, it leaves every style as it was", async () => {
  await wish("stop");
  await page.evaluate(() => {
    const after = document.createElement("img");
    after.id = "after";
    after.width = 224;
    after.src = "/false_alarm.png?after";
    document.body.append(after);
    return after.decode();
  });
  await counts({ running: false, found: 7 });
  assert.match(await styleOf("foreign-alarm"), /blur/);
  await wish("undo");
  await counts({ found: 0, running: false });
  assert.equal(await styleOf("foreign-alarm"), "");
  assert.equal(await styleOf("alarm"), "outline: green solid 1px;");
  await eventually("the badge to go", async () => (await badge()) === "");
});

test("with the action “warn” it draws an outline instead", async () => {
  await sotto.askFromBehind({ ask: "keepPictureRules", thresholds: {}, action: "warn", careful: false });
  await wish("start");
  await counts({ found: 8, over: 3 });
  assert.match(await styleOf("foreign-alarm"), /outline: rgb\(212, 53, 28\) solid 4px/);
  await wish("undo");
  assert.equal(await styleOf("alarm"), "outline: green solid 1px;");
});

test("a picture that can't be judged is counted as such, not as fine", async () => {
  const worker = await sotto.worker();
  await worker.evaluate(() => {
    self.bitmapAsBefore = self.createImageBitmap;
    self.createImageBitmap = async () => Promise.reject(new Error("planted"));
  });
  await wish("start");
  const { found, judged, unread, failed } = await counts({ found: 8, failed: 2, over: 2 });
  assert.equal(judged + unread + failed, found);
  await worker.evaluate(() => (self.createImageBitmap = self.bitmapAsBefore));
  await wish("undo");
  await wish("start");
  await counts({ found: 8, failed: 0, over: 3 });
  await wish("undo");
});

test("a capture that the browser refuses is asked for ever later, and again when the person moves", async () => {
  const worker = await sotto.worker();
  await worker.evaluate(() => {
    self.captureAsBefore = chrome.tabs.captureVisibleTab;
    self.nCaptures = 0;
    chrome.tabs.captureVisibleTab = async () => {
      self.nCaptures += 1;
      throw new Error("planted");
    };
  });
  await wish("start");
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const nCaptures = await worker.evaluate(() => self.nCaptures);
  assert.ok(nCaptures >= 1 && nCaptures <= 4, `${nCaptures} captures in five seconds`);
  await worker.evaluate(() => (chrome.tabs.captureVisibleTab = self.captureAsBefore));
  await page.mouse.wheel(0, 10);
  await counts({ found: 8, failed: 0, over: 3 });
  await wish("undo");
});

test("the settings say what would have happened, and follow every change", async () => {
  const options = await sotto.page(sotto.url("pages/options.html"));
  await options.waitForSelector("html[data-started]");
  /** @param {RegExp} pattern */
  const happened = (pattern) => eventually(`${pattern}`, async () => pattern.test(await options.locator("#trial-result").innerText()));
  await options.locator("#trial").setInputFiles(join(FIXTURES, "false_alarm.png"));
  await happened(/You would have been asked/);
  await options.check("#action-block");
  await happened(/kept back without a question/);
  const explicit = options.locator("[data-class=Porn]");
  assert.equal(await explicit.inputValue(), "60");
  await explicit.focus();
  await options.keyboard.press("End");
  await happened(/uploaded without a word/);
  assert.match(await options.locator("#thresholds").innerText(), /from 100\s?%/);
  assert.deepEqual((await sotto.ask({ ask: "settings" })).thresholds, { Porn: 1 });
  await options.click("#thresholds-reset");
  await happened(/kept back without a question/);
  assert.deepEqual((await sotto.ask({ ask: "settings" })).thresholds, {});
  await options.check("#action-blur");
  await happened(/You would have been asked/);
  await screenshot(options, "options-pictures");
  await options.close();
});

test("the popup shows it", async () => {
  const popup = await sotto.page(sotto.url("pages/popup.html"));
  await popup.locator("#scan-title").scrollIntoViewIfNeeded();
  assert.match(await popup.locator("body").innerText(), /Pictures on this page/);
  await popup.close();
});
