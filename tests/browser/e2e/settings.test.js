// Settings as a person changes them: the memory budget and what follows from it, a file written and read back as far as it
// is right, the reset, and what an organisation could set.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { editFile, eventually, screenshot } from "../harness/browser.js";
import { DIST } from "../harness/places.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

before(async () => {
  sotto = await startSotto();
  page = await sotto.page(sotto.url("pages/options.html"));
  await page.waitForSelector("html[data-started]");
});
after(() => sotto?.close());

const settings = () => sotto.ask({ ask: "settings" });
/** @param {string} model */
const state = async (model) => (await sotto.ask({ ask: "status" })).models.find(({ id }) => id === model).state;
const said = () => page.locator("#settings-said").innerText();

/** src/engine/mod.rs, PRESET_BUDGET_BYTES. */
const PRESET_MB = 256;

/** @param {string} megabytes */
async function budget(megabytes) {
  await page.locator("#budget").selectOption(megabytes);
  await eventually("the budget to be kept", async () => String((await settings()).memoryBudgetMb ?? "") === megabytes);
  const inForce = async () => (await sotto.ask({ ask: "status" })).memory.budgetBytes;
  await eventually("the engine to follow", async () => (await inForce()) === Number(megabytes || PRESET_MB) * 1_000_000);
}

test("with room for one model, the one used longest ago gives way", async () => {
  // No choice in the list is so near to what one model needs.
  const file = { sottoSettings: 1, settings: { memoryBudgetMb: 52 } };
  await page.locator("#settings-import").setInputFiles({ name: "settings.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(file)) });
  await eventually("the engine to follow", async () => (await sotto.ask({ ask: "status" })).memory.budgetBytes === 52_000_000);
  await page.evaluate(() => (document.querySelector("#settings-said").textContent = ""));
  assert.equal((await sotto.ask({ ask: "load", model: "sentiment" })).answer, "done");
  assert.equal((await sotto.ask({ ask: "load", model: "nsfw" })).answer, "done");
  assert.deepEqual([await state("sentiment"), await state("nsfw")], ["stored", "ready"]);
  assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
  assert.deepEqual([await state("sentiment"), await state("nsfw")], ["ready", "stored"]);
});

test("a model that can't fit at all is refused with the figures, also by the worker's next life", async () => {
  await budget("40");
  assert.equal(await state("sentiment"), "stored", "a smaller budget takes effect at once");
  await sotto.stopWorkers();
  const reply = await sotto.ask({ ask: "text", text: "What a wonderful evening." });
  assert.deepEqual([reply.answer, reply.reason], ["refused", "outOfMemory"]);
  assert.match(String(reply.detail), /51 MB[^]*40 MB/);
  assert.equal((await sotto.ask({ ask: "load", model: "nsfw" })).answer, "done");
  await budget("");
  assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
});

test("a file is taken over as far as it is right, and the rest is named", async () => {
  const file = {
    sottoSettings: 1,
    settings: {
      results: "popup",
      memoryBudgetMb: "lots",
      theme: "dark",
      allowedSites: ["https://example.com", "ftp://example.com", 5],
      thresholds: { Porn: 7, Sexy: 0.5 },
    },
  };
  await page.locator("#settings-import").setInputFiles({
    name: "settings.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(file)),
  });
  const words = await eventually("the outcome", said);
  for (const part of ["memoryBudgetMb", "theme", "ftp://example.com", "allowedSites: 5", "thresholds: Porn"]) {
    assert.ok(words.includes(part), `${JSON.stringify(words)} does not name ${part}`);
  }
  const { results, allowedSites, thresholds, memoryBudgetMb } = await settings();
  assert.deepEqual(
    { results, allowedSites, sexy: Number(thresholds.Sexy.toFixed(3)), porn: thresholds.Porn, memoryBudgetMb },
    { results: "popup", allowedSites: ["https://example.com"], sexy: 0.5, porn: undefined, memoryBudgetMb: null },
  );
  assert.equal(await page.locator("#results-popup").isChecked(), true);
  await screenshot(page, "options");
});

test("what is no settings file changes nothing", async () => {
  for (const text of ["no JSON", "[]", '{"settings":{"results":"card"}}', '{"sottoSettings":2,"settings":{"results":"card"}}']) {
    await page.evaluate(() => (document.querySelector("#settings-said").textContent = ""));
    await page.locator("#settings-import").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(text) });
    assert.match(await eventually("the outcome", said), /not a settings file/);
    assert.equal((await settings()).results, "popup", text);
  }
});

test("what was saved as a file is what is in force, and comes back after a reset", async () => {
  const download = page.waitForEvent("download");
  await page.locator("#settings-export").click();
  const path = await (await download).path();
  const kept = JSON.parse(readFileSync(path, "utf8"));
  assert.equal(kept.settings.results, "popup");
  await page.locator("#settings-reset").click();
  await eventually("the reset", async () => (await settings()).results === "card");
  assert.deepEqual((await settings()).allowedSites, []);
  await page.locator("#settings-import").setInputFiles(path);
  await eventually("the file's settings", async () => (await settings()).results === "popup");
  assert.deepEqual((await settings()).allowedSites, ["https://example.com"]);
});

test("an organisation can set every setting, and the browser knows the schema", async () => {
  const { properties } = JSON.parse(readFileSync(join(DIST, "managed.json"), "utf8"));
  const { id, answer, locked, ...fields } = await settings();
  const untold = Object.keys(fields).filter((name) => !(name in properties));
  assert.deepEqual(untold, [], "settings that managed.json does not name");
  const worker = await sotto.worker();
  assert.deepEqual(await worker.evaluate(() => chrome.storage.managed.get()), {});
});

/**
 * Puts a file into the settings page, as a person chooses it.
 * @param {object} settings
 */
const chooseFile = (settings, version = 1) => page.locator("#settings-import").setInputFiles({
  name: "settings.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ sottoSettings: version, settings })),
});
const registered = async () => (await sotto.worker()).evaluate(async () => (await chrome.scripting.getRegisteredContentScripts()).length);

describe("the guard is shown as on only where the browser lets it be", () => {
  before(() => sotto.ask({ ask: "keepSettings", settings: {} }));

  test("a file that wants it everywhere has the person asked by a click, and a refusal leaves it off", async () => {
    await page.reload();
    await page.waitForSelector("html[data-started]");
    // The prompt is the browser's own window, which no test can answer; whether a click counts is asked there, too.
    await page.evaluate(() => {
      chrome.permissions.request = async (wanted) => {
        globalThis.wanted = wanted.origins;
        globalThis.wasGesture = navigator.userActivation.isActive;
        return false;
      };
    });
    await chooseFile({ guardEverywhere: true, guardSites: ["https://example.com"], results: "popup" });
    await page.locator("#import-sites").waitFor();
    assert.match(await page.locator("#import-sites-said").innerText(), /all sites, https:\/\/example\.com/);
    await screenshot(page, "options-import-sites");
    assert.equal((await settings()).results, "card", "nothing is taken over before the answer");
    await page.locator("#import-sites-ask").click();
    const words = await eventually("the outcome", said);
    assert.deepEqual(await page.evaluate(() => globalThis.wanted), ["<all_urls>", "https://example.com/*"]);
    assert.equal(await page.evaluate(() => globalThis.wasGesture), true);
    assert.match(words, /without the browser.s permission, on: all sites, https:\/\/example\.com/);
    for (const look of ["at once", "after a reload"]) {
      const { guardEverywhere, guardSites, results } = await settings();
      assert.deepEqual([guardEverywhere, guardSites, results], [false, [], "popup"], look);
      assert.equal(await page.locator("#guard-everywhere").isChecked(), false, look);
      assert.equal(await registered(), 0, look);
      await page.reload();
      await page.waitForSelector("html[data-started]");
    }
  });

  test("a switch whose prompt is refused goes back, and says why", async () => {
    await page.evaluate(() => (chrome.permissions.request = async () => false));
    await page.locator("#guard-everywhere").click();
    await eventually("the reason", async () => /did not give the permission/.test(await page.locator("#trouble").innerText()));
    assert.equal(await page.locator("#guard-everywhere").isChecked(), false);
    const { guardEverywhere } = await settings();
    assert.deepEqual([guardEverywhere, await registered()], [false, 0]);
  });

  test("a popup that closes during its prompt leaves nothing listed, and a permission that comes then still counts", async () => {
    const site = "https://example.com";
    const worker = await sotto.worker();
    const reply = await sotto.ask({ ask: "guard", site, on: true });
    assert.deepEqual([reply.answer, reply.reason], ["refused", "notPermitted"]);
    assert.deepEqual((await settings()).guardSites, []);
    assert.doesNotMatch(JSON.stringify(await worker.evaluate(() => chrome.storage.local.get(null))), /example\.com/);
    // The browser's answer, and that it is yes.
    await worker.evaluate(() => {
      self.containsAsBefore = chrome.permissions.contains;
      chrome.permissions.contains = async () => true;
      chrome.permissions.onAdded.dispatch({ origins: ["https://example.com/*"], permissions: [] });
    });
    await eventually("the wish", async () => (await settings()).guardSites.length === 1);
    assert.equal(await registered(), 2);
    // Taken away again in the browser's own settings.
    await worker.evaluate(() => {
      chrome.permissions.contains = self.containsAsBefore;
      chrome.permissions.onRemoved.dispatch({ origins: ["https://example.com/*"], permissions: [] });
    });
    await eventually("the guard to be off", async () => (await registered()) === 0);
    assert.deepEqual((await settings()).guardSites, []);
  });
});

describe("what a later version left", () => {
  /** @param {Record<string, unknown>} kept */
  const store = async (kept) => (await sotto.worker()).evaluate((items) => chrome.storage.local.set(items), kept);
  /** @param {string} name */
  const stored = async (name) => (await sotto.worker()).evaluate(async (key) => (await chrome.storage.local.get(key))[key], name);

  test("one stored field that can't be read costs no other, is named, and is not lost", async () => {
    await store({ settings: { results: "popup", action: "obscure", thresholds: 5, theme: "dark", memoryBudgetMb: 128 } });
    const { results, action, thresholds, memoryBudgetMb, unread = [] } = await settings();
    assert.deepEqual([results, action, thresholds, memoryBudgetMb], ["popup", "blur", {}, 128]);
    assert.deepEqual(unread.sort(), ["action", "theme", "thresholds"]);
    await page.reload();
    await page.waitForSelector("html[data-started]");
    await eventually("the note", async () => /does not understand them:.*theme/.test(await page.locator("#unread").innerText()));
    await screenshot(page, "options-unread");
    await sotto.ask({ ask: "showResults", place: "card" });
    assert.deepEqual(await stored("settings"), { results: "card", action: "obscure", thresholds: 5, theme: "dark", memoryBudgetMb: 128 });
    await page.locator("#settings-reset").click();
    await eventually("the reset", async () => !(await settings()).unread);
    assert.equal((await stored("settings")).theme, undefined);
    await page.locator("#unread").waitFor({ state: "hidden" });
  });

  test("a settings file of a later format is named as one, and changes nothing", async () => {
    await page.evaluate(() => (document.querySelector("#settings-said").textContent = ""));
    await chooseFile({ results: "popup" }, 2);
    assert.match(await eventually("the outcome", said), /a later one saved it \(format 2\)\. Update Sotto/);
    assert.equal((await settings()).results, "card");
  });

  test("a message that this version does not know is refused by a line that says so", async () => {
    const reply = /** @type {Answered<"refused">} */ (await sotto.ask(/** @type {any} */ ({ ask: "judgeVideo", text: "x" })));
    assert.deepEqual([reply.answer, reply.reason], ["refused", "badRequest"]);
    assert.match(reply.detail, /Sotto \d+\.\d+\.\d+ knows.*another version.*judgeVideo/);
  });

  test("own models: a damaged entry costs no other, and changes at the same time are all kept", async () => {
    /** @param {number} n */
    const model = (n) => ({ id: `own-${n}`, title: `Model ${n}`, sha256: "0".repeat(64), bytes: 1, memoryBytes: 1 });
    await store({ ownModels: { models: [model(1), 5, model(2), model(3), { id: "own-4", later: true }], chosen: "own-4" } });
    const { models, chosen } = await sotto.ask({ ask: "ownModels" });
    assert.deepEqual([models.map(({ id }) => id), chosen], [["own-1", "own-2", "own-3"], null]);
    await Promise.all(["own-1", "own-2"].map((id) => sotto.ask({ ask: "removeModel", model: id })));
    assert.deepEqual((await sotto.ask({ ask: "ownModels" })).models.map(({ id }) => id), ["own-3"]);
    assert.deepEqual((await stored("ownModels")).models, [model(3), 5, { id: "own-4", later: true }]);
    await sotto.ask({ ask: "removeModel", model: "own-3" });
  });
});

describe("what an organisation has set", () => {
  /** @type {Sotto} */
  let ruled;
  /**
   * The browser takes policies from the machine's own folders only, so a copy of the extension is told of some instead.
   * @param {object} managed
   */
  const tell = async (managed) => (await ruled.worker()).evaluate((told) => tellManaged(told), managed);
  before(async () => {
    // As Chromium's does for some seconds after its start: the promise is kept by hand.
    const late = "const told = new Promise((tell) => (globalThis.tellManaged = tell));\nchrome.storage.managed.get = () => told;\n";
    ruled = await startSotto({ edit: (folder) => editFile(folder, "background.js", (text) => late + text) });
  });
  after(() => ruled?.close());

  test("holds nobody up where the browser knows it only later, and until then the last ones count", async () => {
    assert.equal((await ruled.ask({ ask: "settings" })).locked, undefined, "nothing was ever said");
    await tell({ results: "popup" });
    await eventually("the answer to count", async () => (await ruled.ask({ ask: "settings" })).locked?.length === 1);
    await ruled.stopWorkers();
    const { locked, results } = await ruled.ask({ ask: "settings" });
    assert.deepEqual([locked, results], [["results"], "popup"], "the browser has not answered in this life");
    // Nothing is set any more: that counts as well.
    await tell({});
    await eventually("the new answer", async () => !(await ruled.ask({ ask: "settings" })).locked);
  });

  test("lies over the person's own, is shown, and can't be changed", async () => {
    await ruled.stopWorkers();
    await tell({ results: "popup", thresholds: { Porn: 0.3 }, memoryBudgetMb: "no number", guardEverywhere: true });
    await eventually("the answer to count", async () => (await ruled.ask({ ask: "settings" })).locked);
    const options = await ruled.page(ruled.url("pages/options.html"));
    await options.waitForSelector("html[data-started]");
    await eventually("the note", () => options.locator("#managed").isVisible());
    for (const id of ["results-card", "results-popup", "guard-everywhere"]) {
      assert.equal(await options.locator(`#${id}`).isDisabled(), true, id);
    }
    assert.equal(await options.locator("#results-popup").isChecked(), true);
    // What is not right is left out, and the rest is taken.
    assert.equal(await options.locator("#budget").isDisabled(), false);
    const { locked, results, memoryBudgetMb } = await ruled.ask({ ask: "settings" });
    assert.deepEqual([locked?.sort(), results, memoryBudgetMb], [["guardEverywhere", "results", "thresholds"], "popup", null]);
    // Neither a message nor a file changes it, and it is not kept as the person's own.
    await ruled.ask({ ask: "showResults", place: "card" });
    await ruled.ask({ ask: "keepSettings", settings: { results: "card", memoryBudgetMb: 128 } });
    const after = await ruled.ask({ ask: "settings" });
    assert.deepEqual([after.results, after.memoryBudgetMb], ["popup", 128]);
    const kept = await options.evaluate(() => chrome.storage.local.get("settings"));
    assert.ok(![kept.settings.results, kept.settings.guardEverywhere].includes("popup") && kept.settings.guardEverywhere !== true, JSON.stringify(kept));
    const { classes } = await ruled.ask({ ask: "pictureRules" });
    assert.equal(Number(classes.find(({ name }) => name === "Porn").threshold.toFixed(3)), 0.3);
    await screenshot(options, "options-managed");
  });
});
