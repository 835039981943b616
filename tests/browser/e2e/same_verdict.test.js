// One view, shown on the card of a web page and in the popup: the same words, figures and buttons in the same order. On a copy of
// dist/ whose surface.js leaves the card's shadow root open and differs in nothing else.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { editFile, eventually, screenshot } from "../harness/browser.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const SAID = "The staff were wonderful. Our room was dirty. We stayed for a week.";
/**
 * @param {number} negative
 * @param {number} neutral
 * @param {number} positive
 * @returns {Shares}
 */
const shares = (negative, neutral, positive) => ({ negative, neutral, positive });
/**
 * @param {string} words
 * @param {Sentiment} sentiment
 * @param {Shares} shares
 * @returns {SentenceVerdict}
 */
const sentence = (words, sentiment, shares) => ({ start: SAID.indexOf(words), end: SAID.indexOf(words) + words.length, sentiment, shares });
const SENTENCES = [
  sentence("The staff were wonderful.", "positive", shares(0.004, 0.005, 0.991)),
  sentence("Our room was dirty.", "negative", shares(0.9651, 0.03, 0.0049)),
  sentence("We stayed for a week.", "neutral", shares(0.03, 0.95, 0.02)),
];
/** @type {TextVerdict} */
const VERDICT = {
  sentiment: "positive", shares: shares(0.02, 0.066, 0.914), claim: "right", nTokens: 19, nWindows: 1, truncated: false, sentences: [],
  model: "sentiment", elapsedMs: 23.4,
};
/** @type {[name: string, probability: number][]} */
const CLASSES = [["Drawing", 0.021], ["Hentai", 0.0049], ["Neutral", 0.13], ["Porn", 0.8], ["Sexy", 0.0441]];
/** @type {PictureVerdict} */
const PICTURE = {
  classes: CLASSES.map(([name, probability]) => ({ name, probability })),
  top: 3, over: [3], second: { share: 0.91, over: true }, unsuitable: true, doubtful: false, width: 300, height: 200, frames: null, model: "nsfw", elapsedMs: 9.5,
};
/**
 * @param {Partial<TextVerdict>} more
 * @returns {ViewOf<"text">}
 */
const text = (more) => ({ kind: "text", verdict: { ...VERDICT, ...more } });
/**
 * @param {Partial<PictureVerdict>} more
 * @returns {ViewOf<"picture">}
 */
const picture = (more, partlyVisible = false) => ({ kind: "picture", partlyVisible, verdict: { ...PICTURE, ...more } });
/** @satisfies {Record<string, View>} */
const VIEWS = {
  "positive": text({}),
  "negative, and quicker than can be said": text({ sentiment: "negative", shares: shares(0.996, 0.003, 0.001), elapsedMs: 0.2 }),
  "neutral, in sober words": text({ sentiment: "neutral", claim: "sober", shares: shares(0.07, 0.88, 0.05) }),
  "neutral, as a label": text({ sentiment: "neutral", shares: shares(0.02, 0.96, 0.02) }),
  "a side that nobody checked": text({ claim: "sees" }),
  "a rating": text({ claim: "rated", shares: shares(0.2, 0, 0.8) }),
  "unclear, between two milliseconds": text({ sentiment: "unclear", claim: "sees", shares: shares(0.445, 0.08, 0.475), elapsedMs: 12.5 }),
  "mixed, with its sentences": text({ sentiment: "mixed", claim: "sees", shares: shares(0.34, 0.06, 0.6), sentences: SENTENCES, elapsedMs: 41.04 }),
  "of an own model": text({ model: "own-1", claim: "own", shares: shares(0.3, 0, 0.7) }),
  "of a long text's beginning, in parts": text({ truncated: true, nWindows: 12, nTokens: 5000, elapsedMs: 1234.5 }),
  "a refusal": { kind: "refused", reason: "notEnglish", detail: "not shown" },
  "an unsuitable picture": picture({}),
  "a picture of which one look warns": picture({ over: [], second: { share: 0.85, over: true }, doubtful: true }),
  "a moving picture, partly in view": picture({ unsuitable: false, over: [], top: 2, frames: { judged: 8, total: 31 }, elapsedMs: 0.4 }, true),
};

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;
/** @type {Page} */
let popup;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  sotto = await startSotto({ edit: (folder) => editFile(folder, "content/surface.js", (text) => text.replace('mode:"closed"', 'mode:"open"')) });
});

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/**
 * A card of a real request, in which any view can then be shown; what it takes for pictures and sentences has come with that.
 * @param {View} view
 */
async function openCard({ kind }) {
  if (kind === "picture") {
    page = await sotto.visit(`${server.origin}/pictures.html`);
    await sotto.checkImage(page, "#coffee");
  } else {
    page = await sotto.visit(`${server.origin}/selection.html`);
    await page.evaluate((said) => (document.getElementById("praise").textContent = said), SAID);
    await sotto.classifySelection(page, "#praise");
  }
  await page.locator("[popover] footer:not([hidden])").waitFor();
}

/**
 * What is shown on the card is told by the background to whatever card stands there, without naming its request.
 * @param {View} view
 */
async function onCard(view) {
  await openCard(view);
  const worker = await sotto.worker();
  await worker.evaluate(async (view) => {
    const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
    await chrome.tabs.sendMessage(tab.id ?? -1, { sotto: "card", view });
  }, view);
  return told(page.locator("[popover] .sheet"), ".body", "footer:not([hidden])");
}

/**
 * A popup that finds the view waiting, as the background leaves it there, and its text when it asks for that.
 * @param {View} view
 */
async function inPopup(view) {
  const worker = await sotto.worker();
  await worker.evaluate((view) => chrome.storage.session.set({ view }), view);
  popup = await sotto.context.newPage();
  await popup.addInitScript((said) => {
    const send = chrome.runtime.sendMessage.bind(chrome.runtime);
    chrome.runtime.sendMessage = (message) =>
      message.ask === "shownText" ? Promise.resolve({ id: message.id, answer: "shownText", text: said }) : send(message);
  }, SAID);
  await popup.setViewportSize({ width: 380, height: 820 });
  await popup.goto(sotto.url("pages/popup.html"));
  await popup.locator("#result-panel:not([hidden])").waitFor();
  return told(popup.locator("#result-panel"), "#result", ".foot");
}

/**
 * What a person reads in both, line by line, and what there is to press; "Why?" has a place of its own in the popup.
 * @param {import("playwright-core").Locator} place
 * @param {string} body
 * @param {string} foot
 */
async function told(place, body, foot) {
  /** @param {string} selector */
  const lines = async (selector) => {
    const found = place.locator(selector);
    return (await found.count()) ? (await found.innerText()).split(/\s*\n\s*/) : [];
  };
  const below = (await lines(foot)).filter((line) => line !== "Why?");
  const canAsk = await place.getByText("Why?").filter({ visible: true }).count();
  const buttons = await place.locator(`${body} button`).evaluateAll((all) => all.map((button) => button.getAttribute("aria-label")));
  const scale = await place.locator(".scale span").evaluateAll((/** @type {HTMLElement[]} */ all) => all.map(({ className, style }) => [className, style.flexGrow]));
  return { says: await lines(body), below, canAsk, buttons, scale };
}

describe("card and popup say the same of", () => {
  for (const [name, view] of Object.entries(VIEWS)) {
    test(name, async () => {
      const card = await onCard(view);
      const shown = await inPopup(view);
      assert.deepEqual(shown, card);
      assert.ok(card.says.length > 0 && card.says.every(Boolean), `${card.says}`);
      assert.equal(card.canAsk, view.kind === "text" && view.verdict.claim !== "rated" ? 1 : 0);
      assert.equal(card.below.length, view.kind === "refused" ? 0 : 2, `${card.below}`);
      if (view.kind === "text" && view.verdict.sentences.length) await readSentence();
      const shot = name.replace(/\W+/g, "-");
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        for (const [where, tab] of /** @type {const} */ ([["card", page], ["popup", popup]])) {
          await tab.emulateMedia({ colorScheme });
          await screenshot(tab, `same-${where}-${shot}-${colorScheme}`);
          await tab.emulateMedia({ colorScheme: null });
        }
      }
      await popup.close();
      await page.keyboard.press("Escape");
    });
  }
});

/** The negative one of the three, chosen with the keyboard, is read out in both. */
async function readSentence() {
  const read = [];
  for (const [tab, place] of /** @type {const} */ ([[page, "[popover]"], [popup, "#result"]])) {
    await tab.bringToFront();
    await tab.locator(`${place} .strip button`).nth(1).focus();
    await tab.keyboard.press("Enter");
    const reading = tab.locator(`${place} .sentence`);
    await eventually("the sentence", async () => /dirty/.test(await reading.innerText()));
    read.push([await reading.innerText(), await tab.locator(`${place} .strip [aria-pressed=true]`).count()]);
  }
  assert.deepEqual(read[1], read[0]);
  assert.deepEqual(read[0], ["Negative 97% Our room was dirty.", 1]);
}

test("the box to try shows it as the card does, and takes it to the clipboard", async () => {
  const view = VIEWS["mixed, with its sentences"];
  const card = await onCard(view);
  popup = await sotto.page(sotto.url("pages/popup.html"));
  await popup.waitForSelector("html[data-started]");
  await popup.evaluate((verdict) => {
    const send = chrome.runtime.sendMessage.bind(chrome.runtime);
    chrome.runtime.sendMessage = (message) =>
      message.ask === "text" ? Promise.resolve({ id: message.id, answer: "text", ...verdict }) : send(message);
    navigator.clipboard.writeText = async (text) => void (globalThis.taken = text);
  }, view.verdict);
  await popup.locator("#try-text").fill(SAID);
  await popup.locator("#try").click();
  const panel = popup.locator("section", { has: popup.locator("#try-result") });
  await panel.locator(".foot").waitFor();
  assert.deepEqual(await told(panel, "#try-result", ".foot"), card);
  assert.equal(await popup.locator("#try-result").getAttribute("aria-busy"), "false");
  await panel.getByText("Copy").click();
  await eventually("the word that it is copied", async () => /Copied/.test(await panel.innerText()));
  assert.equal(await popup.evaluate(() => globalThis.taken), "Mixed (Sotto)");
  await popup.close();
});
