// The browser itself stops an idle service worker after about half a minute, in which nothing of ours runs: memory is given back,
// and the next request starts a new one and is answered. No debugger is on the worker here, so it dies as it does for a person.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBare } from "../harness/bare.js";
import { eventually } from "../harness/browser.js";
import { DIST } from "../harness/places.js";
import { countWhileIdle } from "../harness/trace.js";

const IDLE_PATIENCE_MS = 90_000;

/** @type {Bare} */
let browser;
before(async () => {
  browser = await launchBare({ extensions: [DIST] });
});
after(() => browser?.close());

test("an idle worker runs nothing, is stopped by the browser, and the next request is answered", { timeout: 180_000 }, async () => {
  const worker = async () => (await browser.targets()).find(({ type, url }) => type === "service_worker" && url.endsWith("/background.js"));
  const { url } = await eventually("the service worker", worker);
  // A page of the extension's origin that does nothing by itself.
  const evaluate = await browser.page(url.replace("background.js", "manifest.json"));
  /** @param {string} text */
  const ask = (text) => evaluate(`chrome.runtime.sendMessage({ id: "idle", ask: "text", text: ${JSON.stringify(text)} })`);

  const first = await ask("What a wonderful evening.");
  assert.equal(first.sentiment, "positive", JSON.stringify(first));
  const ran = await countWhileIdle({
    browser,
    page: evaluate,
    address: url.replace("background.js", ""),
    idle: () => eventually("the browser to stop the idle worker", async () => !(await worker()), IDLE_PATIENCE_MS),
    wake: async () => {
      const second = await ask("What a dreadful evening.");
      assert.equal(second.sentiment, "negative", JSON.stringify(second));
    },
  });
  assert.deepEqual(ran, { scripts: 0, timers: 0 }, "an idle background runs nothing");
});
