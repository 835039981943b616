// A text model of the person's own: added from files in the settings, quantised there, chosen, judging, removed; and refused
// with the reason where the files are no such model. The checkpoint is the packaged model widened to floats, so what is made
// of it must be the packaged file again, to the byte.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { packagedCheckpoint } from "../harness/checkpoint.js";
import { FIXTURES, ROOT } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const GERMAN = "Das ist nicht der Ort, den wir suchen, und das Essen war schlecht.";
const TEXTS = ["What a wonderful evening.", "The room was cold and the people were rude to us."];
const PATIENCE_MS = 90_000;

/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;
/** @type {ReturnType<typeof packagedCheckpoint>} */
let checkpoint;

before(async () => {
  checkpoint = packagedCheckpoint();
  sotto = await startSotto();
  page = await options();
});
after(async () => {
  await sotto?.close();
  checkpoint?.remove();
});

async function options() {
  const opened = await sotto.page(sotto.url("pages/options.html"));
  await opened.waitForSelector("html[data-started]");
  await opened.locator("#text-models input").first().waitFor();
  return opened;
}

const own = () => sotto.ask({ ask: "ownModels" });
const said = () => page.locator("#own-said").innerText();
/** @param {RegExp} pattern */
const saidAtLast = (pattern) =>
  eventually(`the settings to say ${pattern}`, async () => pattern.test(await said()) && (await said()), PATIENCE_MS);
/** @param {string} text */
const judge = async (text) => sotto.ask({ ask: "text", text });
const stored = async () => {
  const { models } = await sotto.ask({ ask: "status" });
  return Object.fromEntries(models.map(({ id, storedBytes }) => [id, storedBytes]));
};

/** The sha256 that models.toml names, which is that of the packaged file. */
function packagedSha256() {
  return readFileSync(join(ROOT, "models/models.toml"), "utf8").match(/file = "sentiment\.gguf"\nsha256 = "([0-9a-f]{64})"/)[1];
}

test("a checkpoint becomes the very file that ships, shows how far it is, and judges as that does", async () => {
  const packaged = await Promise.all(TEXTS.map(judge));
  await page.evaluate(() => {
    globalThis.shares = [];
    const bar = document.querySelector("#own-progress");
    new MutationObserver(() => shares.push(bar.value)).observe(bar, { attributes: true });
  });
  await page.locator("#own-files").setInputFiles(checkpoint.files);
  await eventually("the progress", () => page.locator("#own-working").isVisible());
  await eventually("a share", async () => (await page.evaluate(() => Math.max(...shares))) > 20, PATIENCE_MS);
  await page.locator("#own-title").scrollIntoViewIfNeeded();
  await screenshot(page, "own-model-progress");
  assert.match(await saidAtLast(/added|can’t/), /added/);
  const shares = await page.evaluate(() => globalThis.shares);
  assert.ok(new Set(shares).size > 20, `the progress moved ${new Set(shares).size} times`);
  assert.equal(await page.locator("#own-working").isVisible(), false);

  const { models, chosen } = await own();
  assert.equal(models.length, 1);
  assert.equal(models[0].sha256, packagedSha256());
  assert.equal(chosen, models[0].id);
  assert.equal((await stored())[chosen], models[0].bytes);
  assert.ok(models[0].memoryBytes > models[0].bytes, `${models[0].memoryBytes} bytes of memory`);

  for (const [index, text] of TEXTS.entries()) {
    const verdict = await judge(text);
    assert.equal(verdict.model, chosen);
    assert.deepEqual(verdict.shares, packaged[index].shares);
  }
  await screenshot(page, "own-model");
});

test("its percentages are not called more than they are", async () => {
  const server = await serve({ routes: { "/": FIXTURES } });
  const read = await sotto.page(`${server.origin}/selection.html`);
  await sotto.classifySelection(read, "#praise");
  const words = await sotto.says(read, /\d+\s?%/);
  assert.match(words, /Nobody has checked/);
  assert.doesNotMatch(words, /of the time/);
  await read.close();
  await server.close();
  const popup = await sotto.page(sotto.url("pages/popup.html"));
  await popup.locator("#try-text").fill(TEXTS[0]);
  await popup.locator("#try").click();
  await eventually("the verdict", async () => /Nobody has checked/.test(await popup.locator("#try-result").innerText()));
  await popup.close();
});

test("nobody knows which languages it reads, so none is refused", async () => {
  assert.equal((await judge(GERMAN)).answer, "text");
});

test("the worker's next life judges by it too, and the popup shows it", async () => {
  await sotto.stopWorkers();
  const { chosen } = await own();
  assert.equal((await judge(TEXTS[0])).model, chosen);
  const popup = await sotto.page(sotto.url("pages/popup.html"));
  const row = popup.locator(`#model-${chosen}`);
  await eventually("its row", async () => (await row.count()) === 1 && /Ready/.test(await row.innerText()));
  await row.locator("summary").click();
  assert.equal(await row.locator("[data-part=forget]").isVisible(), false, "what doesn't come back is not dropped by the way");
  assert.equal(await row.locator("[data-part=check]").isVisible(), true);
  await popup.close();
});

test("the package's can be chosen again, and the own one again after that", async () => {
  const { chosen } = await own();
  await page.locator("#text-models input").first().check();
  await eventually("the choice", async () => (await own()).chosen === null);
  assert.equal((await judge(TEXTS[0])).model, "sentiment");
  assert.equal((await judge(GERMAN)).reason, "notEnglish");
  await page.locator(`#text-models input[value="${chosen}"]`).check();
  await eventually("the choice", async () => (await own()).chosen === chosen);
  assert.equal((await judge(TEXTS[0])).model, chosen);
});

test("weights that somebody deleted are named, and the package's still judge once they are chosen", async () => {
  await sotto.stopWorkers();
  await page.evaluate(async () => {
    /** @param {any} request */
    const settled = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    await settled(indexedDB.deleteDatabase("sotto"));
  });
  const reply = await judge(TEXTS[0]);
  assert.deepEqual([reply.answer, reply.reason], ["refused", "ownModelGone"], JSON.stringify(reply));
  assert.match(String(reply.detail), /settings/);
  await page.locator("#text-models input").first().check();
  await eventually("the choice", async () => (await own()).chosen === null);
  assert.equal((await judge(TEXTS[0])).sentiment, "positive");
});

test("given up, it leaves nothing behind; added again, it is there once", async () => {
  const before = await own();
  await page.locator("#own-files").setInputFiles(checkpoint.files);
  await page.locator("#own-cancel").click();
  assert.match(await saidAtLast(/Stopped/), /Nothing was kept/);
  assert.deepEqual((await own()).models, before.models);
  await page.locator("#own-files").setInputFiles(checkpoint.files);
  await saidAtLast(/added/);
  const { models, chosen } = await own();
  assert.deepEqual([models.length, chosen], [1, models[0].id]);
  assert.equal((await judge(TEXTS[1])).model, chosen);
});

test("removed, it is gone from the list, the disk and the engine", async () => {
  const { chosen } = await own();
  await page.locator("#text-models button").click();
  await eventually("the list to be empty", async () => (await own()).models.length === 0);
  assert.equal((await own()).chosen, null);
  assert.equal((await stored())[String(chosen)], undefined);
  assert.equal(await page.locator("#text-models input").count(), 1);
  assert.equal((await judge(TEXTS[0])).model, "sentiment");
  const keys = await page.evaluate(() => new Promise((resolve) => {
    const request = indexedDB.open("sotto");
    request.onsuccess = () => {
      const all = request.result.transaction("weights").objectStore("weights").getAllKeys();
      all.onsuccess = () => {
        request.result.close();
        resolve(all.result);
      };
    };
  }));
  assert.ok(keys.every((/** @type {string} */ key) => !key.startsWith("own-")), String(keys));
});

/**
 * As a file of four bits, and with the classes that other checkpoints have. The first must come out as the packaged file; of
 * the others the rows are those of the packaged classifier, so they must come to the same side.
 * @type {{ what: string, classes: [string, number][] | null }[]}
 */
const FORMS = [
  { what: "three classes", classes: null },
  { what: "two classes without names", classes: [["LABEL_0", 0], ["LABEL_1", 2]] },
  { what: "one to five stars", classes: [["1 star", 0], ["2 stars", 0], ["3 stars", 1], ["4 stars", 2], ["5 stars", 2]] },
];
for (const { what, classes } of FORMS) {
  test(`four bits and ${what}: added, judges, removed`, async () => {
    const fourBits = packagedCheckpoint({ fourBits: true, classes });
    try {
      await page.evaluate(() => (document.querySelector("#own-said").textContent = ""));
      await page.locator("#own-files").setInputFiles(fourBits.files);
      assert.match(await saidAtLast(/added|can’t/), /added/);
      const { models, chosen } = await own();
      assert.equal(models.length, 1);
      assert.equal(models[0].sha256 === packagedSha256(), classes === null);
      const [good, bad] = await Promise.all(TEXTS.map(judge));
      assert.deepEqual([good.model, good.sentiment, bad.sentiment], [chosen, "positive", "negative"], JSON.stringify([good, bad]));
      assert.equal(good.shares.neutral > 0, classes?.length !== 2, JSON.stringify(good.shares));
      await page.locator("#text-models button").click();
      await eventually("the list to be empty", async () => (await own()).models.length === 0);
    } finally {
      fourBits.remove();
    }
  });
}

test("what is no such model is refused, and named", async () => {
  const folders = /** @type {string[]} */ ([]);
  const folder = () => folders[folders.push(mkdtempSync(join(tmpdir(), "sotto-refused-"))) - 1];
  const [config, vocabulary, , weights] = checkpoint.files;
  /**
   * @param {string} name
   * @param {(text: string) => string} change
   */
  const changed = (name, change) => {
    const path = join(folder(), name);
    writeFileSync(path, change(readFileSync(checkpoint.files.find((/** @type {string} */ file) => basename(file) === name), "utf8")));
    return path;
  };
  const cut = join(folder(), "model.safetensors");
  copyFileSync(weights, cut);
  truncateSync(cut, 1_000_000);
  const cases = [
    [[config, vocabulary], /model\.safetensors.*missing/],
    [[vocabulary, weights], /config\.json/],
    [[config, weights], /vocab\.txt.*tokenizer\.json/],
    [[config, vocabulary, cut], /model\.safetensors.*cut/],
    [[changed("config.json", (text) => text.replace('"distilbert"', '"roberta"')), vocabulary, weights], /roberta/],
    [[changed("config.json", (text) => text.replace("NEGATIVE", "SPAM")), vocabulary, weights], /SPAM/],
    [[config, changed("vocab.txt", (text) => text.replace("[CLS]\n", "")), weights], /30521 pieces.*30522/],
  ];
  try {
    for (const [files, reason] of /** @type {[string[], RegExp][]} */ (cases)) {
      await page.evaluate(() => {
        document.querySelector("#own-said").textContent = "";
        shares.length = 0;
      });
      await page.locator("#own-files").setInputFiles(files);
      const words = await saidAtLast(/can’t be used|added/);
      assert.match(words, reason);
      assert.ok(await page.evaluate(() => Math.max(0, ...shares)) === 0, `refused only after work had been done: ${words}`);
      assert.equal(await page.locator("#own-add").isVisible(), true, "another try is possible");
    }
    await screenshot(page, "own-model-refused");
    assert.deepEqual((await own()).models, []);
    assert.equal((await judge(TEXTS[0])).sentiment, "positive");
  } finally {
    for (const made of folders) rmSync(made, { recursive: true, force: true });
  }
});
