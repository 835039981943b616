// The product for graphics processors, in Chromium with the software adapter that it brings along: both ways of the program, by the
// extension's own player, beside the sums of the crate's kernel, to the bit. tests/gpu does the same natively.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launchBrowser, SOFTWARE_GPU } from "../harness/browser.js";
import { ROOT, WORKSHOP } from "../harness/places.js";
import { serve } from "../harness/server.js";

/** @type {Fixtures} */
let server;
/** @type {Awaited<ReturnType<typeof launchBrowser>>} */
let browser;
/** @type {Page} */
let page;
/** @type {{ architecture: string, hasPackedDots: boolean, cases: string[] }} */
let loaded;

before(async () => {
  const html = new URL("./gpu.html", import.meta.url).pathname;
  server = await serve({ routes: { "/gpu.html": html, "/gpu.js": join(ROOT, "extension/gpu.js"), "/kernels/": `${WORKSHOP}/kernels` } });
  browser = await launchBrowser({ flags: SOFTWARE_GPU });
  page = await browser.context.newPage();
  await page.goto(`${server.origin}/gpu.html`);
  loaded = await page.evaluate(() => loadCases("/kernels/relaxed/sotto.wasm"));
});

after(async () => {
  await browser?.close();
  await server?.close();
});

test("a software adapter is refused where nobody allows it", async () => {
  assert.equal(await page.evaluate(() => refusal()), "softwareOnly");
});

test("the adapter is the software one, and has both ways", () => {
  assert.deepEqual([loaded.architecture, loaded.hasPackedDots], ["swiftshader", true]);
  assert.ok(loaded.cases.length > 20, String(loaded.cases));
});

for (const packed of [true, false]) {
  test(`products ${packed ? "with packed dots" : "without packed dots"}`, async (context) => {
    await page.evaluate((/** @type {boolean} */ packed) => compile(Number(packed)), packed);
    for (const [index, name] of loaded.cases.entries()) {
      const problem = await page.evaluate((/** @type {number} */ which) => runProduct(which, false), index);
      await context.test(name, () => assert.equal(problem, null));
    }
  });
}

test("one sum that is off by one is seen", async () => {
  assert.match(await page.evaluate(() => runProduct(0, true)), /^at 0: -?\d+ instead of -?\d+$/);
});

test("a program that is none is refused, with its line", async () => {
  const { reason, message } = await page.evaluate(() => compileText("\nfn product() { nothing(); }").catch((/** @type {any} */ { reason, message }) => ({ reason, message })));
  assert.deepEqual([reason, message.slice(0, 2)], ["failed", "2:"], message);
});

test("a device that is lost at work is one clear refusal", async () => {
  assert.equal(await page.evaluate(() => loseDevice(0)), "lost");
});
