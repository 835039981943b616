// The upload guard against files that are broken, lying or far too large, and against pages that don't want it: no file is ever
// lost, none goes up behind the person's back, and what can't be judged in five seconds passes with a notice.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { alarm, BAD_FILES, drawnAlarm, movingAlarm } from "../harness/made_files.js";
import { eventually } from "../harness/browser.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { clickInShadow, shadowText } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";
import { pick } from "../harness/uploads.js";

const HOUSE = join(PICTURES, "house.jpg");
/** @param {string} file */
const said = (file) => `${basename(file)} ${statSync(file).size}`;
/** The guard's own five seconds, and some for a slow machine. */
const PATIENCE_MS = 9_000;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  folder = mkdtempSync(join(tmpdir(), "sotto-hostile-"));
  sotto = await startSotto({ hostPermissions: true });
  const reply = await sotto.ask({ ask: "guard", on: true });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** How often the server was asked, but for what Chromium asks by itself. */
const nRequests = () => server.requests.filter(({ path }) => path !== "/favicon.ico").length;
const upload = () => sotto.visit(`${server.origin}/uploads.html`);
/** @param {Page} page */
const own = (page, where = "multiple") => page.evaluate((name) => uploads.seen.filter((event) => event.where === name), where);
/**
 * @param {Page} page
 * @param {string[]} files
 */
const heard = (page, files, where = "multiple") =>
  eventually(`${files.length} files at the page`, async () => (await own(page, where)).length >= 2, PATIENCE_MS)
    .then(async () => assert.deepEqual((await own(page, where)).map(({ event, files: got }) => [event, got]), [["input", files], ["change", files]]));

/**
 * Why each of them is not judged.
 * @type {Record<string, string>}
 */
const WHY = {
  "empty.png": "empty, or of a format", "truncated.jpg": "probably damaged", "text.png": "empty, or of a format", "huge_30000.png": "100 million pixels",
  "active.svg": "browsers let nobody read", "101_megabytes.png": "more than 100 MB",
};

describe("files that can't be judged reach the page as they are, with a notice", () => {
  for (const [name, make] of Object.entries(BAD_FILES)) {
    test(name, async () => {
      const page = await upload();
      const file = join(folder, name);
      make(file);
      const nBefore = nRequests();
      await pick(page, "multiple", [HOUSE, file]);
      await heard(page, [HOUSE, file].map(said));
      // The one that a browser can show is judged, so there is nothing to notice. An SVG with a page in it is shown, but not read back.
      if (name === "bomb_9000.png") assert.doesNotMatch(await shadowText(page), /unchecked/);
      else await sotto.says(page, new RegExp(`${name.replace(".", "\\.")} was passed on unchecked\\. .*${WHY[name]}`), 3_000);
      assert.equal(nRequests(), nBefore, "nothing in a file is ever loaded");
    });
  }

  test("a file that changes while it is read", async () => {
    const worker = await sotto.worker();
    // The decoder waits until the file is another one.
    await worker.evaluate(() => {
      const native = self.createImageBitmap;
      self.createImageBitmap = async (/** @type {any[]} */ ...given) => {
        self.createImageBitmap = native;
        await new Promise((resolve) => (self.goOn = resolve));
        return native(.../** @type {Parameters<typeof native>} */ (given));
      };
    });
    const page = await upload();
    const file = join(folder, "changing.jpg");
    // Of bytes that were never judged.
    writeFileSync(file, Buffer.concat([readFileSync(HOUSE), Buffer.from("changing")]));
    const before = said(file);
    await pick(page, "multiple", [file]);
    await eventually("the decoder", () => worker.evaluate(() => Boolean(self.goOn)));
    copyFileSync(alarm(folder), file);
    await worker.evaluate(() => self.goOn());
    await heard(page, [before]);
    // Nobody can say what it is any more.
    await sotto.says(page, /changing\.jpg was passed on unchecked\. This picture can.t be read/, 3_000);
    // What was never judged can't be read by the page either: its file is that of before, which is gone.
    const read = await page.evaluate(() => document.getElementById("multiple").files[0].arrayBuffer().then(() => "read", (/** @type {Error} */ { name }) => name));
    assert.equal(read, "NotReadableError");
  });

  test("a picture under another format's name is judged all the same", async () => {
    const page = await upload();
    await pick(page, "multiple", [alarm(folder, "a_photograph.jpg")]);
    await sotto.says(page, /a_photograph\.jpg/, PATIENCE_MS);
    assert.deepEqual(await own(page), []);
  });

  test("five hundred at once are not kept longer than five seconds, and all of them arrive", async () => {
    const page = await upload();
    const files = Array.from({ length: 500 }, (_, index) => join(folder, `house_${index}.jpg`));
    for (const file of files) writeFileSync(file, Buffer.concat([readFileSync(HOUSE), Buffer.from(file)]));
    const began = Date.now();
    await pick(page, "multiple", files);
    await heard(page, files.map(said));
    assert.ok(Date.now() - began < PATIENCE_MS, `${Date.now() - began} ms`);
  });
});

describe("what moves or is drawn", () => {
  test("moving pictures without anything in them pass", async () => {
    const page = await upload();
    const files = ["ball_animated.gif", "clock_animated.webp", "clock_animated.avif", "stars.avif", "house.svg", "badge_16_32_48.ico"].map((name) => join(PICTURES, name));
    await pick(page, "multiple", files);
    await heard(page, files.map(said));
    assert.equal(await shadowText(page), "");
  });

  test("one bad frame among many is found, wherever the samples fall", async () => {
    const page = await upload();
    // Eight of fifteen frames are looked at: every second one.
    const [seen, unseen] = /** @type {[string, number][]} */ ([["moving_6.png", 6], ["moving_7.png", 7]]).map(([name, place]) => {
      writeFileSync(join(folder, name), movingAlarm(15, place));
      return join(folder, name);
    });
    await pick(page, "multiple", [seen, unseen]);
    const says = await sotto.says(page, /upload anyway/i, PATIENCE_MS);
    assert.ok(says.includes("moving_6.png") && !says.includes("moving_7.png"), says);
  });

  test("of an AVIF sequence eight frames are looked at, and the worst counts", async () => {
    const ours = await sotto.page(sotto.url("manifest.json"));
    for (const [name, total, unsuitable] of /** @type {const} */ ([["clock_animated.avif", 12, false], ["alarm_animated.avif", 15, true]])) {
      const reply = await ours.evaluate(
        (bytes) => chrome.runtime.sendMessage({ id: "x", ask: "picture", picture: new Blob([new Uint8Array(bytes)]) }),
        [...readFileSync(join(PICTURES, name))]);
      assert.deepEqual([reply.answer, reply.frames, reply.unsuitable], ["picture", { judged: 8, total }, unsuitable], name);
    }
    await ours.close();
    const page = await upload();
    await pick(page, "multiple", [join(PICTURES, "alarm_animated.avif")]);
    await sotto.says(page, /alarm_animated\.avif/, PATIENCE_MS);
    assert.deepEqual(await own(page), []);
  });

  test("an SVG is judged as it is drawn, and loads and runs nothing", async () => {
    const page = await upload();
    writeFileSync(join(folder, "drawn.svg"), drawnAlarm(`${server.origin}/never-loaded`));
    await pick(page, "multiple", [join(folder, "drawn.svg")]);
    await sotto.says(page, /drawn\.svg/, PATIENCE_MS);
    const worker = await sotto.worker();
    await eventually("the page that draws to go", () => worker.evaluate(async () =>
      (await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] })).length === 0));
  });
});

describe("a page can't", () => {
  /** @param {Page} page */
  const asked = async (page) => {
    const file = alarm(folder);
    await pick(page, "multiple", [file]);
    await sotto.says(page, /upload anyway/i, PATIENCE_MS);
    return file;
  };
  /** Everything of ours on a page, as its scripts see it: elements at the end of the document that open nothing. */
  const OURS = "[...document.querySelectorAll('[popover]')]";

  test("answer the dialog by script", async () => {
    const page = await upload();
    await asked(page);
    await page.evaluate(`for (const host of ${OURS}) {
      host.click();
      for (const type of ["pointerdown", "mousedown", "mouseup", "click"]) host.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true, clientX: innerWidth / 2, clientY: innerHeight / 2 }));
      for (const key of ["Enter", "Escape", " "]) for (const target of [host, document.activeElement, window]) target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
    }`);
    assert.match(await shadowText(page), /upload anyway/i);
    assert.deepEqual(await own(page), []);
  });

  for (const [what, script] of /** @type {const} */ ([
    ["take the dialog away", `${OURS}.forEach((host) => host.remove())`],
    ["hide the dialog", `${OURS}.forEach((host) => host.style.setProperty("display", "none", "important"))`],
    ["close the dialog", `${OURS}.forEach((host) => host.hidePopover())`],
    ["make the dialog dead", `${OURS}.forEach((host) => (host.inert = true))`],
    ["cover the dialog", `{ const cover = document.body.appendChild(document.createElement("div")); cover.popover = "manual"; cover.style.pointerEvents = "none"; cover.showPopover(); }`],
  ])) {
    test(`${what}: it is back`, async () => {
      const page = await upload();
      const file = await asked(page);
      await page.evaluate(`[globalThis.before] = ${OURS}; ${script}`);
      // It stands there anew: a cover that lets clicks through would not be noticed otherwise.
      await eventually("the dialog to stand on top again", () => page.evaluate(() => {
        const hosts = [...document.querySelectorAll("[popover]:popover-open")];
        const ours = hosts.find((host) => host.style.position === "fixed");
        return Boolean(ours) && ours !== globalThis.before && !ours.inert && ours.style.display === "block" && document.elementFromPoint(innerWidth / 2, innerHeight / 2) === ours;
      }));
      await clickInShadow(page, /upload anyway/i);
      await heard(page, [said(file)]);
    });
  }

  test("win by taking it away for ever: the file stays where it is, and the person is told", async () => {
    const page = await upload();
    await asked(page);
    await page.evaluate(`new MutationObserver(() => ${OURS}.forEach((host) => host.remove())).observe(document, { childList: true, subtree: true }); ${OURS}.forEach((host) => host.remove())`);
    await eventually("the guard to give up", () => page.evaluate(() => !document.querySelector("[popover]")));
    assert.deepEqual(await own(page), []);
    // The decision was nobody's, so the next pick asks again.
    await page.reload();
    await asked(page);
  });

  test("fool the guard with events of its own making", async () => {
    const page = await upload();
    await page.evaluate(async () => {
      const blob = await (await fetch("/false_alarm.png")).blob();
      const transfer = new DataTransfer();
      transfer.items.add(new File([blob], "own.png", { type: "image/png" }));
      const input = document.getElementById("multiple");
      input.files = transfer.files;
      for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
    });
    // What the page has already it may do with as it likes; the guard neither hears nor speaks.
    assert.equal((await own(page)).length, 2);
    assert.equal(await sotto.isOnPage(page), false);
    const file = await asked(page);
    await page.evaluate(() => document.getElementById("multiple").dispatchEvent(new Event("change", { bubbles: true })));
    const early = (await own(page)).slice(2);
    assert.deepEqual(early, [{ where: "multiple", event: "change", files: [] }], "a false event shows an empty input");
    await clickInShadow(page, /upload anyway/i);
    await eventually("the file", async () => (await own(page)).length === 5);
    assert.deepEqual((await own(page)).slice(3).map(({ files }) => files), [[said(file)], [said(file)]]);
  });

  test("start an endless loop by clearing its input on every change", async () => {
    const page = await upload();
    await page.evaluate(() => {
      globalThis.nChanges = 0;
      const input = document.getElementById("multiple");
      input.addEventListener("change", () => {
        globalThis.nChanges += 1;
        const transfer = new DataTransfer();
        for (const file of input.files) transfer.items.add(file);
        if (globalThis.nChanges > 20) return;
        input.files = transfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
    });
    await pick(page, "multiple", [HOUSE]);
    await eventually("the loop's end", () => page.evaluate(() => globalThis.nChanges > 20));
    assert.equal(await sotto.isOnPage(page), false);
  });
});

describe("when the background is stopped in the middle", () => {
  test("the file is judged by the next one", async () => {
    const page = await upload();
    await sotto.stopWorkers();
    const file = alarm(folder);
    await pick(page, "multiple", [file]);
    await sotto.says(page, /upload anyway/i, PATIENCE_MS);
    await clickInShadow(page, /upload anyway/i);
    await heard(page, [said(file)]);
  });
});
