// Verdicts on words inside Sotto's own pages, and why: in the box to try, for what is selected on the page in front, and
// where results go to the popup alone.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { complaints } from "../harness/axe.js";
import { eventually, screenshot } from "../harness/browser.js";
import { FIXTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const TEXT = "The staff were wonderful and the garden is beautiful, although our room was dirty.";
const LONG = `${TEXT}\n`.repeat(140);
/** Long enough that its reasons are still looked for when somebody turns to another text. */
const MIDDLING = `${TEXT}\n`.repeat(40);
const SUMMARY = /^Towards positive: “[^]*wonderful[^]*”\. Away from it: “[^]*dirty[^]*”\.$/;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES } });
  sotto = await startSotto();
});

afterEach(() => page?.close());

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** One of Sotto's pages in a tab, which notes the background's replies by what was asked. */
async function open(name = "popup") {
  page = await sotto.page(sotto.url(`pages/${name}.html`));
  await page.waitForSelector("html[data-started]");
  await page.evaluate(() => {
    globalThis.replies = [];
    const send = chrome.runtime.sendMessage.bind(chrome.runtime);
    chrome.runtime.sendMessage = async (message) => {
      const reply = await send(message);
      globalThis.replies.push({ ask: message.ask, ...reply });
      return reply;
    };
  });
}

/** @param {string} text */
async function classify(text) {
  await page.locator("#try-text").fill(text);
  await page.locator("#try").click();
  await page.locator("#try-why summary").waitFor();
}

const said = () => page.locator("#try-why [data-part=said]").innerText();
const explained = () => eventually("the reasons", async () => SUMMARY.test(await said()));
/** @param {string} ask */
const replies = (ask) => page.evaluate((wanted) => globalThis.replies.filter(({ ask }) => ask === wanted), ask);

describe("why, in the box to try", () => {
  test("the words that pushed are marked, the first of them early, and named", async () => {
    await open();
    await page.setViewportSize({ width: 380, height: 760 });
    await classify(TEXT);
    await page.evaluate(() => {
      globalThis.stages = [];
      const place = document.getElementById("try-why");
      new MutationObserver(() => {
        const words = place.querySelectorAll(".words mark").length;
        if (words) stages.push(place.querySelector("[data-part=said]").textContent);
      }).observe(place, { childList: true, subtree: true, characterData: true });
    });
    await page.locator("#try-why summary").click();
    await explained();
    const stages = await page.evaluate(() => globalThis.stages);
    assert.match(stages[0], /^Looking for the words/, `${stages}`);
    assert.match(stages.at(-1), SUMMARY);
    assert.equal(await page.locator("#try-why .words").innerText(), TEXT);
    const lines = await page.locator("#try-why .words mark").evaluateAll((marks) => marks.map((mark) => {
      const { textDecorationStyle, textDecorationThickness } = getComputedStyle(mark);
      return { word: mark.textContent, style: textDecorationStyle, thickness: parseInt(textDecorationThickness, 10) };
    }));
    /** @param {string} wanted */
    const of = (wanted) => lines.find(({ word }) => word === wanted);
    assert.equal(of("wonderful").style, "solid", JSON.stringify(lines));
    assert.equal(of("dirty").style, "dashed", JSON.stringify(lines));
    assert.equal(Math.max(...lines.map(({ thickness }) => thickness)), 4, "the strongest word has the thickest line");
    assert.ok(new Set(lines.map(({ thickness }) => thickness)).size > 1, JSON.stringify(lines));
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await complaints(page, "#try-why"), [], colorScheme);
      await page.locator("#try-why").scrollIntoViewIfNeeded();
      await screenshot(page, `popup-why-${colorScheme}`);
    }
  });

  test("opens and closes with the keyboard, and asks once", async () => {
    await open();
    await classify(TEXT);
    await page.locator("#try-why summary").focus();
    await page.keyboard.press("Enter");
    await explained();
    await page.keyboard.press("Enter");
    await page.locator("#try-why .words").waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await page.locator("#try-why .words").waitFor();
    await explained();
    assert.equal((await replies("why")).length, 1);
  });

  test("of a long text is told in part, where whoever uses no mouse can reach it all", async () => {
    await open();
    await classify(LONG);
    await page.locator("#try-why summary").click();
    await eventually("the reasons", async () => /Only the first part of this long text was explained/.test(await said()), 60_000);
    assert.deepEqual(await complaints(page, "#try-why"), []);
  });

  test("is given up when another text is classified", async () => {
    await open();
    await classify(MIDDLING);
    await page.locator("#try-why summary").click();
    await eventually("the search", async () => /Looking/.test(await said()));
    await page.locator("#try-text").fill("An awful evening.");
    await page.locator("#try").click();
    await eventually("the verdict", async () => /Negative/.test(await page.locator("#try-result").innerText()));
    await eventually("the other text's offer", async () => (await page.locator("#try-why details").count()) === 1);
    assert.equal(await page.locator("#try-why mark").count(), 0);
    const [reply] = await eventually("the reply", async () => {
      const found = await replies("why");
      return found.length && found;
    });
    assert.equal(reply.reason, "cancelled", JSON.stringify(reply));
    await page.locator("#try-why summary").click();
    await eventually("the reasons", async () => /Towards negative: “awful”/i.test(await said()));
  });

  test("is given up when its page goes", async () => {
    await open();
    const reply = await page.evaluate(async (text) => {
      const port = chrome.runtime.connect({ name: "mine" });
      const reply = chrome.runtime.sendMessage({ id: "mine", ask: "why", text, towards: "positive" });
      // As the browser does it when the page is closed.
      setTimeout(() => port.disconnect(), 50);
      return reply;
    }, LONG);
    assert.equal(reply.reason, "cancelled", JSON.stringify(reply));
  });

  test("stands on the welcome page too", async () => {
    await open("welcome");
    await page.locator("#try").click();
    await page.locator("#try-why summary").click();
    await eventually("the reasons", async () => /Towards positive: “/.test(await said()));
    await screenshot(page, "welcome-why");
  });
});

describe("what is selected on the page in front", () => {
  const select = () => page.evaluate(() => getSelection()?.selectAllChildren(document.getElementById("across-end")));
  const openWhy = () => sotto.inPopup("document.querySelector('#result-why summary')?.click()");
  const offered = () => eventually("the offer to explain", () => sotto.inPopup("Boolean(document.querySelector('#result-why summary'))"));

  test("is classified by the popup's button, and explained", async () => {
    page = await sotto.page(`${server.origin}/words.html`);
    await select();
    await sotto.openPopup(page);
    await sotto.popupShows(/Classify the selection/);
    await eventually("the popup to start", () => sotto.inPopup("document.documentElement.dataset.started"));
    await sotto.inPopup("document.getElementById('classify-selection').click()");
    await sotto.popupShows(/Your selection\s*Positive\s*\d+\s?%/);
    await offered();
    await openWhy();
    await sotto.popupSays(/the staff were so very kind[^]*Towards positive: “/);
  });

  test("is refused by the popup's button where nothing is selected", async () => {
    page = await sotto.page(`${server.origin}/words.html`);
    await sotto.openPopup(page);
    await eventually("the popup to start", () => sotto.inPopup("document.documentElement.dataset.started"));
    await sotto.inPopup("document.getElementById('classify-selection').click()");
    await sotto.popupShows(/Your selection\s*Nothing is selected/);
    assert.equal(await sotto.inPopup("document.querySelector('#result-why').childElementCount"), 0);
    await sotto.popupSays(/Nothing is selected/);
  });

  test("is explained where results go to the popup alone, and its text is stored nowhere", async () => {
    await sotto.ask({ ask: "showResults", place: "popup" });
    try {
      page = await sotto.page(`${server.origin}/words.html`);
      await select();
      await sotto.clickMenu(page, { menuItemId: "classify-selection" });
      await sotto.popupShows(/Your selection\s*Positive\s*\d+\s?%/);
      await offered();
      const stored = await sotto.inPopup("Promise.all([chrome.storage.session.get(), chrome.storage.local.get()]).then(JSON.stringify)");
      assert.match(stored, /sentiment/);
      assert.doesNotMatch(stored, /kinder/);
      await openWhy();
      await sotto.popupSays(/the staff were so very kind[^]*Towards positive: “/);
      assert.equal((await sotto.ask({ ask: "shownText" })).text, null, "the background still has the text");
    } finally {
      await sotto.ask({ ask: "showResults", place: "card" });
    }
  });
});
