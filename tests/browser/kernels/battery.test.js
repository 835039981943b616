// Runs the kernels' battery inside Chromium, on both wasm flavours: the same cases, by the same Rust code, as natively.
// The module is built without any dependency (`cargo xtask kernels`), so this takes seconds.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser } from "../harness/browser.js";
import { WORKSHOP } from "../harness/places.js";
import { serve } from "../harness/server.js";

/**
 * What the module calls itself, as the popup shows it, and how it multiplies. Where the processor has the fused dot the relaxed
 * flavour runs a second time in a browser that is told not to use it, as most processors in use have none.
 */
const RUNS = [
  { flavour: "relaxed", said: /^relaxed SIMD$/, path: /^(fused dots|dots in parts)$/, jsFlags: "" },
  {
    flavour: "relaxed", said: /^relaxed SIMD$/, path: process.arch === "x64" ? /^dots in parts$/ : /^fused dots$/,
    jsFlags: "--no-enable-avx-vnni --no-enable-avx-vnni-int8",
  },
  { flavour: "simd128", said: /^SIMD$/, path: /^plain dots$/, jsFlags: "" },
];

/** @type {Fixtures} */
let server;
/** @type {Map<string, Awaited<ReturnType<typeof launchBrowser>>>} */
const browsers = new Map();

before(async () => {
  const page = new URL("./page.html", import.meta.url).pathname;
  server = await serve({ routes: { "/page.html": page, "/kernels/": `${WORKSHOP}/kernels` } });
  for (const jsFlags of new Set(RUNS.map(({ jsFlags }) => jsFlags))) {
    browsers.set(jsFlags, await launchBrowser({ flags: jsFlags ? [`--js-flags=${jsFlags}`] : [] }));
  }
});

after(async () => {
  for (const browser of browsers.values()) await browser.close();
  await server?.close();
});

for (const { flavour, said, path, jsFlags } of RUNS) {
  test(`kernels, ${flavour}${jsFlags && ", without the fused dot"}`, async (context) => {
    const page = await browsers.get(jsFlags).context.newPage();
    await page.goto(`${server.origin}/page.html`);
    const battery = await page.evaluate((/** @type {string} */ name) => globalThis.loadBattery(`/kernels/${name}/sotto.wasm`), flavour);
    assert.ok(battery.cases.length > 0, "the battery has no cases");
    await context.test("is what it is said to be", () => assert.match(battery.flavour, said));
    await context.test("multiplies as this processor can", () => assert.match(battery.path, path));
    for (const [index, name] of battery.cases.entries()) {
      const problem = await page.evaluate((/** @type {number} */ which) => globalThis.runCase(which), index);
      await context.test(name, () => assert.equal(problem, null));
    }
    await page.close();
  });
}
