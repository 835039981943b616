// Every way to make a request, tried in every context of the extension: nothing arrives. The same attempts from an ordinary
// page all arrive, and most of them from another extension without our policy, so the silence means something.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ATTEMPTS, attemptAll, startSink } from "../harness/attempts.js";
import { eventually } from "../harness/browser.js";
import { startSotto } from "../harness/sotto.js";

const PAGES = ["popup", "options", "welcome", "privacy", "proof", "offscreen"];

/** @type {Awaited<ReturnType<typeof startSink>>} */
let sink;
/** @type {Sotto} */
let sotto;

before(async () => {
  sink = await startSink();
  // These requests are made on purpose, and go to the sink without a proxy between.
  sotto = await startSotto({ captured: false });
});

after(async () => {
  await sotto?.close();
  sink?.close();
});

/**
 * An ordinary page's attempts, until all of them have arrived: what was tried before them has had its time.
 * @param {string} context
 */
async function ordinaryPage(context) {
  const to = await sink.place(context);
  const page = await sotto.page(`${to.http}/page`);
  const said = await attemptAll(page, to);
  const all = Object.keys(ATTEMPTS).sort();
  await eventually(`every attempt of an ordinary page to arrive, not only ${sink.arrived(context)}: ${JSON.stringify(said)}`, () =>
    sink.arrived(context).length === all.length);
  await page.close();
}

test("from an ordinary page every attempt arrives", () => ordinaryPage("ordinary"));

test("from another extension, without Sotto's policy, they arrive too", async () => {
  const to = await sink.place("observer");
  const page = await sotto.page(`chrome-extension://${sotto.observerId}/manifest.json`);
  await attemptAll(page, to);
  // A policy that every extension has forbids foreign scripts.
  const possible = ["beacon", "css", "eventsource", "fetch", "font", "form", "iframe", "img", "preload", "stylesheet", "webrtc", "websocket", "xhr"];
  await eventually(`${possible} to arrive, not only ${sink.arrived("observer")}`, () => possible.every((name) => sink.arrived("observer").includes(name)));
  await page.close();

  const toWorker = await sink.place("observerworker");
  await attemptAll(await sotto.worker(sotto.observerId), toWorker);
  await eventually("a worker's fetch", () => sink.arrived("observerworker").includes("fetch"));
});

describe("from Sotto", () => {
  const said = /** @type {Record<string, Record<string, string>>} */ ({});

  before(async () => {
    said.worker = await attemptAll(await sotto.worker(), await sink.place("worker"));
    for (const name of PAGES) {
      const page = await sotto.page(sotto.url(`pages/${name}.html`));
      said[name] = await attemptAll(page, await sink.place(name));
      await page.close();
    }
    const page = await sotto.page(sotto.url("pages/options.html"));
    const started = page.waitForEvent("worker");
    await page.evaluate(() => void (globalThis.packer = new Worker("packer.js", { type: "module" })));
    said.packer = await attemptAll(await started, await sink.place("packer"));
    const helps = page.waitForEvent("worker");
    await page.evaluate(() => {
      const helper = new Worker("../helper.js", { type: "module" });
      const { port1, port2 } = new MessageChannel();
      const ready = new Promise((resolve) => (port1.onmessage = resolve));
      helper.postMessage({ name: "attempts", port: port2 }, [port2]);
      return ready.then(() => {});
    });
    said.helper = await attemptAll(await helps, await sink.place("helper"));
    await page.close();
    await ordinaryPage("afterwards");
  });

  for (const context of ["worker", "packer", "helper", ...PAGES]) {
    test(`${context}: ${Object.keys(ATTEMPTS).length} attempts, none arrives`, () => {
      assert.equal(Object.keys(said[context]).length, Object.keys(ATTEMPTS).length);
      assert.deepEqual(sink.arrived(context), [], JSON.stringify(said[context]));
    });
  }
});

test("the popup's line leads to the page that says how to check it, with the policy that is in force", async () => {
  const popup = await sotto.page(sotto.url("pages/popup.html"));
  const opened = sotto.context.waitForEvent("page");
  await popup.locator("#privacy").click();
  const page = await opened;
  await eventually("the policy", async () => /connect-src 'none'/.test(await page.locator("#policy").innerText()));
  assert.equal(page.url(), sotto.url("pages/privacy.html"));
  await popup.close();
  await page.close();
});
