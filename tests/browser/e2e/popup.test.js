// The popup in each state that a model can be in, as a person meets them: on a copy whose packaged weights are read slowly,
// so that there is time to look, and whose picture model is cut short, so that one of them fails.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { editFile, eventually, screenshot } from "../harness/browser.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

before(async () => {
  sotto = await startSotto({
    edit: (folder) => {
      truncateSync(join(folder, "models/nsfw.gguf"), 1_000_000);
      editFile(folder, "background.js", (text) =>
        text.replace("await reader.read();", "await new Promise((go) => setTimeout(go, 2)).then(() => reader.read());"));
    },
  });
  await open();
});
after(() => sotto?.close());

async function open() {
  page = await sotto.page(sotto.url("pages/popup.html"));
  await page.setViewportSize({ width: 380, height: 900 });
  await page.waitForSelector("html[data-started]");
}

/** @param {string} model */
const pill = (model) => page.locator(`#model-${model} [data-part=state]`);
/**
 * @param {string} model
 * @param {string} part
 */
const press = (model, part) => page.locator(`#model-${model} [data-part=${part}]`).click();

/**
 * Every state that a model's pill shows from now on.
 * @param {string} model
 */
const watch = (model) => page.evaluate((id) => {
  globalThis.seen = [];
  const element = document.querySelector(`#model-${id} [data-part=state]`);
  new MutationObserver(() => seen.push(element.textContent)).observe(element, { childList: true, characterData: true, subtree: true });
}, model);

/** @param {string} name */
async function shots(name) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme });
    await screenshot(page, `popup-${name}-${colorScheme}`);
  }
}

test("says that nothing is stored, and then how far the storing is", async () => {
  assert.equal(await pill("sentiment").innerText(), "Not stored yet");
  await shots("not-stored");
  await page.locator("#model-sentiment summary").click();
  await watch("sentiment");
  await press("sentiment", "load");
  await eventually("the storing to show", async () => /^Storing [1-9]\d? ?%$/.test(await pill("sentiment").innerText()));
  await screenshot(page, "popup-storing");
  await eventually("the model", async () => (await pill("sentiment").innerText()) === "Ready");
  const seen = await page.evaluate(() => globalThis.seen);
  assert.ok(seen.some((/** @type {string} */ state) => /^Loading \d+ ?%$/.test(state)), `${seen}`);
});

test("says what a ready model takes, and when it was used", async () => {
  await page.locator("#try-text").fill("What a wonderful evening.");
  await page.locator("#try").click();
  await eventually("the verdict", async () => /Positive/.test(await page.locator("#try-result").innerText()));
  const figures = await eventually("the figures", async () => {
    const text = await page.locator("#model-sentiment dl").innerText();
    return !/never/.test(text) && text;
  });
  assert.match(figures, /On disk\s+39 MB\s+In memory\s+39 MB\s+Runs\s+1\b/);
  assert.match(await page.locator("#memory-now").innerText(), /^\d+ MB of 256 MB$/);
  assert.match(await page.locator("#stored-now").innerText(), /^\d+ MB$/);
  assert.match((await page.locator("#memory-more").textContent()) ?? "", /^peak \d+ MB$/);
  await shots("ready");
});

test("says that a model failed, and why", async () => {
  await page.locator("#model-nsfw summary").click();
  await press("nsfw", "load");
  await eventually("the failure", async () => (await pill("nsfw").innerText()) === "Failed");
  assert.match(await page.locator("#model-nsfw [data-part=said]").innerText(), /nsfw\.gguf has 1000000 of 9491456 bytes/);
  await shots("failed");
});

test("says what is stored while no engine runs, checks it and clears it", async () => {
  await page.close();
  await sotto.stopWorkers();
  await open();
  await eventually("the state", async () => (await pill("sentiment").innerText()) === "Stored");
  await shots("stored");
  await press("sentiment", "check");
  const said = () => page.locator("#model-sentiment [data-part=said]").innerText();
  await eventually("the check", async () => /exactly those of the package/.test(await said()));
  await press("sentiment", "forget");
  await eventually("the state", async () => (await pill("sentiment").innerText()) === "Not stored yet");
  assert.match(await said(), /gone/);
});

test("keeps to its width at twice the size", async () => {
  // The browser makes the popup as wide as it then needs, up to 800 pixels.
  await page.setViewportSize({ width: 760, height: 900 });
  await page.evaluate(() => (document.documentElement.style.zoom = "2"));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  await screenshot(page, "popup-twice-the-size");
});

describe("on a page that is no website's", () => {
  /** @type {Sotto} */
  let plain;
  /** @type {string} */
  let folder;
  before(async () => {
    plain = await startSotto();
    folder = mkdtempSync(join(tmpdir(), "sotto-popup-"));
  });
  after(async () => {
    await plain?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /**
   * What the popup offers on a page.
   * @param {string} address
   */
  async function offered(address) {
    const over = await plain.page(address);
    await plain.openPopup(over);
    const look = () => {
      const by = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
      const shown = (/** @type {string} */ id) => by(id).checkVisibility();
      const switches = ["guard", "protect"].map((id) => [by(id).disabled, by(id).getAttribute("aria-describedby"), shown(`${id}-hint`)]);
      return shown("page-said") && { said: by("page-said").innerText, switches, scan: shown("scan-part") };
    };
    const seen = await eventually("the sentence", () => plain.inPopup(`(${look})()`));
    await plain.popupSays(/Sotto/);
    await over.close();
    return seen;
  }
  const switches = [[true, "page-said", false], [true, "page-said", false]];

  test("one sentence says why nothing is offered on a page of the browser's", async () => {
    const { said, ...rest } = await offered("chrome://version");
    assert.match(said, /browsers? keep extensions out of/i);
    assert.deepEqual(rest, { switches, scan: false });
  });

  test("on Sotto's own, and on a file of this computer", async () => {
    assert.deepEqual(await offered(plain.url("pages/privacy.html")), { said: "This page is Sotto’s own: there is nothing to check here.", switches, scan: true });
    const file = join(folder, "page.html");
    writeFileSync(file, "<p>What a wonderful evening.</p>");
    const { said } = await offered(pathToFileURL(file).href);
    assert.match(said, /file on your computer|page is none/);
  });
});

test("in a private window no site can be chosen, and one sentence says why", async () => {
  const window = await sotto.page("about:blank");
  await window.addInitScript(() => {
    if ("tabs" in chrome) chrome.tabs.query = /** @type {any} */ (async () => [{ id: 1, url: "https://example.com/", incognito: true }]);
  });
  await window.goto(sotto.url("pages/popup.html"));
  await window.getByText(/private window, of which nothing is kept/).waitFor();
  for (const id of ["guard", "protect"]) {
    assert.equal(await window.locator(`#${id}`).isDisabled(), true, id);
    assert.match((await window.locator(`#${id}-title`).textContent()) ?? "", /example\.com/);
  }
  assert.equal(await window.locator("#scan-part").isVisible(), true);
  await screenshot(window, "popup-private");
  await window.close();
});

describe("in a browser without SIMD", () => {
  /** @type {Sotto} */
  let old;
  before(async () => {
    old = await startSotto({ edit: (folder) => editFile(folder, "simd.js", (text) => text.replace(/WebAssembly\.validate\(\w+\)/, "false")) });
  });
  after(() => old?.close());

  test("each page says so in one sentence, and so does whoever is asked", async () => {
    for (const name of ["popup", "options", "welcome", "privacy"]) {
      const window = await old.page(old.url(`pages/${name}.html`));
      await window.getByText(/this browser has no WebAssembly with SIMD/).waitFor();
      await window.close();
    }
    const reply = await old.ask({ ask: "text", text: "What a wonderful evening." });
    assert.deepEqual([reply.answer, reply.reason], ["refused", "noSimd"]);
  });

  test("the shortcut opens the popup, which says it", async () => {
    const window = await old.page("chrome://version");
    await old.pressShortcut(window, "classify-selection");
    await old.popupSays(/this browser has no WebAssembly with SIMD/);
  });
});

describe("in German", () => {
  /** @type {Sotto} */
  let german;
  before(async () => {
    german = await startSotto({ flags: ["--lang=de"], options: { env: { ...process.env, LANGUAGE: "de" } } });
  });
  after(() => german?.close());

  test("speaks it from the first paint on", async () => {
    const messages = JSON.parse(readFileSync(new URL("../../../extension/_locales/de/messages.json", import.meta.url), "utf8"));
    for (const name of ["popup", "options", "proof"]) {
      const window = await german.visit(german.url(`pages/${name}.html`));
      const texts = await window.evaluate(() => [...document.querySelectorAll("[data-msg]")].map(({ dataset, textContent }) => [dataset.msg, textContent]));
      assert.ok(texts.length > 10);
      const wrong = texts.filter(([key, text]) => messages[key]?.message !== text && !messages[key]?.message.includes("$"));
      // What Rust fills in later is no longer the placeholder.
      assert.deepEqual(wrong.filter(([key]) => !["siteTitle", "guardHint"].includes(key)), []);
      await screenshot(window, `${name}-german`);
    }
  });

  test("says each verdict in it", async () => {
    const popup = await german.visit(german.url("pages/popup.html"));
    await popup.setViewportSize({ width: 380, height: 760 });
    for (const [name, text, says] of /** @type {[string, string, RegExp][]} */ ([
      ["positive", "The staff were wonderful and the garden is beautiful.", /Positiv\s+\d+\s?%[^]*in etwa \d+\s?% der Fälle recht/],
      ["negative", "😡", /Negativ\s+\d+\s?%[^]*hat niemand geprüft/],
      ["neutral", "He was born in 1956 in Ohio and studied law.", /Neutral\s+\d+\s?%[^]*keine Haltung/],
      ["rating", "★★★★☆", /Positiv\s+80\s?%[^]*Das ist eine Bewertung/],
      ["mixed", "The view from the terrace is breathtaking. The soup was cold and tasted of nothing at all.", /Gemischt[^]*widersprechen sich[^]*2 Sätze/],
      ["unclear", "café naïve", /Unklar[^]*lässt sich verschieden lesen/],
      ["refused", "Das ist nicht der Ort, den wir suchen, und das Essen war schlecht.", /nicht.*Englisch/],
    ])) {
      const said = () => popup.locator("#try-result").innerText();
      const before = await said();
      await popup.locator("#try-text").fill(text);
      await popup.locator("#try").click();
      const words = await eventually(`${name} in German`, async () => {
        const now = await said();
        return now !== before && /Negativ\n[^]*Positiv|Englisch/.test(now) && now;
      });
      assert.match(words, says);
      assert.doesNotMatch(words, /\b(?:the|right|sentences|about)\b/);
      await screenshot(popup, `popup-german-${name}`);
    }
  });

  test("gives its reasons in it", async () => {
    const popup = await german.visit(german.url("pages/popup.html"));
    await popup.setViewportSize({ width: 380, height: 760 });
    await popup.locator("#try-text").fill("The staff were wonderful and the garden is beautiful, although our room was dirty.");
    await popup.locator("#try").click();
    await popup.locator("#try-why summary").getByText("Warum?").click();
    await popup.locator("#try-why").getByText(/In Richtung positiv: „/).waitFor();
    await screenshot(popup, "popup-why-german");
  });
});
