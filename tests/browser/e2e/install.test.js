// What an installation asks of a person, and whether the extension starts at all.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DIST } from "../harness/places.js";
import { startSotto } from "../harness/sotto.js";

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

test("no context of the extension can make a request", async () => {
  const attempt = () =>
    fetch("http://127.0.0.1:9/", { mode: "no-cors" }).then(
      () => "sent",
      (error) => error.message,
    );
  const refusals = [];
  const listen = `new Promise((resolve) => { self.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true }); setTimeout(() => resolve("no violation"), 2000); fetch("http://127.0.0.1:9/").catch(() => {}); })`;
  const page = await sotto.page(sotto.url("pages/popup.html"));
  refusals.push(await page.evaluate(listen));
  await page.close();
  const worker = await sotto.worker();
  assert.notEqual(await worker.evaluate(attempt), "sent");
  refusals.push(await worker.evaluate(listen));
  assert.deepEqual(refusals, ["connect-src", "connect-src"]);
});
