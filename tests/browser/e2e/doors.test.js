// The three doors, through the real browser: a selection and a picture through the menu, a file through the guard, and the
// popup that tells the state. Real weights, real tokenizer.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { alarm } from "../harness/made_files.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { clickInShadow, shadowBox } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";

/** The card tells how long it took once it has its verdict. */
const DONE = /\d+\s?% .*\d ms/s;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  sotto = await startSotto();
});

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

describe("a selection", () => {
  for (const [selector, verdict] of /** @type {const} */ ([
    ["#praise", /Positive \d+\s?%/],
    ["#complaint", /Negative \d+\s?%/],
    ["#field", /Positive \d+\s?%/],
  ])) {
    test(`${selector} gets a card that says ${verdict.source}`, async () => {
      const page = await sotto.visit(`${server.origin}/selection.html`);
      await sotto.classifySelection(page, selector);
      await sotto.says(page, verdict);
      await screenshot(page, `card-${selector.slice(1)}`);
    });
  }

  test("of signs alone is not guessed at", async () => {
    const page = await sotto.visit(`${server.origin}/selection.html`);
    await sotto.classifySelection(page, "#signs");
    const says = await sotto.says(page, /nothing|judge/i);
    assert.doesNotMatch(says, /Positive|Negative/);
  });

  test("with several sentences shows each", async () => {
    const page = await sotto.visit(`${server.origin}/selection.html`);
    await sotto.classifySelection(page, "#both");
    await sotto.says(page, /2 sentences/);
    await screenshot(page, "card-sentences");
  });

  test("loses its card with Escape, and nothing stays on the page", async () => {
    const page = await sotto.visit(`${server.origin}/selection.html`);
    await sotto.classifySelection(page, "#praise");
    await sotto.says(page, DONE);
    await page.keyboard.press("Escape");
    await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
  });

  test("is not covered by its card", async () => {
    const page = await sotto.visit(`${server.origin}/selection.html`);
    await sotto.classifySelection(page, "#complaint");
    await sotto.says(page, DONE);
    const card = await shadowBox(page);
    const text = await page.locator("#complaint").boundingBox();
    const apart = card.top >= text.y + text.height || card.top + card.height <= text.y;
    assert.ok(apart, `card ${JSON.stringify(card)} over ${JSON.stringify(text)}`);
  });
});

describe("a picture", () => {
  test("is judged on the menu's click, from the pixels the page has", async () => {
    const page = await sotto.visit(`${server.origin}/pictures.html`);
    const nRequests = server.requests.length;
    await sotto.checkImage(page, "#coffee");
    await sotto.says(page, /Neutral \d+\s?%[^]*Drawing/);
    await screenshot(page, "card-picture");
    assert.equal(server.requests.length, nRequests, "the picture must not be fetched again");
  });
});

describe("after the service worker was stopped", () => {
  test("the next click is answered as before", async () => {
    const page = await sotto.visit(`${server.origin}/selection.html`);
    await sotto.stopWorkers();
    assert.equal(await sotto.workerRuns(), false);
    await sotto.classifySelection(page, "#praise");
    await sotto.says(page, /Positive \d+\s?%/);
  });
});

describe("the popup", () => {
  test("says which models are ready and how much memory they have", async () => {
    const page = await sotto.page(sotto.url("pages/popup.html"));
    await eventually("both models", async () => /ready[^]*MB/i.test(await page.locator("body").innerText()));
    await screenshot(page, "popup");
    await page.close();
  });
});

describe("the upload guard", () => {
  /** @type {Sotto} */
  let guarded;

  before(async () => {
    guarded = await startSotto({ hostPermissions: true });
    const reply = await guarded.ask({ ask: "guard", site: server.origin.replace(/:\d+$/, ""), on: true });
    assert.equal(reply.answer, "done", JSON.stringify(reply));
  });
  after(() => guarded?.close());

  test("lets a clean picture through: one input, one change, the same file", async () => {
    const page = await guarded.visit(`${server.origin}/upload.html`);
    const file = join(PICTURES, "coffee.png");
    await page.locator("#pick").setInputFiles(file);
    const expected = [`coffee.png ${statSync(file).size}`];
    const seen = await eventually("the page to get its file", async () => {
      const events = await page.evaluate(() => globalThis.seen);
      return events.length >= 2 && events;
    });
    assert.deepEqual(seen, [
      { name: "input", files: expected },
      { name: "change", files: expected },
    ]);
  });

  test("speaks before the page gets a picture over the threshold, and the person's no is kept", async () => {
    const page = await guarded.visit(`${server.origin}/upload.html`);
    const file = join(PICTURES, "coffee.png");
    await page.locator("#pick").setInputFiles([join(FIXTURES, "false_alarm.png"), file]);
    const says = await guarded.says(page, /upload anyway/i);
    assert.match(says, /false_alarm\.png/);
    assert.doesNotMatch(says, /coffee\.png/);
    await screenshot(page, "guard-dialog");
    assert.deepEqual(await page.evaluate(() => globalThis.seen), [], "the page must know nothing yet");
    await clickInShadow(page, /don.t upload/i);
    const seen = await eventually("the page to get the other file", async () => {
      const events = await page.evaluate(() => globalThis.seen);
      return events.length >= 2 && events;
    });
    const expected = [`coffee.png ${statSync(file).size}`];
    assert.deepEqual(seen, [
      { name: "input", files: expected },
      { name: "change", files: expected },
    ]);
  });

  test("lets it through when the person says so", async () => {
    const page = await guarded.visit(`${server.origin}/upload.html`);
    // About the false alarm itself the person has spoken above.
    const folder = mkdtempSync(join(tmpdir(), "sotto-doors-"));
    const file = alarm(folder);
    await page.locator("#pick").setInputFiles(file);
    await guarded.says(page, /upload anyway/i);
    await clickInShadow(page, /upload anyway/i);
    await eventually("the page to get the file", async () => (await page.evaluate(() => globalThis.seen)).length === 2);
    assert.deepEqual((await page.evaluate(() => globalThis.seen))[1].files, [`${basename(file)} ${statSync(file).size}`]);
    rmSync(folder, { recursive: true, force: true });
  });
});
