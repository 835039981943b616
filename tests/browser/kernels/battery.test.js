// Runs the kernels' battery inside Chromium, on both wasm flavours: the same cases, by the same Rust code, as natively.
// The module is built without any dependency (`cargo xtask kernels`), so this takes seconds.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser } from "../harness/browser.js";
import { WORKSHOP } from "../harness/places.js";
import { serve } from "../harness/server.js";

const FLAVOURS = ["relaxed", "simd128"];
/** What the module calls itself, as the popup shows it. */
const SAID = { relaxed: /^relaxed SIMD$/, simd128: /^SIMD$/ };

/** @type {Fixtures} */
let server;
/** @type {Awaited<ReturnType<typeof launchBrowser>>} */
let browser;

before(async () => {
  const page = new URL("./page.html", import.meta.url).pathname;
  server = await serve({ routes: { "/page.html": page, "/kernels/": `${WORKSHOP}/kernels` } });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const flavour of FLAVOURS) {
  test(`kernels, ${flavour}`, async (context) => {
    const page = await browser.context.newPage();
    await page.goto(`${server.origin}/page.html`);
    const battery = await page.evaluate((/** @type {string} */ name) => globalThis.loadBattery(`/kernels/${name}/sotto.wasm`), flavour);
    assert.ok(battery.cases.length > 0, "the battery has no cases");
    await context.test(`is what it is said to be`, () => assert.match(battery.flavour, SAID[/** @type {keyof typeof SAID} */ (flavour)]));
    for (const [index, name] of battery.cases.entries()) {
      const problem = await page.evaluate((/** @type {number} */ which) => globalThis.runCase(which), index);
      await context.test(name, () => assert.equal(problem, null));
    }
    await page.close();
  });
}
