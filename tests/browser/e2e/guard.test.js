// The upload guard on every way a page can be handed a file, with the browser's own trusted events. Clean files: the page
// hears what it would hear without Sotto, once. Over the threshold: the page hears nothing before the person has spoken.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { alarm as newAlarm, UNOPENED } from "../harness/made_files.js";
import { eventually } from "../harness/browser.js";
import { contentScript } from "../harness/isolated.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { clickInShadow, countHosts } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";
import { copyPicture, drop, pick, pickAfterClick, pickInClosedRoot } from "../harness/uploads.js";

const HOUSE = join(PICTURES, "house.jpg");
const HORSE = join(PICTURES, "horse.png");
const README = join(PICTURES, "README.md");
/** @param {string} file */
const said = (file) => `${basename(file)} ${statSync(file).size}`;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  folder = mkdtempSync(join(tmpdir(), "sotto-uploads-"));
  sotto = await startSotto({ hostPermissions: true });
  await turn(true);
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** @param {boolean} on */
const turn = async (on) => {
  const reply = await sotto.ask({ ask: "guard", on });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
};

const alarm = () => newAlarm(folder);

/** How often the server was asked, but for what Chromium asks by itself. */
const nRequests = () => server.requests.filter(({ path }) => path !== "/favicon.ico").length;
/** @param {Page | Frame} page */
const seen = (page) => page.evaluate(() => uploads.seen);
/**
 * What the page heard, once it heard as much as is expected and the browser had time for more.
 * @param {Page | Frame} page
 * @param {number} nExpected
 */
async function heard(page, nExpected) {
  await eventually(`${nExpected} events`, async () => (await seen(page)).length >= nExpected, 8_000).catch(async (error) => {
    throw new Error(`${error.message}; heard ${JSON.stringify(await seen(page))}`);
  });
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))));
  return seen(page);
}
/**
 * The same two events, as the page's own listener and the one on its document hear them.
 * @param {string} where
 * @param {string[]} files
 */
const both = (where, files, { document = true } = {}) =>
  ["input", "change"].flatMap((event) => [...(document ? [{ where: "document", event, files }] : []), { where, event, files }]);
/**
 * @param {string} where
 * @param {string[]} files
 */
const dropped = (where, files) => [{ where: "document", event: "drop", files }, { where, event: "drop", files }];

/**
 * A folder with copies of these files, in the order in which a directory is read.
 * @param {string[]} files
 */
function folderOf(files) {
  const picked = join(mkdtempSync(join(folder, "folder-")), "picked");
  mkdirSync(picked);
  for (const file of files.filter((name) => name !== README)) copyFileSync(file, join(picked, basename(file)));
  return picked;
}

/**
 * The uploading page inside frames.html.
 * @param {Page} page
 */
const framed = (page) => eventually("the frame", async () => {
  const frame = page.frames().find((inner) => inner.parentFrame() && inner.url().endsWith("uploads.html"));
  return frame && (await frame.evaluate(() => document.readyState === "complete" && Boolean(window.uploads))) && frame;
});

/**
 * From the middle of an element, in the viewport.
 * @param {Page} page
 * @param {string} selector
 */
async function middleOf(page, selector) {
  const { x, y, width, height } = await page.locator(selector).boundingBox();
  return { x: x + width / 2, y: y + height / 2 };
}
/** @param {string} id */
const within = (id) => `document.getElementById("${id}").shadowRoot.querySelector("input")`;
/** @param {string} selector */
const dropOn = (selector) => async (/** @type {Page} */ page, /** @type {string[]} */ files) => drop(page, await middleOf(page, selector), files);

// What leaves an open shadow root names its host, which has no files; `change` leaves no shadow root.
/**
 * @param {string} where
 * @param {string[]} files
 */
const fromShadow = (where, files) => [
  { where: "document", event: "input", files: [] }, { where, event: "input", files }, { where, event: "change", files },
];

/**
 * A way in which a page gets files: how they are handed over, and what the page must hear of it.
 * @type {{
 *   name: string,
 *   many?: boolean,
 *   hand(page: Page, files: string[]): Promise<unknown>,
 *   expected(files: string[]): { where: string, event: string, files: string[] }[],
 * }[]}
 */
const WAYS = [
  { name: "a single pick", many: false, hand: (page, files) => pick(page, "single", files), expected: (files) => both("single", files) },
  { name: "a multiple pick", hand: (page, files) => pick(page, "multiple", files), expected: (files) => both("multiple", files) },
  {
    name: "a React-like controlled input", hand: (page, files) => pick(page, "controlled", files),
    expected: (files) => [
      { where: "document", event: "input", files }, { where: "document", event: "change", files },
      { where: "controlled capture", event: "change", files }, { where: "controlled bubble", event: "change", files },
    ],
  },
  {
    name: "an input that the page reads and clears", hand: (page, files) => pick(page, "cleared", files),
    expected: (files) => [
      { where: "document", event: "input", files }, { where: "document", event: "change", files }, { where: "cleared", event: "change", files },
    ],
  },
  { name: "a pick in an open shadow root", many: false, hand: (page, files) => pick(page, within("open-host"), files), expected: (files) => fromShadow("open", files) },
  { name: "a pick in a closed shadow root", many: false, hand: (page, files) => pickInClosedRoot(page, "closed-host", files), expected: (files) => fromShadow("closed", files) },
  { name: "an input without a document, clicked by script", many: false, hand: (page, files) => pickAfterClick(page, "#detached", files), expected: (files) => both("detached", files, { document: false }) },
  { name: "an input removed while its picker is open", many: false, hand: (page, files) => pickAfterClick(page, "#removed", files), expected: (files) => both("removed", files, { document: false }) },
  {
    name: "a folder", hand: (page, files) => pick(page, "folder", [folderOf(files)]),
    expected: (files) => both("folder", files.filter((file) => !file.startsWith("README")).map((file) => `picked/${file}`)),
  },
  { name: "a drop on a Dropzone-like zone", hand: dropOn("#dropzone"), expected: (files) => dropped("dropzone", files) },
  {
    name: "a drop on a file input", many: false, hand: dropOn("#single"),
    expected: (files) => [{ where: "document", event: "drop", files: [] }, ...both("single", files)],
  },
  {
    name: "a drop in a closed shadow root", hand: (page, files) => middleOf(page, "#closed-host").then(({ x, y }) => drop(page, { x: x - 500, y: y + 15 }, files)),
    expected: (files) => dropped("closed zone", files),
  },
];

describe("clean files pass, once and in order", () => {
  for (const { name, many = true, hand, expected } of WAYS) {
    test(name, async () => {
      const page = await sotto.visit(`${server.origin}/uploads.html`);
      const files = many ? [HORSE, README, HOUSE] : [HOUSE];
      const nBefore = nRequests();
      await hand(page, files);
      const wanted = expected(files.map(said));
      const order = (/** @type {{ where: string, event: string }} */ { where, event }) => `${where} ${event}`;
      // A folder is read in whatever order its disk has.
      /** @param {any} event */
      const listed = (event) => ({ ...event, files: name === "a folder" ? [...event.files].sort() : event.files });
      /** @param {any[]} events */
      const sorted = (events) => events.map((event) => JSON.stringify(listed(event))).sort();
      const got = await heard(page, wanted.length);
      assert.deepEqual(sorted(got), sorted(wanted), got.map(order).join(", "));
      assert.equal(await sotto.isOnPage(page), false);
      assert.equal(nRequests(), nBefore, "Sotto makes no request");
    });
  }
});

describe("over the threshold the page hears nothing before the person speaks", () => {
  for (const { name, many = true, hand, expected } of WAYS) {
    test(name, async () => {
      const page = await sotto.visit(`${server.origin}/uploads.html`);
      const bad = alarm();
      const nBefore = nRequests();
      await hand(page, many ? [bad, HOUSE] : [bad]);
      const says = await sotto.says(page, /upload anyway/i, 8_000);
      assert.ok(says.includes(basename(bad)) && !says.includes("house.jpg"), says);
      const before = await seen(page);
      assert.deepEqual(before.flatMap(({ files }) => files), [], "a file was shown early");
      assert.deepEqual(before.filter(({ where }) => where !== "document"), [], "the page's own listener heard of it");
      await clickInShadow(page, many ? /don.t upload/i : /upload anyway/i);
      const wanted = expected(many ? [said(HOUSE)] : [said(bad)]);
      const got = (await heard(page, before.length + wanted.length)).slice(before.length);
      assert.equal(got.length, wanted.length, JSON.stringify(got));
      assert.equal(nRequests(), nBefore, "neither the judging nor the dialog's preview makes a request");
    });
  }
});

describe("what a page does beside its document", () => {
  /**
   * The browser's own picker can't be answered by a debugger; the handles of a page's private files stand in for what it gives.
   * @param {string[]} files
   */
  async function modernPage(files) {
    const page = await sotto.context.newPage();
    const sources = await Promise.all(files.map(async (file) => /** @type {[string, number[]]} */ ([basename(file), [...readFileSync(file)]])));
    await page.addInitScript((given) => {
      window.showOpenFilePicker = async () => {
        const root = await navigator.storage.getDirectory();
        return Promise.all(given.map(async ([name, bytes]) => {
          const handle = await root.getFileHandle(name, { create: true });
          const writable = await handle.createWritable();
          await writable.write(new Uint8Array(bytes));
          await writable.close();
          return handle;
        }));
      };
    }, sources);
    await page.goto(`${server.origin}/uploads.html`);
    return page;
  }

  test("showOpenFilePicker gives clean files as they are", async () => {
    const page = await modernPage([HORSE, HOUSE]);
    await page.click("#modern");
    assert.deepEqual(await heard(page, 1), [{ where: "modern", event: "picked", files: [HORSE, HOUSE].map(said) }]);
    await page.close();
  });

  test("showOpenFilePicker leaves out what the person keeps back, and is closed when nothing is left", async () => {
    const bad = alarm();
    const page = await modernPage([bad, HOUSE]);
    await page.click("#modern");
    await sotto.says(page, /upload anyway/i, 8_000);
    assert.deepEqual(await seen(page), []);
    await clickInShadow(page, /don.t upload/i);
    assert.deepEqual(await heard(page, 1), [{ where: "modern", event: "picked", files: [said(HOUSE)] }]);
    await page.close();
    const alone = await modernPage([bad]);
    await alone.click("#modern");
    assert.deepEqual(await heard(alone, 1), [{ where: "modern", event: "AbortError", files: [] }]);
    await alone.close();
  });

  test("a form that is sent while its files are held goes with them, once", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    const bad = alarm();
    await pick(page, "multiple", [bad, HOUSE]);
    // Enter in the form, as it were: the button is pressed before the dialog stands.
    await page.evaluate(() => document.getElementById("send").click());
    await sotto.says(page, /upload anyway/i, 8_000);
    assert.deepEqual(await seen(page), []);
    await clickInShadow(page, /upload anyway/i);
    const got = await heard(page, 5);
    assert.deepEqual(got.filter(({ where }) => where === "form"), [{ where: "form", event: "submit", files: [said(bad), said(HOUSE)] }]);
  });
});

describe("a paste from the clipboard", () => {
  /**
   * How many requests there were before.
   * @param {Page} page
   * @param {string} picture
   */
  async function pasted(page, picture) {
    await copyPicture(page, picture);
    await page.click("#editable");
    const nBefore = nRequests();
    await page.keyboard.press("Control+V");
    return nBefore;
  }

  test("of a clean picture comes into editable text as it would without Sotto", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    const nBefore = await pasted(page, "/pictures/shapes_alpha.png");
    const got = await heard(page, 3);
    // The last is what editable text itself says of having changed.
    const wanted = [["document", "paste", 1], ["editable", "paste", 1], ["document", "input", 0]];
    assert.deepEqual(got.map(({ where, event, files }) => [where, event, files.length]), wanted);
    await eventually("the picture in the text", () => page.evaluate(() => document.querySelector("#editable img")?.naturalWidth === 256));
    assert.equal(nRequests(), nBefore);
  });

  test("over the threshold stays out until the person has spoken", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    const nBefore = await pasted(page, "/false_alarm.png");
    await sotto.says(page, /upload anyway/i, 8_000);
    assert.deepEqual(await seen(page), []);
    await clickInShadow(page, /don.t upload/i);
    await eventually("the dialog to go", async () => !(await sotto.isOnPage(page)));
    assert.deepEqual(await seen(page), []);
    assert.equal(await page.evaluate(() => document.querySelector("#editable img")), null);
    assert.equal(nRequests(), nBefore);
  });
});

test("a dropped folder reaches the page as it is, with all that is in it, and the person is told that nobody looked", async () => {
  const page = await sotto.visit(`${server.origin}/uploads.html`);
  const nBefore = nRequests();
  const bad = alarm();
  await drop(page, await middleOf(page, "#dropzone"), [folderOf([bad, HOUSE]), HORSE]);
  await sotto.says(page, /folder that is dropped[^]*unchecked/, 8_000);
  const got = await eventually("the folder's files", async () => (await seen(page)).find(({ where }) => where === "dropzone"));
  assert.deepEqual(got.files.sort(), [`/picked/${said(bad)}`, `/picked/${said(HOUSE)}`, said(HORSE)].sort());
  assert.equal((await seen(page)).filter(({ event }) => event === "drop").length, 2);
  assert.equal(nRequests(), nBefore);
});

test("in a private window no site is always allowed", async () => {
  const page = await sotto.visit(`${server.origin}/uploads.html`);
  const ours = await contentScript(page, sotto.id);
  await ours.evaluate(() => Object.defineProperty(chrome.extension, "inIncognitoContext", { value: true, configurable: true }));
  await pick(page, "single", [alarm()]);
  const words = await sotto.says(page, /upload anyway/i, 8_000);
  assert.doesNotMatch(words, /always allow/i);
  await clickInShadow(page, /don.t upload/i);
  const worker = await sotto.worker();
  await worker.evaluate(() => (chrome.tabs.get = /** @type {any} */ (async () => ({ incognito: true }))));
  const reply = await ours.evaluate(() => chrome.runtime.sendMessage({ id: "allow", ask: "allowHere" }));
  assert.equal(reply.reason, "privateWindow");
  await sotto.stopWorkers();
});

describe("files that this browser can't open", () => {
  /** @param {string} name */
  const made = (name) => {
    const path = join(folder, name);
    writeFileSync(path, UNOPENED[name]);
    return path;
  };

  test("are told by their first bytes, and only once decoding failed", async () => {
    const page = await sotto.page(sotto.url("manifest.json"));
    const reasons = await page.evaluate((files) => Promise.all(files.map(async ([name, bytes]) => {
      const reply = await chrome.runtime.sendMessage({ id: name, ask: "picture", picture: new Blob([new Uint8Array(bytes)]) });
      return [name, reply.reason ?? reply.answer];
    })), Object.entries(UNOPENED).map(([name, bytes]) => /** @type {[string, number[]]} */ ([name, [...bytes]])));
    await page.close();
    assert.deepEqual(Object.fromEntries(reasons), {
      "photo.heic": "heicPicture", "burst.heif": "heicPicture", "scan.tif": "tiffPicture", "canon.cr2": "rawPicture", "canon.cr3": "rawPicture",
      "fuji.raf": "rawPicture", "map.jp2": "jpeg2000Picture", "layers.psd": "photoshopPicture", "letter.png": "pdfFile", "old.wmv": "unreadableVideo",
      "renamed.jpg": "heicPicture",
    });
  });

  test("pass with one notice that says what they are and what helps", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    const file = made("photo.heic");
    await pick(page, "single", [file]);
    assert.deepEqual(await heard(page, 4), both("single", [said(file)]));
    await sotto.says(page, /photo\.heic was passed on unchecked\. This browser can.t open HEIC[^]*Most Compatible/, 3_000);
    assert.equal(await countHosts(page), 1);
  });

  test("several of one format have one notice and its advice, of several formats the first one's name", async () => {
    for (const [names, says] of /** @type {[string[], RegExp][]} */ ([
      [["photo.heic", "renamed.jpg"], /^photo\.heic \(HEIC\) and 1 more file were passed on unchecked\. This browser can.t open HEIC/],
      [["photo.heic", "scan.tif", "old.wmv"], /^photo\.heic \(HEIC\) and 2 more files were passed on unchecked\.$/],
    ])) {
      const page = await sotto.visit(`${server.origin}/uploads.html`);
      const files = names.map(made);
      await pick(page, "multiple", [...files, HOUSE]);
      assert.deepEqual(await heard(page, 4), both("multiple", [...files, HOUSE].map(said)));
      await sotto.says(page, says, 3_000);
      assert.equal(await countHosts(page), 1);
    }
  });

  test("a second notice joins the first, and so does what was kept back", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    await pick(page, "single", [made("photo.heic")]);
    await sotto.says(page, /photo\.heic was passed on/, 8_000);
    const bad = alarm();
    await pick(page, "multiple", [bad, made("scan.tif")]);
    await sotto.says(page, /upload anyway/i, 8_000);
    await clickInShadow(page, /don.t upload/i);
    await eventually("the dialog to go", async () => (await countHosts(page)) <= 1);
    await pick(page, "multiple", [bad, made("layers.psd")]);
    await sotto.says(page, /layers\.psd was passed on unchecked[^]*was not uploaded, as you chose/, 8_000);
    assert.equal(await countHosts(page), 1, "one place for all that is said");
    assert.doesNotMatch(await sotto.says(page, /layers/), /Checking/);
  });
});

test("a script can't hand on a folder, which is why it passes unseen", async () => {
  const page = await sotto.visit(`${server.origin}/uploads.html`);
  await turn(false);
  await page.evaluate(() => {
    const zone = document.getElementById("dropzone");
    zone.addEventListener("drop", (/** @type {any} */ { dataTransfer }) => {
      const [entry, file] = [dataTransfer.items[0].webkitGetAsEntry(), dataTransfer.files[0]];
      const again = new DataTransfer();
      if (file) again.items.add(file);
      window.carried = { dropped: entry.isDirectory, again: Boolean(again.items[0]?.webkitGetAsEntry()?.isDirectory) };
    });
  });
  await drop(page, await middleOf(page, "#dropzone"), [folderOf([HOUSE])]);
  assert.deepEqual(await eventually("the drop", () => page.evaluate(() => window.carried)), { dropped: true, again: false });
  await turn(true);
});

describe("frames", () => {
  for (const [name, origin] of /** @type {const} */ ([["of the same site", () => server.origin], ["of another site", () => server.otherOrigin]])) {
    test(`${name} are guarded too`, async () => {
      const page = await sotto.visit(`${server.origin}/frames.html?of=${origin()}/uploads.html`);
      const frame = await framed(page);
      const bad = alarm();
      const nBefore = nRequests();
      // Only a frame of another site has a debugger's session of its own.
      const session = name.includes("another") ? frame : page;
      const input = session === frame ? "multiple" : "frames[0].multiple";
      await pick(page, input, [bad, HOUSE], session);
      await sotto.says(frame, /upload anyway/i, 8_000);
      assert.deepEqual(await seen(frame), []);
      await clickInShadow(frame, /don.t upload/i);
      assert.deepEqual(await heard(frame, 4), both("multiple", [said(HOUSE)]));
      assert.equal(nRequests(), nBefore);
    });
  }

  test("take a drop from outside", async () => {
    const page = await sotto.visit(`${server.origin}/frames.html?of=${server.otherOrigin}/uploads.html`);
    const frame = await framed(page);
    const { x, y, width, height } = await frame.locator("#dropzone").boundingBox();
    const nBefore = nRequests();
    await drop(page, { x: x + width / 2, y: y + height / 2 }, [HORSE, HOUSE]);
    assert.deepEqual(await heard(frame, 2), dropped("dropzone", [HORSE, HOUSE].map(said)));
    assert.equal(nRequests(), nBefore);
  });
});

describe("what the person decided", () => {
  test("to upload is kept for the same bytes on this site, whatever the file is called", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    const bad = alarm();
    await pick(page, "single", [bad]);
    await sotto.says(page, /upload anyway/i, 8_000);
    await clickInShadow(page, /upload anyway/i);
    await heard(page, 4);
    const renamed = join(folder, "another_name.png");
    copyFileSync(bad, renamed);
    await page.reload();
    await pick(page, "single", [renamed]);
    assert.deepEqual(await heard(page, 4), both("single", [said(renamed)]));
    assert.equal(await sotto.isOnPage(page), false);
    // Another site was never spoken of.
    await page.goto(`${server.otherOrigin}/uploads.html`);
    await pick(page, "single", [renamed]);
    await sotto.says(page, /upload anyway/i, 8_000);
  });

  test("not to upload is kept too, and said", async () => {
    const page = await sotto.visit(`${server.origin}/uploads.html`);
    const bad = alarm();
    await pick(page, "single", [bad]);
    await sotto.says(page, /upload anyway/i, 8_000);
    await clickInShadow(page, /don.t upload/i);
    await eventually("the dialog to go", async () => !(await sotto.isOnPage(page)));
    await pick(page, "single", [bad]);
    await sotto.says(page, /was not uploaded, as you chose/i, 8_000);
    assert.deepEqual(await seen(page), []);
  });
});

test("the click that turns it on, and the browser's word of the permission it gave, don't undo each other", async () => {
  const worker = await sotto.worker();
  for (let round = 0; round < 10; round += 1) {
    await sotto.ask({ ask: "guard", on: false });
    const switched = sotto.ask({ ask: "guard", on: true });
    // Before, while and after the switch is at work.
    await worker.evaluate(async () => {
      for (let word = 0; word < 8; word += 1) {
        chrome.permissions.onAdded.dispatch({ origins: ["<all_urls>"], permissions: [] });
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    });
    assert.equal((await switched).answer, "done");
    // It waits for its turn behind both.
    await sotto.ask({ ask: "showResults", place: "card" });
    assert.equal((await sotto.ask({ ask: "settings" })).guardEverywhere, true, `round ${round}`);
    const scripts = await worker.evaluate(async () => (await chrome.scripting.getRegisteredContentScripts()).map(({ id }) => id));
    assert.deepEqual(scripts.sort(), ["guard", "guard-pickers"], `round ${round}`);
  }
});

describe("turned off", () => {
  test("it is gone at once from open tabs and frames, and a page has not one byte of it", async () => {
    const page = await sotto.visit(`${server.origin}/frames.html?of=${server.otherOrigin}/uploads.html`);
    const frame = await framed(page);
    await turn(false);
    await pick(page, "single", [alarm()], frame);
    await heard(frame, 4);
    assert.equal(await sotto.isOnPage(page), false);
    const untouched = await sotto.page(`${server.origin}/uploads.html`);
    // The events that this whole file hands to pages are the browser's own.
    await untouched.evaluate(() => document.getElementById("single").addEventListener("change", (/** @type {Event} */ { isTrusted }) => (window.trusted = isTrusted)));
    await pick(untouched, "single", [HOUSE]);
    await heard(untouched, 4);
    assert.equal(await untouched.evaluate(() => window.trusted), true);
    assert.deepEqual(await scriptsOf(untouched), ["uploads.html", "uploads.js"]);
    await turn(true);
    await untouched.reload();
    const guarded = await scriptsOf(untouched);
    assert.ok(guarded.includes("guard.js") && guarded.includes("pickers.js"), guarded.join(" "));
    await untouched.close();
  });

  /**
   * The scripts of every world of a page, by the last part of their address.
   * @param {Page} page
   */
  async function scriptsOf(page) {
    const session = await page.context().newCDPSession(page);
    const names = new Set();
    session.on("Debugger.scriptParsed", ({ url }) => url && !url.startsWith("pptr:") && names.add(url.split("/").pop()));
    await session.send("Debugger.enable");
    await page.reload();
    await session.detach();
    return [...names].sort();
  }
});

test("an extension that is updated or removed leaves no page without its files", async () => {
  // A browser of its own: what is reloaded serves no other file's tests.
  const own = await startSotto({ hostPermissions: true, flags: [] });
  try {
    assert.equal((await own.ask({ ask: "guard", on: true })).answer, "done");
    const page = await own.page(`${server.origin}/uploads.html`);
    await pick(page, "multiple", [HOUSE]);
    assert.deepEqual(await heard(page, 4), both("multiple", [said(HOUSE)]));
    const worker = await own.worker();
    await worker.evaluate(() => void setTimeout(() => chrome.runtime.reload()));
    // Its scripts stay in the page, and nobody answers them.
    await eventually("it to be gone", async () => !(await own.workerRuns().catch(() => false)));
    await pick(page, "multiple", [HORSE]);
    assert.deepEqual((await heard(page, 8)).slice(4), both("multiple", [said(HORSE)]));
  } finally {
    await own.close();
  }
});
