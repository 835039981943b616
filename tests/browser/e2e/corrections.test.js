// "This is wrong": one click keeps a person's word, the next verdict on the same text or picture goes by it, and no other one does. Only
// hashes and words are kept, and all of it can be seen, saved, brought back and removed.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { alarm } from "../harness/made_files.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { clickInShadow } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";
import { pick } from "../harness/uploads.js";

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  folder = mkdtempSync(join(tmpdir(), "sotto-corrections-"));
  sotto = await startSotto({ hostPermissions: true });
  await sotto.ask({ ask: "guard", on: true });
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});
beforeEach(async () => {
  await sotto.ask({ ask: "removeCorrections", correction: null });
});

/** What is kept, as words alone. */
const kept = async () => (await sotto.ask({ ask: "corrections" })).kept.map((/** @type {any} */ one) => (one.text ?? one.picture).said);
/** @param {boolean} on */
const warnOfAll = (on) => sotto.ask({ ask: "keepPictureRules", thresholds: on ? { Neutral: 0, Drawing: 0, Hentai: 0, Porn: 0, Sexy: 0 } : {}, action: "blur", careful: on });
/** @param {Page} page */
const seen = (page) => page.evaluate(() => uploads.seen);
/** @param {Page} page */
const isAsked = (page) => eventually("the question", async () => (await sotto.says(page, /upload anyway/i, 1_000).catch(() => "")) || (await seen(page)).length > 0);

/**
 * A picture's near-duplicate: 2 % trimmed, at half size, as JPEG of quality 60.
 * @param {Page} page
 * @param {string} path
 */
async function nearDuplicate(page, path) {
  const bytes = await page.evaluate(async (base64) => {
    const original = await createImageBitmap(new Blob([Uint8Array.fromBase64(base64)]));
    const [width, height] = [original.width, original.height];
    const canvas = new OffscreenCanvas(Math.round(width * 0.49), Math.round(height * 0.49));
    canvas.getContext("2d")?.drawImage(original, width * 0.01, height * 0.01, width * 0.98, height * 0.98, 0, 0, canvas.width, canvas.height);
    const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.6 });
    return new Uint8Array(await jpeg.arrayBuffer()).toBase64();
  }, readFileSync(path).toString("base64"));
  const duplicate = join(folder, `${basename(path, ".png")}.jpg`);
  writeFileSync(duplicate, Buffer.from(bytes, "base64"));
  return duplicate;
}

describe("a text", () => {
  test("is said to be wrong by one click, and its next verdict says so; another text's does not", async () => {
    const page = await sotto.page(`${server.origin}/words.html`);
    await sotto.classifySelection(page, "#across");
    await sotto.says(page, /Positive[^]*This is wrong/);
    await clickInShadow(page, /This is wrong/);
    await sotto.says(page, /You said: it’s not positive\.[^]*Neutral[^]*Take it back/);
    assert.deepEqual(await kept(), ["notPositive"]);
    await screenshot(page, "card-wrong");
    await clickInShadow(page, /^Neutral$/);
    await sotto.says(page, /You said: it’s neutral/);
    assert.deepEqual(await kept(), ["neutral"]);
    await page.keyboard.press("Escape");
    // The same words, elsewhere and with other blanks between them.
    await page.evaluate(() => (document.querySelector("#fact").textContent = ` ${document.querySelector("#across").textContent.replace(/ /g, "\n  ")} `));
    await sotto.classifySelection(page, "#fact");
    const said = await sotto.says(page, /You said: it’s neutral\.[^]*Positive/);
    assert.doesNotMatch(said, /Kept/);
    await screenshot(page, "card-you-said");
    await clickInShadow(page, /This is wrong/);
    await sotto.says(page, /Take it back/);
    await clickInShadow(page, /Take it back/);
    await sotto.says(page, /Taken back/);
    assert.deepEqual(await kept(), []);
    await page.keyboard.press("Escape");
    await sotto.classifySelection(page, "#editable");
    assert.doesNotMatch(await sotto.says(page, /Positive[^]*ms/), /You said/);
    await page.close();
  });

  test("is remembered when the background was stopped, before the click and after it", async () => {
    const page = await sotto.page(`${server.origin}/words.html`);
    await sotto.classifySelection(page, "#editable");
    await sotto.says(page, /Positive[^]*This is wrong/);
    await sotto.stopWorkers();
    await clickInShadow(page, /This is wrong/);
    await sotto.says(page, /You said: it’s not positive/);
    await sotto.stopWorkers();
    await page.keyboard.press("Escape");
    await sotto.classifySelection(page, "#editable");
    await sotto.says(page, /You said: it’s not positive[^]*Positive/);
    await page.close();
  });

  test("is corrected in the popup's box, too", async () => {
    const page = await sotto.page(sotto.url("pages/popup.html"));
    await page.waitForSelector("html[data-started]");
    await page.locator("#try-text").fill("What a wonderful evening.");
    await page.locator("#try").click();
    await page.getByRole("button", { name: "This is wrong" }).click();
    await page.getByText("You said: it’s not positive.").waitFor();
    assert.deepEqual(await kept(), ["notPositive"]);
    await screenshot(page, "popup-wrong");
    await page.close();
  });
});

describe("a picture", () => {
  test("a false alarm never asks twice, however it is scaled and stored, and every other picture does", async () => {
    const page = await sotto.page(`${server.origin}/uploads.html`);
    const picture = alarm(folder);
    await pick(page, "single", [picture]);
    await sotto.says(page, /upload anyway[^]*/i);
    await screenshot(page, "guard-wrong");
    await clickInShadow(page, /This is wrong/);
    await eventually("the page to get the file", async () => (await seen(page)).length > 0);
    assert.deepEqual(await kept(), ["fine"]);
    for (const file of [alarm(folder), await nearDuplicate(page, picture)]) {
      await page.reload();
      await pick(page, "single", [file]);
      await eventually("the page to get the file", async () => (await seen(page)).length > 0);
      assert.equal(await sotto.isOnPage(page), false, file);
    }
    // Everything is warned of now, and each picture but that one is asked about.
    await warnOfAll(true);
    for (const name of ["chelsea.png", "horse.png"]) {
      await page.reload();
      await pick(page, "single", [join(PICTURES, name)]);
      assert.match(String(await isAsked(page)), /upload anyway/i, name);
      await clickInShadow(page, /Don’t upload/);
    }
    await page.reload();
    await pick(page, "single", [picture]);
    await eventually("the page to get the file", async () => (await seen(page)).length > 0);
    await warnOfAll(false);
    await page.close();
  });

  test("of several the one that is fine goes, and the others are asked about", async () => {
    const page = await sotto.page(`${server.origin}/uploads.html`);
    await warnOfAll(true);
    await pick(page, "multiple", [join(PICTURES, "house.jpg"), join(PICTURES, "astronaut.png")]);
    await sotto.says(page, /house\.jpg[^]*astronaut\.png/);
    await clickInShadow(page, /This is wrong: house\.jpg/);
    await sotto.says(page, /You said: it’s fine/);
    await screenshot(page, "guard-one-is-fine");
    await clickInShadow(page, /Don’t upload/);
    await eventually("the page to get one", async () => (await seen(page)).length > 0);
    assert.ok((await seen(page)).every(({ files }) => files.length === 1 && /house/.test(files[0])), JSON.stringify(await seen(page)));
    await warnOfAll(false);
    await page.close();
  });

  test("a miss is remembered: it is warned of on its card, in an upload and on a protected page", async () => {
    const page = await sotto.page(`${server.origin}/pictures.html`);
    await sotto.checkImage(page, "#coffee");
    await sotto.says(page, /This is wrong/);
    await clickInShadow(page, /This is wrong/);
    await sotto.says(page, /You said: it’s unsuitable/);
    await screenshot(page, "card-picture-wrong");
    await page.keyboard.press("Escape");
    await sotto.checkImage(page, "#coffee");
    await sotto.says(page, /You said: it’s unsuitable\.[^]*ms/);
    await page.keyboard.press("Escape");
    await page.goto(`${server.origin}/uploads.html`);
    await pick(page, "single", [join(PICTURES, "coffee.png")]);
    await sotto.says(page, /You said: it’s unsuitable[^]*upload anyway/i);
    await clickInShadow(page, /Don’t upload/);
    await sotto.ask({ ask: "protect", on: true });
    await page.goto(`${server.origin}/pictures.html`);
    await sotto.says(page, /You said: it’s unsuitable/);
    await screenshot(page, "protected-you-said");
    await sotto.ask({ ask: "protect", on: false });
    await page.close();
  });

  test("in a private window nothing can be said, and what was said elsewhere counts", async () => {
    const page = await sotto.page(`${server.origin}/pictures.html`);
    await sotto.checkImage(page, "#coffee");
    await sotto.says(page, /This is wrong/);
    await clickInShadow(page, /This is wrong/);
    await sotto.says(page, /You said: it’s unsuitable/);
    await page.keyboard.press("Escape");
    const worker = await sotto.worker();
    await worker.evaluate(() => {
      chrome.tabs.get = /** @type {any} */ (async () => ({ incognito: true }));
    });
    await sotto.checkImage(page, "#coffee");
    assert.doesNotMatch(await sotto.says(page, /You said: it’s unsuitable[^]*ms/), /This is wrong/);
    await sotto.stopWorkers();
    await page.close();
  });

  test("where a passphrase keeps protection, nobody says of a picture that it is fine", async () => {
    await sotto.ask({ ask: "setLock", passphrase: "long enough" });
    const page = await sotto.page(`${server.origin}/pictures.html`);
    await sotto.checkImage(page, "#coffee");
    assert.doesNotMatch(await sotto.says(page, /Drawing[^]*ms/), /This is wrong/);
    const refused = await sotto.ask({ ask: "removeCorrections", correction: null });
    assert.equal(refused.answer === "refused" && refused.reason, "locked");
    await sotto.ask({ ask: "unlock", passphrase: "long enough" });
    await sotto.ask({ ask: "lock", remove: true });
    await page.close();
  });
});

describe("in the settings", () => {
  /** @type {Page} */
  let page;
  before(async () => (page = await sotto.page(sotto.url("pages/options.html"))));
  after(() => page.close());
  const said = () => page.locator("#corrections-said").textContent();
  const open = async () => {
    await page.reload();
    await page.waitForSelector("html[data-started]");
    await eventually("the corrections", () => page.evaluate(() => document.querySelector("#corrections-none:not([hidden]), #corrections-some:not([hidden])") !== null));
  };
  /** @param {object} file */
  const choose = async (file) => {
    await page.evaluate(() => (document.querySelector("#corrections-said").textContent = ""));
    await page.locator("#corrections-import").setInputFiles({ name: "corrections.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(file)) });
    return eventually("the outcome", said);
  };
  /** @param {number} n */
  const hash = (n) => n.toString(16).padStart(64, "0");
  /** @param {number} n */
  const file = (n) => ({ sottoCorrections: 1, corrections: Array.from({ length: n }, (_, index) => ({ text: { hash: hash(index), said: "neutral" } })) });
  const correct = async () => {
    const { correctAs } = await sotto.ask({ ask: "text", text: "What a wonderful evening." });
    return sotto.ask({ ask: "correct", of: correctAs ?? "", word: "negative" });
  };

  test("they are listed, and removed one by one and all at once", async () => {
    await open();
    await page.getByText("Nothing is kept.").waitFor();
    await correct();
    await choose(file(2));
    await page.locator("#corrections-some > summary").click();
    assert.match(await page.locator("#corrections-count").innerText(), /3 corrections are kept/);
    assert.equal(await page.locator("#corrections-list > li").count(), 3);
    await screenshot(page, "options-corrections");
    await page.locator("#corrections-list > li").first().getByRole("button").click();
    await eventually("one to go", async () => (await kept()).length === 2);
    assert.deepEqual(await kept(), ["negative", "neutral"]);
    await page.locator("#corrections-remove").click();
    await eventually("all to go", async () => (await kept()).length === 0);
    await page.getByText("Nothing is kept.").waitFor();
  });

  test("what was saved as a file comes back, and nothing but hashes and words stands in it", async () => {
    await correct();
    const download = page.waitForEvent("download");
    await page.locator("#corrections-save").click();
    const path = await (await download).path();
    const saved = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual(Object.keys(saved), ["sottoCorrections", "corrections"]);
    assert.equal(saved.corrections.length, 1);
    assert.match(saved.corrections[0].text.hash, /^[0-9a-f]{64}$/);
    assert.deepEqual(Object.keys(saved.corrections[0].text), ["hash", "said"]);
    await page.locator("#corrections-remove").click();
    await eventually("all to go", async () => (await kept()).length === 0);
    await page.locator("#corrections-import").setInputFiles(path);
    await eventually("it to come back", async () => (await kept()).length === 1);
    assert.equal((await sotto.ask({ ask: "text", text: "What a  wonderful evening." })).said, "negative");
  });

  test("a file of 100,000, one of a later version, and one of something else change nothing", async () => {
    await correct();
    assert.match(await choose(file(100_000)), /100,000 corrections are more than the 5,000/);
    assert.match(await choose({ ...file(1), sottoCorrections: 2 }), /later version of Sotto/);
    for (const wrong of [{ sottoSettings: 1, settings: {} }, [], { sottoCorrections: 1, corrections: {} }]) {
      assert.match(await choose(wrong), /no file of corrections/);
    }
    assert.match(await choose(file(5_000)), /5,000 corrections are more than the 5,000/);
    assert.deepEqual(await kept(), ["negative"]);
  });

  test("of a file what is right is taken over, and the rest is counted", async () => {
    const { corrections } = file(2);
    const wrong = [{ text: { hash: "short", said: "neutral" } }, { text: { hash: hash(9), said: "fine" } }, { picture: { likeness: "!".repeat(336), said: "fine" } }, 7, null];
    assert.match(await choose({ sottoCorrections: 1, corrections: [...corrections, ...wrong] }), /2 corrections were taken over\. 5 that can’t be read were left out/);
    assert.equal((await kept()).length, 2);
  });

  test("of two words on one text in a file the later counts", async () => {
    const { corrections } = file(2);
    await choose({ sottoCorrections: 1, corrections: [...corrections, { text: { hash: hash(0), said: "negative" } }] });
    assert.deepEqual([...(await kept())].sort(), ["negative", "neutral"]);
  });

  test("a damaged store costs what is damaged alone, and says so", async () => {
    await correct();
    const worker = await sotto.worker();
    for (const damage of ["[...corrections, 5, { text: {} }]", '"rubbish"']) {
      await worker.evaluate(async (damage) => {
        const { corrections } = await chrome.storage.local.get("corrections");
        const damaged = damage.startsWith("[") ? [...corrections, 5, { text: {} }] : "rubbish";
        await chrome.storage.local.set({ corrections: damaged });
      }, damage);
      await sotto.stopWorkers();
      const isAll = damage === '"rubbish"';
      assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).said, isAll ? undefined : "negative");
      await open();
      await page.getByText(isAll ? /1 correction is stored that can’t be read/ : /2 corrections are stored that can’t be read/).waitFor();
      // A new one is kept beside what is damaged.
      assert.equal((await correct()).answer, "corrected");
    }
    await page.locator("#corrections-remove").click();
    await eventually("all to go", async () => (await sotto.ask({ ask: "corrections" })).unread === 0);
    assert.deepEqual(await kept(), []);
  });

  test("switched off, nobody is offered to correct, and nothing that was said counts", async () => {
    await correct();
    await open();
    await page.locator("#corrections-on").click();
    await eventually("it to be off", async () => (await sotto.ask({ ask: "settings" })).noCorrections);
    const { correctAs, said } = await sotto.ask({ ask: "text", text: "What a wonderful evening." });
    assert.deepEqual([correctAs, said], [undefined, undefined]);
    assert.deepEqual(await kept(), ["negative"]);
    await page.locator("#corrections-on").click();
    await eventually("it to be on", async () => !(await sotto.ask({ ask: "settings" })).noCorrections);
    assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).said, "negative");
  });

  test("nothing of it is kept in what browsers sync, and no text in what they keep", async () => {
    await correct();
    const worker = await sotto.worker();
    const stored = await worker.evaluate(async () => JSON.stringify([await chrome.storage.local.get(null), await chrome.storage.sync?.get(null) ?? null]));
    assert.doesNotMatch(stored, /wonderful/);
    assert.match(stored, /,null\]$|,\{\}\]$/);
    const web = await sotto.page(`${server.origin}/pictures.html`);
    await sotto.checkImage(web, "#coffee");
    await sotto.says(web, /Drawing/);
    assert.doesNotMatch(await worker.evaluate(async () => JSON.stringify(await chrome.storage.session.get(null))), /wonderful/);
    await web.close();
  });
});
