// Films on their way to a site: sixteen places of each are looked at, the worst counts, and what can't be read passes with a notice.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { recordFilm } from "../harness/films.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { clickInShadow, shadowText } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";
import { pick } from "../harness/uploads.js";

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;
/** @param {string} file */
const said = (file) => `${basename(file)} ${statSync(file).size}`;
const PATIENCE_MS = 9_000;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  folder = mkdtempSync(join(tmpdir(), "sotto-films-"));
  sotto = await startSotto({ hostPermissions: true });
  const reply = await sotto.ask({ ask: "guard", on: true });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A film in a file.
 * @param {string} name
 * @param {[from: number, to: number]} alarm
 * @param {string} [type]
 */
async function film(name, alarm, type) {
  const file = join(folder, name);
  writeFileSync(file, await recordFilm(await sotto.visit(`${server.origin}/uploads.html`), alarm, type));
  return file;
}

const upload = () => sotto.visit(`${server.origin}/uploads.html`);
/** @param {Page} page */
const own = (page) => page.evaluate(() => uploads.seen.filter(({ where }) => where === "multiple"));
/**
 * @param {Page} page
 * @param {string[]} files
 */
const heard = (page, files) =>
  eventually("the files at the page", async () => (await own(page)).length >= 2, PATIENCE_MS)
    .then(async () => assert.deepEqual((await own(page)).map(({ files: got }) => got), [files, files]));

/** @param {string} file */
const judge = async (file) => {
  const page = await sotto.page(sotto.url("manifest.json"));
  const reply = await page.evaluate((bytes) => chrome.runtime.sendMessage({ id: "film", ask: "picture", picture: new Blob([new Uint8Array(bytes)]) }), [...readFileSync(file)]);
  await page.close();
  return reply;
};

test("a short bad part of a film is found, and the person asked", async () => {
  const file = await film("holiday.webm", [0.4, 0.6]);
  const verdict = await judge(file);
  assert.deepEqual([verdict.frames, verdict.unsuitable], [{ judged: 16, total: 0 }, true]);
  const page = await upload();
  await pick(page, "multiple", [file]);
  const says = await sotto.says(page, /holiday\.webm/, PATIENCE_MS);
  assert.match(says, /This file looks unsuitable/);
  assert.deepEqual(await own(page), []);
  await screenshot(page, "film");
  await clickInShadow(page, /upload anyway/i);
  await heard(page, [said(file)]);
});

test("a film with nothing in it passes without a word", async () => {
  const file = await film("house.webm", [2, 3]);
  const page = await upload();
  await pick(page, "multiple", [file]);
  await heard(page, [said(file)]);
  assert.equal(await shadowText(page), "");
  assert.deepEqual((await judge(file)).frames, { judged: 16, total: 0 });
});

test("a film of another container is known by its bytes, whatever its name says", async () => {
  const file = await film("a_picture.jpg", [0, 2], "video/mp4");
  const verdict = await judge(file);
  assert.deepEqual([verdict.answer, verdict.frames?.total, verdict.unsuitable], ["picture", 0, true]);
});

test("what can't be read of a film is said, and the file passes", async () => {
  const whole = readFileSync(await film("whole.webm", [0, 2]));
  const files = Object.entries({ "cut.webm": whole.subarray(0, 300), "empty.mp4": Buffer.from("\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"), "words.mov": Buffer.from("no film at all") })
    .map(([name, bytes]) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    });
  for (const file of files) {
    assert.equal((await judge(file)).reason, file.endsWith("words.mov") ? "unknownPicture" : "unreadableVideo", file);
    const page = await upload();
    await pick(page, "multiple", [file]);
    await heard(page, [said(file)]);
    await sotto.says(page, new RegExp(`${basename(file).replace(".", "\\.")} was passed on unchecked`), PATIENCE_MS);
  }
});

test("sound alone is no film", async () => {
  const file = await film("song.webm", [2, 3], "audio/webm");
  assert.equal((await judge(file)).reason, "unreadableVideo");
});

test("the page that decoded films closes itself", async () => {
  const worker = await sotto.worker();
  await eventually("no page", () => worker.evaluate(async () => (await chrome.runtime.getContexts({ contextTypes: [/** @type {chrome.runtime.ContextType} */ ("OFFSCREEN_DOCUMENT")] })).length === 0));
});
