// Who is served when, and what happens to what nobody waits for any more: with real weights, a text long enough to be
// read in many steps, and the browser's own messages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../harness/browser.js";
import { FIXTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const SENTENCE = "The old man told us about the sea and the long winters of his childhood, and we were glad to listen. ";
const LONG = SENTENCE.repeat(200);

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;
/** How long the long text takes when nobody gives it up. */
let wholeMs = 0;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES } });
  sotto = await startSotto();
  page = await sotto.page(sotto.url("manifest.json"));
  // A page of ours that asks, and remembers what it hears of progress and of replies, in their order.
  await page.evaluate(() => {
    globalThis.heard = [];
    chrome.runtime.connect({ name: "page" }).onMessage.addListener((message) => {
      if (message.sotto === "progress") globalThis.heard.push({ progress: message.id, read: message.view.read });
    });
    /** @param {any} request */
    globalThis.ask = (request) => {
      const reply = chrome.runtime.sendMessage(request);
      reply.then(({ id, answer, reason }) => globalThis.heard.push({ id, answer, reason }));
      return reply;
    };
  });
});

after(async () => {
  await sotto?.close();
  await server?.close();
});

const runs = async () => (await sotto.ask({ ask: "status" })).models.find(({ id }) => id === "sentiment").runs;
const heard = () => page.evaluate(() => globalThis.heard.splice(0));

test("a long text tells how far it is, and is given up between two steps", async () => {
  const before = await runs();
  await page.evaluate((text) => void ask({ id: "long", ask: "text", text }), LONG);
  await eventually("a part to be read", () => page.evaluate(() => globalThis.heard.some(({ read }) => read > 0 && read < 100)));
  await page.evaluate(() => ask({ id: "stop", ask: "cancel", request: "long" }));
  const said = await eventually("both answers", async () => {
    const answers = await page.evaluate(() => globalThis.heard.filter(({ answer }) => answer));
    return answers.length === 2 && answers;
  });
  assert.deepEqual(new Set(said.map(({ id, answer, reason }) => `${id} ${answer} ${reason}`)),
    new Set(["long refused cancelled", "stop done undefined"]));
  assert.equal(await runs(), before, "what was given up is no run");
  await heard();
});

test("a request is given up by its own asker only", async () => {
  const started = performance.now();
  await page.evaluate((text) => void ask({ id: "mine", ask: "text", text }), LONG);
  // A frame's script of ours may speak of its own tab's requests; it names one of another asker here.
  const tab = await sotto.page(`${server.origin}/selection.html`);
  await sotto.grant(tab);
  const worker = await sotto.worker();
  const reply = await worker.evaluate(async (address) => {
    const [{ id }] = await chrome.tabs.query({ url: address });
    const run = () => chrome.runtime.sendMessage({ id: "theirs", ask: "cancel", request: "mine" });
    const [{ result }] = await chrome.scripting.executeScript({ target: { tabId: id ?? -1 }, func: run });
    return result;
  }, tab.url());
  assert.equal(reply.answer, "done");
  const verdict = await eventually("the verdict", () =>
    page.evaluate(() => globalThis.heard.find(({ id }) => id === "mine")));
  assert.equal(verdict.answer, "text");
  wholeMs = performance.now() - started;
  await tab.close();
  await heard();
});

test("a card that is closed gives its text up", async () => {
  const tab = await sotto.page(`${server.origin}/selection.html`);
  await tab.evaluate((text) => (document.querySelector("#praise").textContent = text), LONG);
  const before = await runs();
  await sotto.classifySelection(tab, "#praise");
  await sotto.says(tab, /Reading the text: \d+\s?%/);
  const givenUp = performance.now();
  await tab.keyboard.press("Escape");
  await eventually("the card to go", async () => !(await sotto.isOnPage(tab)));
  const reply = await sotto.ask({ ask: "text", text: "What a wonderful evening." });
  assert.equal(reply.sentiment, "positive");
  // The queue is free after the step in hand, one of a dozen.
  const waitedMs = performance.now() - givenUp;
  assert.ok(waitedMs < wholeMs / 2, `a short text waited ${waitedMs} ms; all of the long one takes ${wholeMs}`);
  assert.equal(await runs(), before + 1);
  assert.equal(await sotto.isOnPage(tab), false, "a late word must not bring the card back");
  await tab.close();
});

test("so does a tab that is closed", async () => {
  const tab = await sotto.page(`${server.origin}/selection.html`);
  await tab.evaluate((text) => (document.querySelector("#praise").textContent = text), LONG);
  const before = await runs();
  await sotto.classifySelection(tab, "#praise");
  await sotto.says(tab, /Reading the text: \d+\s?%/);
  await tab.close();
  const reply = await sotto.ask({ ask: "text", text: "What a wonderful evening." });
  assert.equal(reply.sentiment, "positive");
  assert.equal(await runs(), before + 1);
});
