// What can happen to weights and workers in a browser: stored weights are deleted, damaged, of another version or held by
// somebody else, the disk is full, the worker is stopped in the middle. Each ends in a right answer or a clear message,
// and the next request works.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { editFile, eventually } from "../harness/browser.js";
import { startSotto } from "../harness/sotto.js";

const GOOD = "What a wonderful evening.";

/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

before(async () => {
  sotto = await startSotto();
  page = await sotto.page(sotto.url("manifest.json"));
  // By hand, as somebody with the developer tools would.
  await page.evaluate(() => {
    /** @param {any} request */
    globalThis.settled = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    /** @param {(weights: IDBObjectStore) => Promise<unknown>} work */
    globalThis.withWeights = async (work) => {
      const database = await settled(indexedDB.open("sotto"));
      try {
        return await work(database.transaction("weights", "readwrite").objectStore("weights"));
      } finally {
        database.close();
      }
    };
    globalThis.keys = () => withWeights((/** @type {IDBObjectStore} */ weights) => settled(weights.getAllKeys()));
  });
  await good();
  // Nobody waits for the disk, but these tests.
  await check();
});

after(() => sotto?.close());

/** The next request works. */
async function good() {
  const reply = await sotto.ask({ ask: "text", text: GOOD });
  assert.equal(reply.sentiment, "positive", JSON.stringify(reply));
}

/** The outcome of the integrity check, once what is being written is written. */
const check = () =>
  eventually("the weights to be stored", async () => {
    const reply = await sotto.ask({ ask: "check", model: "sentiment" });
    return reply.answer === "done" && reply;
  });
/** Stops the worker and counts from then on how often its next life reads the packaged weights: each begins at 0 %. */
async function stopAndCount() {
  await sotto.stopWorkers();
  await page.evaluate(() => {
    globalThis.nPackageReads = 0;
    chrome.runtime.connect({ name: "page" }).onMessage.addListener((/** @type {{ models?: ModelStatus[] }} */ { models }) => {
      const sentiment = models?.find(({ id }) => id === "sentiment");
      if (sentiment?.state === "storing" && sentiment.percent === 0) globalThis.nPackageReads += 1;
    });
  });
}
const nPackageReads = () => page.evaluate(() => nPackageReads);

test("stored weights serve the next life: the package is not read again", async () => {
  await stopAndCount();
  await good();
  assert.equal(await nPackageReads(), 0);
});

test("a deleted database is made again", async () => {
  await stopAndCount();
  await page.evaluate(() => settled(indexedDB.deleteDatabase("sotto")));
  await good();
  assert.equal(await nPackageReads(), 1);
  assert.equal((await check()).answer, "done");
});

test("damaged weights are not trusted, and replaced", async () => {
  await stopAndCount();
  await page.evaluate(() => withWeights(async (/** @type {IDBObjectStore} */ weights) => {
    const key = (await settled(weights.getAllKeys())).find((/** @type {string} */ name) => name.startsWith("sentiment/"));
    const { size } = await settled(weights.get(key));
    await settled(weights.put(new Blob([new Uint8Array(size)]), key));
  }));
  await good();
  assert.equal(await nPackageReads(), 1);
  assert.equal((await check()).answer, "done");
});

test("weights of another version are removed once the right ones are in", async () => {
  await sotto.stopWorkers();
  const right = await page.evaluate(() => withWeights(async (/** @type {IDBObjectStore} */ weights) => {
    const key = (await settled(weights.getAllKeys())).find((/** @type {string} */ name) => name.startsWith("sentiment/"));
    await settled(weights.put(await settled(weights.get(key)), "sentiment/00/0"));
    await settled(weights.delete(key));
    return key;
  }));
  await good();
  await eventually("the other version to go", async () => String(await page.evaluate(() => keys())) === right);
});

test("a database that others hold closed does not keep an answer back", async () => {
  await sotto.stopWorkers();
  // A connection that does not give way, and a deletion that waits for it: whoever opens the database now has to wait.
  await page.evaluate(async () => {
    globalThis.held = await settled(indexedDB.open("sotto"));
    globalThis.deletion = settled(indexedDB.deleteDatabase("sotto"));
  });
  await good();
  await page.evaluate(async () => {
    held.close();
    await deletion;
  });
  await sotto.stopWorkers();
  await good();
  assert.equal((await check()).answer, "done");
});

test("a database of a later version is left alone, and texts are judged without it", async () => {
  await sotto.stopWorkers();
  await page.evaluate(async () => {
    await settled(indexedDB.deleteDatabase("sotto"));
    const request = indexedDB.open("sotto", 99);
    (await settled(request)).close();
  });
  await good();
  await page.evaluate(() => settled(indexedDB.deleteDatabase("sotto")));
  await sotto.stopWorkers();
  await good();
  assert.equal((await check()).answer, "done");
});

test("a worker that is stopped in the middle of anything answers the next request", async () => {
  for (const [what, delayMs] of /** @type {const} */ ([["storing", 0], ["storing", 60], ["storing", 200], ["loading", 0], ["loading", 60], ["loading", 120], ["running", 60]])) {
    if (what === "storing") await sotto.ask({ ask: "forget", model: "sentiment" });
    if (what !== "running") await sotto.stopWorkers();
    const text = what === "running" ? "The room was cold and the people were kind to us. ".repeat(400) : GOOD;
    await page.evaluate((sent) => {
      globalThis.cut = chrome.runtime.sendMessage({ id: crypto.randomUUID(), ask: "text", text: sent }).then(
        (reply) => reply?.answer ?? "nothing",
        (error) => `error: ${error.message}`,
      );
    }, text);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await sotto.stopWorkers();
    const cut = await page.evaluate(() => Promise.race([globalThis.cut, new Promise((resolve) => setTimeout(() => resolve("silence"), 5000))]));
    assert.notEqual(cut, "silence", `${what}, stopped after ${delayMs} ms: the asker must hear something`);
    await good();
    assert.equal((await check()).answer, "done", `${what}, stopped after ${delayMs} ms`);
  }
});

describe("in a copy of the package", () => {
  /** @type {Sotto} */
  let copy;
  /** @type {string} */
  let folder;
  // With unlimitedStorage the browser has no quota to refuse by; without that permission it has one.
  /** @param {string} made */
  const limited = (made) => {
    folder = made;
    editFile(folder, "manifest.json", (text) => text.replace(', "unlimitedStorage"', ""));
  };
  before(async () => {
    copy = await startSotto({ edit: limited });
  });
  after(() => copy?.close());

  const judge = async () => (await copy.ask({ ask: "text", text: GOOD })).sentiment;
  const stored = async () => (await copy.ask({ ask: "check", model: "sentiment" })).answer;

  test("a full disk costs the next start its speed, and nothing else", async () => {
    const window = await copy.page(copy.url("manifest.json"));
    const session = await copy.context.newCDPSession(window);
    const origin = copy.url("").replace(/\/$/, "");
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_000_000 });
    assert.deepEqual([await judge(), await stored()], ["positive", "refused"]);
    await copy.stopWorkers();
    assert.deepEqual([await judge(), await stored()], ["positive", "refused"]);
    // Room again: the next start stores.
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    await copy.stopWorkers();
    assert.equal(await judge(), "positive");
    await eventually("the weights to be stored", async () => (await stored()) === "done");
  });

  test("an update in the middle of a text is heard of, keeps the weights and the menu, and welcomes nobody again", async () => {
    assert.equal(await judge(), "positive");
    await eventually("the weights to be stored", async () => (await stored()) === "done");
    const asking = await copy.page(copy.url("manifest.json"));
    const cut = asking.evaluate((/** @type {string} */ text) =>
      chrome.runtime.sendMessage({ id: "cut", ask: "text", text }).then(() => "answered", (error) => `error: ${error.message}`),
    "The room was cold and the people were kind to us. ".repeat(400)).catch((/** @type {Error} */ error) => `closed: ${error.message}`);
    editFile(folder, "manifest.json", (text) => text.replace(/"version": "[^"]*"/, '"version": "99.0"'));
    // The same folder loaded again while its worker runs is what the browser does with an update.
    await copy.cdp.send("Extensions.loadUnpacked", { path: folder });
    assert.notEqual(await Promise.race([cut, new Promise((resolve) => setTimeout(resolve, 10_000, "silence"))]), "silence");
    const window = await copy.page(copy.url("manifest.json"));
    await window.evaluate(() => {
      globalThis.nPackageReads = 0;
      globalThis.version = chrome.runtime.getManifest().version;
      chrome.runtime.connect({ name: "page" }).onMessage.addListener((/** @type {{ models?: ModelStatus[] }} */ { models }) => {
        if (models?.some(({ id, state }) => id === "sentiment" && state === "storing")) globalThis.nPackageReads += 1;
      });
    });
    assert.equal(await window.evaluate(() => version), "99.0");
    assert.equal(await judge(), "positive");
    assert.equal(await window.evaluate(() => nPackageReads), 0, "an unchanged model is not stored again");
    const again = await copy.worker();
    const entries = await again.evaluate(() => Promise.all(["classify-selection", "check-image"].map((id) =>
      new Promise((resolve) => chrome.contextMenus.update(id, {}, () => resolve(chrome.runtime.lastError?.message ?? "there"))))));
    assert.deepEqual(entries, ["there", "there"]);
    assert.ok(!copy.context.pages().some((/** @type {Page} */ page) => page.url().endsWith("welcome.html")), "nobody is welcomed twice");
  });
});

test("two windows that ask at once share one load", async () => {
  await sotto.ask({ ask: "forget", model: "sentiment" });
  await stopAndCount();
  const pages = await Promise.all([1, 2, 3].map(() => sotto.page(sotto.url("manifest.json"))));
  const ask = () => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ask: "load", model: "sentiment" }).then((reply) => reply.answer);
  const answers = await Promise.all(pages.map((window) => window.evaluate(ask)));
  assert.equal(await nPackageReads(), 1);
  assert.deepEqual(answers, ["done", "done", "done"]);
  await Promise.all(pages.map((window) => window.close()));
  await good();
});

test("a text of 60 million letters is read in part, and memory stays as it was", async () => {
  const before = (await sotto.ask({ ask: "status" })).memory.wasmBytes;
  const reply = await page.evaluate(() =>
    // Few of its letters are words, so that the part that is read is read soon.
    chrome.runtime.sendMessage({ id: "large", ask: "text", text: `What a wonderful evening we had. ${"o".repeat(3_000)} `.repeat(20_000) }));
  assert.equal(reply.answer, "text", JSON.stringify(reply).slice(0, 300));
  assert.equal(reply.truncated, true);
  const after = (await sotto.ask({ ask: "status" })).memory.wasmBytes;
  assert.ok(after - before < 16_000_000, `${before} bytes became ${after}`);
});

test("unknown models and requests are refused by name", async () => {
  for (const request of [{ ask: "load", model: "nobody" }, { ask: "check", model: "" }, { ask: "dance" }, {}]) {
    const reply = await sotto.ask(/** @type {any} */ (request));
    assert.deepEqual([reply.answer, reply.reason], ["refused", "badRequest"], JSON.stringify(request));
    assert.ok(String(reply.detail).length > 10);
  }
  await eventually("nothing to be left behind", async () => (await sotto.ask({ ask: "cancel", request: "nobody" })).answer === "done");
});
