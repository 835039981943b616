// What an installation asks of a person, and whether the extension starts at all.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DIST } from "../harness/places.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Sotto} */
let sotto;
before(async () => {
  sotto = await startSotto();
});
after(() => sotto?.close());

const manifest = () => readFileSync(join(DIST, "manifest.json"), "utf8");

test("the service worker runs and can't be without its manifest's rules", async () => {
  const worker = await sotto.worker();
  const loaded = await worker.evaluate(() => chrome.runtime.getManifest());
  assert.equal(loaded.version, JSON.parse(manifest()).version);
  assert.match(loaded.content_security_policy.extension_pages, /default-src 'none'/);
});

test("installing shows no permission warning", async () => {
  assert.deepEqual(await sotto.permissionWarnings(manifest()), []);
  // The same question about a manifest that asks for more has another answer, so the empty list means something.
  const greedy = JSON.stringify({ ...JSON.parse(manifest()), host_permissions: ["<all_urls>"] });
  assert.notDeepEqual(await sotto.permissionWarnings(greedy), []);
});

test("the browser is asked not to drop what is stored when the disk is full", async () => {
  const page = await sotto.context.newPage();
  // What it answers is its own affair: Chromium says no before somebody has used the extension for a while.
  await page.addInitScript(() => {
    navigator.storage.persist = async () => !(globalThis.asked = true);
  });
  await page.goto(sotto.url("pages/welcome.html"));
  await page.waitForSelector("html[data-started]");
  assert.equal(await page.evaluate(() => globalThis.asked), true);
  await page.close();
});
