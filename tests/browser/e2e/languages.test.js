// Every page in every language, and in one that is written from right to left: nothing is wider than its page, nothing stands there
// by the name of its key, axe has nothing to say, and what the popup is for is seen without scrolling. The words are handed to the
// pages as the browser would hand them (popup.test.js has one browser that really speaks German).

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { complaints } from "../harness/axe.js";
import { screenshot } from "../harness/browser.js";
import { DIST } from "../harness/places.js";
import { startSotto } from "../harness/sotto.js";

const PAGES = ["popup", "options", "welcome", "privacy", "proof"];
/** What browsers give a popup at most, and the narrowest window that people read in. */
const [POPUP, NARROW] = [{ width: 380, height: 600 }, { width: 480, height: 800 }];

/** @typedef {Record<string, string>} Words */
/** @param {string} language @returns {Words} */
const wordsOf = (language) => Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(join(DIST, `_locales/${language}/messages.json`), "utf8"))).map(([key, { message }]) => [key, message]));
const languages = readdirSync(join(DIST, "_locales"));
/** English as if it were Hebrew: each text a third longer, between marks that show where it is cut off. */
const pseudo = Object.fromEntries(Object.entries(wordsOf("en")).map(([key, text]) => [key, key.startsWith("language") ? text : `⟦${text}${"אב ".repeat(Math.ceil(text.length / 9))}⟧`]));
const LANGUAGES = /** @type {[string, Words][]} */ ([
  ...languages.map((language) => [language, wordsOf(language)]),
  ["pseudo", { ...pseudo, languageTag: "he", languageDirection: "rtl" }],
]);

/** @type {Sotto} */
let sotto;

before(async () => {
  sotto = await startSotto();
  for (const model of ["sentiment", "nsfw"]) await sotto.ask({ ask: "load", model });
});
after(() => sotto?.close());

/**
 * A page whose words are these.
 * @param {string} name
 * @param {Words} words
 * @param {{ width: number, height: number }} size
 */
async function open(name, words, size) {
  const page = await sotto.page("about:blank");
  await page.addInitScript((words) => {
    chrome.i18n.getMessage = (key, parts = []) =>
      (words[key] ?? "").replace(/\$(\d)/g, (_, place) => String([parts].flat()[Number(place) - 1] ?? ""));
  }, words);
  await page.setViewportSize(size);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(sotto.url(`pages/${name}.html`));
  await page.locator("html[data-started=true]").waitFor({ state: "attached" });
  return page;
}

for (const [language, words] of LANGUAGES) {
  describe(language, () => {
    for (const name of PAGES) {
      test(name, async () => {
        const page = await open(name, words, name === "popup" ? POPUP : NARROW);
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = document.body.dataset.page !== "popup")));
        const seen = await page.evaluate(() => {
          const root = document.documentElement;
          const cut = [...document.querySelectorAll("button, h1, h2, h3, label, .pill, summary, p, a, legend, th, td")].filter((element) => element.checkVisibility() && !element.closest(".unseen") && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline");
          return { lang: root.lang, dir: root.dir, wide: root.scrollWidth - root.clientWidth, low: Math.max(...["models", "memory-part", "page-part", "try"].map((id) => document.getElementById(id)?.getBoundingClientRect().bottom ?? Number.NaN)), cut: cut.map(({ localName, id, className, textContent }) => `${localName} ${id} ${className}: ${textContent?.slice(0, 40)}`), text: document.body.innerText };
        });
        assert.deepEqual([seen.lang, seen.dir], [words["languageTag"], words["languageDirection"]]);
        assert.ok(seen.wide <= 0, `${seen.wide} pixels too wide`);
        assert.deepEqual(seen.cut, []);
        assert.deepEqual(Object.keys(words).filter((key) => /[a-z][A-Z]|_/.test(key) && new RegExp(`(^|\\s)${key}(\\s|$)`).test(seen.text)), [], "keys in the words' place");
        assert.deepEqual(await complaints(page), []);
        if (name === "popup" && language !== "pseudo") assert.ok(seen.low <= POPUP.height, `seen from ${seen.low} pixels on`);
        await screenshot(page, `language-${language}-${name}`);
        await page.close();
      });
    }
  });
}
