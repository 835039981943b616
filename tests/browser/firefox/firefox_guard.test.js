// The upload guard in Firefox, on every way a page can be handed a file there: picked in the browser's dialog, which the harness
// answers, dropped, pasted; with files that can't be judged, and on pages that don't want it.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { alarm as newAlarm, BAD_FILES, drawnAlarm, movingAlarm } from "../harness/made_files.js";
import { eventually } from "../harness/browser.js";
import { startFirefox } from "../harness/firefox.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";

const HOUSE = join(PICTURES, "house.jpg");
const HORSE = join(PICTURES, "horse.png");
const README = join(PICTURES, "README.md");
/** @param {string} file */
const said = (file) => `${basename(file)} ${statSync(file).size}`;
/** The guard's own five seconds, and some for a slow machine. */
const PATIENCE_MS = 15_000;
/**
 * Why each of them is not judged.
 * @type {Record<string, string>}
 */
const WHY = {
  "empty.png": "empty, or of a format", "truncated.jpg": "probably damaged", "text.png": "empty, or of a format", "huge_30000.png": "100 million pixels",
  "101_megabytes.png": "more than 100 MB",
};
const KEEP = "Don’t upload it";
const UPLOAD = "Upload anyway";

/** @type {Fixtures} */
let server;
/** @type {Firefox} */
let firefox;
/** @type {string} */
let folder;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  folder = mkdtempSync(join(tmpdir(), "sotto-uploads-"));
  firefox = await startFirefox();
  await firefox.guardEverywhere();
  await firefox.open(`${server.origin}/uploads.html`);
  await eventually("pages to be told", async () => (await firefox.nScriptsKnown()) === 2);
});
after(async () => {
  await firefox?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const upload = () => firefox.open(`${server.origin}/uploads.html`);
const alarm = () => newAlarm(folder);
/** How often the server was asked, but for what the browser asks by itself. */
const nRequests = () => server.requests.filter(({ path }) => path !== "/favicon.ico").length;

/** @typedef {{ where: string, event: string, files: string[] }} Heard */
/** @returns {Promise<Heard[]>} */
const seen = () => firefox.inPage(() => uploads.seen);
/** @returns {Promise<Heard[]>} */
const own = async (where = "multiple") => (await seen()).filter((event) => event.where === where);
/**
 * What the page heard, once it heard as much as is expected and the browser had time for more.
 * @param {number} nExpected
 */
async function heard(nExpected) {
  await eventually(`${nExpected} events`, async () => (await seen()).length >= nExpected, PATIENCE_MS).catch(async (error) => {
    throw new Error(`${error.message}; heard ${JSON.stringify(await seen())}`);
  });
  await firefox.inPage(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))));
  return seen();
}
/** @param {string[]} files */
const arrived = async (files) => {
  await eventually(`${files.length} files at the page`, async () => (await own()).length >= 2, PATIENCE_MS);
  assert.deepEqual((await own()).map(({ event, files }) => [event, files]), [["input", files], ["change", files]]);
};

/**
 * Clicks what opens the browser's dialog, and picks these there.
 * @param {string[]} path
 * @param {string[]} files
 */
async function pick(path, files) {
  await firefox.answerPicker(files);
  await firefox.clickAt(await firefox.middleOf(...path));
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
 *   hand(files: string[]): Promise<unknown>,
 *   expected(files: string[]): Heard[],
 * }[]}
 */
const WAYS = [
  { name: "a single pick", many: false, hand: (files) => pick(["#single"], files), expected: (files) => both("single", files) },
  { name: "a multiple pick", hand: (files) => pick(["#multiple"], files), expected: (files) => both("multiple", files) },
  {
    name: "a React-like controlled input", hand: (files) => pick(["#controlled"], files),
    expected: (files) => [
      { where: "document", event: "input", files }, { where: "document", event: "change", files },
      { where: "controlled capture", event: "change", files }, { where: "controlled bubble", event: "change", files },
    ],
  },
  {
    name: "an input that the page reads and clears", hand: (files) => pick(["#cleared"], files),
    expected: (files) => [
      { where: "document", event: "input", files }, { where: "document", event: "change", files }, { where: "cleared", event: "change", files },
    ],
  },
  { name: "a pick in an open shadow root", many: false, hand: (files) => pick(["#open-host", "input"], files), expected: (files) => fromShadow("open", files) },
  { name: "a pick in a closed shadow root", many: false, hand: (files) => pick(["#closed-host", "input"], files), expected: (files) => fromShadow("closed", files) },
  { name: "an input without a document, clicked by script", many: false, hand: (files) => pick(["#detached"], files), expected: (files) => both("detached", files, { document: false }) },
  { name: "an input removed while its picker is open", many: false, hand: (files) => pick(["#removed"], files), expected: (files) => both("removed", files, { document: false }) },
  { name: "a drop on a Dropzone-like zone", hand: async (files) => firefox.drop(await firefox.middleOf("#dropzone"), files), expected: (files) => dropped("dropzone", files) },
  {
    name: "a drop on a file input", many: false, hand: async (files) => firefox.drop(await firefox.middleOf("#single"), files),
    expected: (files) => [{ where: "document", event: "drop", files: [] }, ...both("single", files)],
  },
  {
    name: "a drop in a closed shadow root", hand: async (files) => firefox.drop(await firefox.middleOf("#closed-host", "div"), files),
    expected: (files) => dropped("closed zone", files),
  },
];

describe("clean files pass, once and in order", () => {
  for (const { name, many = true, hand, expected } of WAYS) {
    test(name, async () => {
      await upload();
      const files = many ? [HORSE, README, HOUSE] : [HOUSE];
      const nBefore = nRequests();
      await hand(files);
      const wanted = expected(files.map(said));
      /** @param {Heard[]} events */
      const sorted = (events) => events.map((event) => JSON.stringify(event)).sort();
      assert.deepEqual(sorted(await heard(wanted.length)), sorted(wanted));
      assert.equal(await firefox.nShown(), 0);
      assert.equal(nRequests(), nBefore, "Sotto makes no request");
    });
  }
});

describe("over the threshold the page hears nothing before the person speaks", () => {
  for (const { name, many = true, hand, expected } of WAYS) {
    test(name, async () => {
      await upload();
      const bad = alarm();
      const nBefore = nRequests();
      await hand(many ? [bad, HOUSE] : [bad]);
      const says = await firefox.says(/upload anyway/i, PATIENCE_MS);
      assert.ok(says.includes(basename(bad)) && !says.includes("house.jpg"), says);
      const before = await seen();
      assert.deepEqual(before.flatMap(({ files }) => files), [], "a file was shown early");
      assert.deepEqual(before.filter(({ where }) => where !== "document"), [], "the page's own listener heard of it");
      await firefox.clickShown(many ? KEEP : UPLOAD);
      const wanted = expected(many ? [said(HOUSE)] : [said(bad)]);
      const got = (await heard(before.length + wanted.length)).slice(before.length);
      assert.equal(got.length, wanted.length, JSON.stringify(got));
      assert.equal(nRequests(), nBefore, "neither the judging nor the dialog's preview makes a request");
    });
  }
});

test("a form that is sent while its files are held goes with them, once", async () => {
  await upload();
  const bad = alarm();
  await pick(["#multiple"], [bad, HOUSE]);
  await firefox.says(/upload anyway/i, PATIENCE_MS);
  await firefox.inPage(() => document.getElementById("form").requestSubmit());
  assert.deepEqual(await seen(), []);
  await firefox.clickShown(UPLOAD);
  const got = await heard(5);
  assert.deepEqual(got.filter(({ where }) => where === "form"), [{ where: "form", event: "submit", files: [said(bad), said(HOUSE)] }]);
});

describe("a paste", () => {
  /** @param {string} file */
  async function pasted(file) {
    await firefox.click("#editable");
    const nBefore = nRequests();
    await firefox.paste([file]);
    return nBefore;
  }

  test("of a clean picture comes into editable text", async () => {
    await upload();
    const nBefore = await pasted(join(PICTURES, "shapes_alpha.png"));
    const got = await heard(3);
    // The last is what editable text itself says of having changed.
    const wanted = [["document", "paste", 1], ["editable", "paste", 1], ["document", "input", 0]];
    assert.deepEqual(got.map(({ where, event, files }) => [where, event, files.length]), wanted);
    await eventually("the picture in the text", () => firefox.inPage(() => document.querySelector("#editable img")?.naturalWidth === 256));
    assert.equal(nRequests(), nBefore);
  });

  test("over the threshold stays out until the person has spoken", async () => {
    await upload();
    const nBefore = await pasted(alarm());
    await firefox.says(/upload anyway/i, PATIENCE_MS);
    assert.deepEqual(await seen(), []);
    await firefox.clickShown(KEEP);
    await eventually("the dialog to go", async () => (await firefox.nShown()) === 0);
    assert.deepEqual(await seen(), []);
    assert.equal(await firefox.inPage(() => document.querySelector("#editable img")), null);
    assert.equal(nRequests(), nBefore);
  });
});

describe("frames", () => {
  for (const [name, origin] of /** @type {const} */ ([["of the same site", () => server.origin], ["of another site", () => server.otherOrigin]])) {
    test(`${name} are guarded too`, async () => {
      await firefox.open(`${server.origin}/frames.html?of=${origin()}/uploads.html`);
      await firefox.inFrame("iframe", async () => {
        const nBefore = nRequests();
        await pick(["#multiple"], [alarm(), HOUSE]);
        await firefox.says(/upload anyway/i, PATIENCE_MS);
        assert.deepEqual(await seen(), []);
        await firefox.clickShown(KEEP);
        assert.deepEqual(await heard(4), both("multiple", [said(HOUSE)]));
        assert.equal(nRequests(), nBefore);
      });
    });
  }
});

describe("what the person decided", () => {
  test("to upload is kept for the same bytes on this site, whatever the file is called", async () => {
    await upload();
    const bad = alarm();
    await pick(["#single"], [bad]);
    await firefox.says(/upload anyway/i, PATIENCE_MS);
    await firefox.clickShown(UPLOAD);
    await heard(4);
    const renamed = join(folder, "another_name.png");
    copyFileSync(bad, renamed);
    await upload();
    await pick(["#single"], [renamed]);
    assert.deepEqual(await heard(4), both("single", [said(renamed)]));
    assert.equal(await firefox.nShown(), 0);
    // Another site was never spoken of.
    await firefox.open(`${server.otherOrigin}/uploads.html`);
    await pick(["#single"], [renamed]);
    await firefox.says(/upload anyway/i, PATIENCE_MS);
  });

  test("not to upload is kept too, and said", async () => {
    await upload();
    const bad = alarm();
    await pick(["#single"], [bad]);
    await firefox.says(/upload anyway/i, PATIENCE_MS);
    await firefox.clickShown(KEEP);
    await eventually("the dialog to go", async () => (await firefox.nShown()) === 0);
    await pick(["#single"], [bad]);
    await firefox.says(/was not uploaded, as you chose/i, PATIENCE_MS);
    assert.deepEqual(await seen(), []);
  });
});

describe("files that can't be judged reach the page as they are, with a notice", () => {
  for (const [name, make] of Object.entries(BAD_FILES)) {
    test(name, async () => {
      await upload();
      const file = join(folder, name);
      make(file);
      const nBefore = nRequests();
      await pick(["#multiple"], [HOUSE, file]);
      await arrived([HOUSE, file].map(said));
      // Those that a browser can show are judged, so there is nothing to notice: in Firefox an SVG with a page in it, too.
      if (["bomb_9000.png", "active.svg"].includes(name)) assert.equal(await firefox.nShown(), 0);
      else await firefox.says(new RegExp(`${name.replace(".", "\\.")} was passed on unchecked\\. .*${WHY[name]}`), 5_000);
      assert.equal(nRequests(), nBefore, "nothing in a file is ever loaded");
    });
  }

  test("a picture under another format's name is judged all the same", async () => {
    await upload();
    await pick(["#multiple"], [newAlarm(folder, "a_photograph.jpg")]);
    await firefox.says(/a_photograph\.jpg/, PATIENCE_MS);
    assert.deepEqual(await own(), []);
  });
});

describe("moving and drawn pictures", () => {
  test("an alarm among a moving picture's frames is found", async () => {
    await upload();
    writeFileSync(join(folder, "moving.png"), movingAlarm(8, 5));
    await pick(["#multiple"], [join(folder, "moving.png")]);
    await firefox.says(/moving\.png/, PATIENCE_MS);
    assert.deepEqual(await own(), []);
  });

  test("an SVG is judged as it is drawn, and loads and runs nothing", async () => {
    await upload();
    const nBefore = nRequests();
    writeFileSync(join(folder, "drawn.svg"), drawnAlarm(`${server.origin}/never-loaded`));
    await pick(["#multiple"], [join(folder, "drawn.svg")]);
    await firefox.says(/drawn\.svg/, PATIENCE_MS);
    assert.equal(nRequests(), nBefore);
  });
});

describe("a page can't", () => {
  const asked = async () => {
    const file = alarm();
    await pick(["#multiple"], [file]);
    await firefox.says(/upload anyway/i, PATIENCE_MS);
    return file;
  };
  /** Everything of ours on a page, as its scripts see it: elements at the end of the document that open nothing. */
  const OURS = "[...document.querySelectorAll('[popover]')]";

  test("answer the dialog by script", async () => {
    await upload();
    await asked();
    await firefox.inPage(`() => { for (const host of ${OURS}) {
      host.click();
      for (const type of ["pointerdown", "mousedown", "mouseup", "click"]) host.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true, clientX: innerWidth / 2, clientY: innerHeight / 2 }));
      for (const key of ["Enter", "Escape", " "]) for (const target of [host, document.activeElement, window]) target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
    } }`);
    await firefox.says(/upload anyway/i, 1_000);
    assert.deepEqual(await own(), []);
  });

  for (const [what, script] of /** @type {const} */ ([
    ["take the dialog away", `${OURS}.forEach((host) => host.remove())`],
    ["hide the dialog", `${OURS}.forEach((host) => host.style.setProperty("display", "none", "important"))`],
    ["close the dialog", `${OURS}.forEach((host) => host.hidePopover())`],
    ["make the dialog dead", `${OURS}.forEach((host) => (host.inert = true))`],
    ["cover the dialog", `{ const cover = document.body.appendChild(document.createElement("div")); cover.popover = "manual"; cover.style.pointerEvents = "none"; cover.showPopover(); }`],
  ])) {
    test(`${what}: it is back`, async () => {
      await upload();
      const file = await asked();
      await firefox.inPage(`() => { [window.before] = ${OURS}; ${script} }`);
      // It stands there anew: a cover that lets clicks through would not be noticed otherwise.
      await eventually("the dialog to stand on top again", () => firefox.inPage(() => {
        const hosts = [...document.querySelectorAll("[popover]:popover-open")];
        const ours = hosts.find((host) => host.style.position === "fixed");
        return Boolean(ours) && ours !== window.before && !ours.inert && ours.style.display === "block" && document.elementFromPoint(innerWidth / 2, innerHeight / 2) === ours;
      }));
      await firefox.clickShown(UPLOAD);
      await arrived([said(file)]);
    });
  }

  test("win by taking it away for ever: the file stays where it is, and the person is told", async () => {
    await upload();
    await asked();
    await firefox.inPage(`() => { new MutationObserver(() => ${OURS}.forEach((host) => host.remove())).observe(document, { childList: true, subtree: true }); ${OURS}.forEach((host) => host.remove()); }`);
    await eventually("the guard to give up", () => firefox.inPage(() => !document.querySelector("[popover]")));
    assert.deepEqual(await own(), []);
    // The decision was nobody's, so the next pick asks again.
    await upload();
    await asked();
  });

  test("fool the guard with events of its own making", async () => {
    await upload();
    await firefox.inPage(async () => {
      const blob = await (await fetch("/false_alarm.png")).blob();
      const transfer = new DataTransfer();
      transfer.items.add(new File([blob], "own.png", { type: "image/png" }));
      const input = document.getElementById("multiple");
      input.files = transfer.files;
      for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
    });
    // What the page has already it may do with as it likes; the guard neither hears nor speaks.
    assert.equal((await own()).length, 2);
    assert.equal(await firefox.nShown(), 0);
    const file = await asked();
    await firefox.inPage(() => document.getElementById("multiple").dispatchEvent(new Event("change", { bubbles: true })));
    assert.deepEqual((await own()).slice(2), [{ where: "multiple", event: "change", files: [] }], "a false event shows an empty input");
    await firefox.clickShown(UPLOAD);
    await eventually("the file", async () => (await own()).length === 5);
    assert.deepEqual((await own()).slice(3).map(({ files }) => files), [[said(file)], [said(file)]]);
  });

  test("start an endless loop by clearing its input on every change", async () => {
    await upload();
    await firefox.inPage(() => {
      window.nChanges = 0;
      const input = document.getElementById("multiple");
      input.addEventListener("change", () => {
        window.nChanges += 1;
        const transfer = new DataTransfer();
        for (const file of input.files) transfer.items.add(file);
        if (window.nChanges > 20) return;
        input.files = transfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
    });
    await pick(["#multiple"], [HOUSE]);
    await eventually("the loop's end", () => firefox.inPage(() => window.nChanges > 20));
    assert.equal(await firefox.nShown(), 0);
  });
});

test("when the background is stopped in the middle, the file is judged by the next one", async () => {
  await upload();
  await firefox.endBackground();
  const file = alarm();
  await pick(["#multiple"], [file]);
  await firefox.says(/upload anyway/i, PATIENCE_MS);
  await firefox.clickShown(UPLOAD);
  await arrived([said(file)]);
});

test("an extension that is updated leaves no page without its files", async () => {
  await upload();
  await pick(["#multiple"], [HOUSE]);
  await arrived([said(HOUSE)]);
  await firefox.reloadExtension();
  await pick(["#multiple"], [HORSE]);
  assert.deepEqual((await heard(8)).slice(4), both("multiple", [said(HORSE)]));
  // Pages that are opened from now on are guarded by the new one.
  await upload();
  await eventually("pages to be told", async () => (await firefox.nScriptsKnown()) === 2);
  await upload();
  await pick(["#multiple"], [alarm()]);
  await firefox.says(/upload anyway/i, PATIENCE_MS);
});

test("turned off, it is gone at once from open tabs and frames", async () => {
  await firefox.open(`${server.origin}/frames.html?of=${server.otherOrigin}/uploads.html`);
  assert.equal((await firefox.ask({ ask: "guard", on: false })).answer, "done");
  await firefox.inFrame("iframe", async () => {
    await firefox.inPage(() => document.getElementById("single").addEventListener("change", (/** @type {Event} */ { isTrusted }) => (window.trusted = isTrusted)));
    await pick(["#single"], [alarm()]);
    await heard(4);
    assert.equal(await firefox.nShown(), 0);
    // The events that this whole file hands to pages are the browser's own.
    assert.equal(await firefox.inPage(() => window.trusted), true);
  });
});
