// The extension as Mozilla's linter sees it, the one that the store itself runs, as the folder and as the zip that the store is
// given: no error, no notice, and no warning but those that are known and explained here. Of the package for Firefox, which is without
// what is explained, it has nothing to say at all (packages.test.js).

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { DIST, ROOT } from "../browser/harness/places.js";

const { version } = JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8"));
const ZIP = join(ROOT, `target/sotto-${version}.zip`);
const LINTER = join(ROOT, "tests/supply/node_modules/addons-linter/bin/addons-linter");

const EXPLAINED = [
  // One manifest serves both browsers: Firefox takes `background.scripts`, which stands beside it.
  { code: "BACKGROUND_SERVICE_WORKER_IGNORED", file: /^manifest\.json$/, message: /service_worker/ },
  // Called as `chrome.dom?.…` where Chromium has it; Firefox has the same as a property of each element, which is used there.
  { code: "UNSUPPORTED_API", file: /^content\//, message: /dom\.openOrClosedShadowRoot/ },
  // Chromium's way to a page that decodes animated pictures; Firefox's background is such a page itself (unseen.js).
  { code: "MANIFEST_PERMISSIONS", file: /^manifest\.json$/, message: /"offscreen"/ },
  { code: "UNSUPPORTED_API", file: /^unseen\.js$/, message: /^offscreen\.createDocument / },
  // Chromium's way to the bytes of what a page has loaded; Firefox lets a script of ours read the pixels of any site that it may enter.
  { code: "MANIFEST_OPTIONAL_PERMISSIONS", file: /^manifest\.json$/, message: /"pageCapture"/ },
  { code: "UNSUPPORTED_API", file: /^loaded\.js$/, message: /pageCapture\.saveAsMHTML/ },
];

/**
 * What the linter says of a folder or zip; it exits 1 when there are errors.
 * @param {string} place
 */
async function lint(place) {
  const limits = { maxBuffer: 64 * 1024 * 1024 };
  const said = await promisify(execFile)(process.execPath, [LINTER, "--output", "json", place], limits).catch((error) => error);
  return JSON.parse(said.stdout);
}

for (const [what, place] of /** @type {const} */ ([["dist/", DIST], ["the zip", ZIP]])) {
  const skip = !existsSync(place) && "only a build of what ships makes it";
  test(`the store's linter finds no error in ${what}, and no warning that isn't explained`, { skip }, async () => {
    const { errors, warnings, notices } = await lint(place);
    assert.deepEqual(errors, []);
    assert.deepEqual(notices, []);
    /** @param {Finding} finding */
    const known = ({ code, file, message }) => EXPLAINED.some((one) => one.code === code && one.file.test(file) && one.message.test(message));
    assert.deepEqual(warnings.filter((/** @type {Finding} */ warning) => !known(warning)), []);
    assert.ok(warnings.length > 0, "the linter looked: there is always the service worker that Firefox ignores");
  });
}

test("it does complain of what is wrong", async () => {
  const { errors } = await lint(join(ROOT, "extension"));
  assert.ok(errors.length > 0, "a folder without manifest.json is no extension");
});
