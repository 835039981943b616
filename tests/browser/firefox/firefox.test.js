// The same package in Firefox: its two menu entries by the mouse, its popup, and its silence. What is the same code on the same
// engine in both browsers is tested in Chromium alone.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { attemptAll, startSink } from "../harness/attempts.js";
import { eventually } from "../harness/browser.js";
import { startFirefox } from "../harness/firefox.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";

/** @type {Fixtures} */
let server;
/** @type {Firefox} */
let firefox;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  firefox = await startFirefox();
});

after(async () => {
  await firefox?.close();
  await server?.close();
});

async function classifySelection() {
  await firefox.open(`${server.origin}/selection.html`);
  await firefox.inPage(() => getSelection()?.selectAllChildren(document.querySelector("#praise")));
  await firefox.chooseInMenu("#praise", "Classify selection with Sotto");
  await firefox.says(/Positive\s*\d+\s?%/);
}

test("a selection is judged by a click in the menu, and why by a click on the card", async () => {
  await classifySelection();
  await firefox.screenshot("firefox-card");
  await firefox.clickShown("Why?");
  await firefox.says(/No single word decides|Towards positive: “/);
  await firefox.screenshot("firefox-why");
});

test("after the event page was ended the next click is answered", async () => {
  await firefox.endBackground();
  await classifySelection();
});

test("a picture is judged by a click in the menu, and not fetched again", async () => {
  await firefox.open(`${server.origin}/pictures.html`);
  const nRequests = server.requests.length;
  await firefox.chooseInMenu("#coffee", "Check image with Sotto");
  await firefox.says(/Neutral|Drawing/);
  assert.equal(server.requests.length, nRequests);
});

test("this computer is measured, and of its graphics processor there is a figure or a sentence", async () => {
  await firefox.open(`${firefox.origin}pages/options.html`);
  await firefox.inPage(() => document.querySelector("details:has(#measure-start) > summary").click());
  const said = () => firefox.inPage(() => ["said", "processor", "graphics-how"].map((id) => document.querySelector(`#measure-${id}`).textContent));
  await eventually("its Rust to hear", () => firefox.inPage(() => document.documentElement.dataset.started));
  await firefox.inPage(() => document.querySelector("#measure-start").click());
  const [, processor, how] = await eventually("the figures", async () => /^Measured/.test((await said())[0]) && said(), 60_000);
  assert.match(processor, /^[\d,]+ ms$/);
  assert.match(how, /GOP\/s|This browser has no WebGPU|no graphics processor|in software/);
});

test("a picture of another site is judged as it is seen", async () => {
  await firefox.open(`${server.origin}/pictures.html`);
  await firefox.inPage(async (address) => {
    const picture = document.querySelector("#coffee");
    picture.src = address;
    await picture.decode();
  }, `${server.otherOrigin}/pictures/coffee.png`);
  await firefox.chooseInMenu("#coffee", "Check image with Sotto");
  await firefox.says(/Neutral|Drawing/);
});

test("a picture whose address is another by now is judged all the same", async () => {
  await firefox.open(`${server.origin}/pictures.html`);
  await firefox.inPage((address) => {
    const picture = document.querySelector("#coffee");
    picture.addEventListener("contextmenu", () => setTimeout(() => (picture.src = address)), { once: true });
  }, `${server.origin}/pictures/chelsea.png`);
  await firefox.chooseInMenu("#coffee", "Check image with Sotto");
  await firefox.says(/Neutral|Drawing/);
});

test("the popup tells of both models and their memory", async () => {
  await firefox.openOwn("pages/popup.html");
  const said = await eventually("the popup", async () => {
    const text = await firefox.inPage(() => document.querySelector("main").innerText);
    return /MB/.test(text) && text;
  });
  assert.match(said, /Ready/);
  await firefox.screenshot("firefox-popup");
});

test("a long text is read by a helper too, in the event page, and its verdict is the same", async () => {
  await firefox.openOwn("pages/popup.html");
  const [alone, nAlone, helped, nHelped] = await firefox.inPage(async () => {
    /** @param {any} request */
    const ask = (request) => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ...request });
    /** @type {unknown[]} */
    const said = [];
    for (const memoryBudgetMb of [60, 256]) {
      await ask({ ask: "keepSettings", settings: { memoryBudgetMb } });
      const { shares, sentiment, nTokens } = await ask({ ask: "text", text: "The old man told us about the sea, and we were glad to listen. ".repeat(200) });
      said.push([sentiment, nTokens, shares], (await ask({ ask: "status" })).engine.threads);
    }
    await ask({ ask: "keepSettings", settings: {} });
    return said;
  });
  assert.ok(nAlone === 1 && nHelped > 1, `${nAlone} threads, then ${nHelped}`);
  assert.deepEqual(helped, alone);
});

test("the upload guard is allowed by a click, holds a picture over the threshold, and lets the others through", async () => {
  await firefox.openOwn("pages/options.html");
  await eventually("the settings", () => firefox.inPage(() => document.documentElement.dataset.started !== undefined));
  await firefox.click("#guard-everywhere");
  await firefox.allow();
  await eventually("the guard to be on", () =>
    firefox.inPage(async () => (await chrome.scripting.getRegisteredContentScripts()).length === 2));
  await firefox.open(`${server.origin}/upload.html`);
  await eventually("pages to be told", async () => (await firefox.nScriptsKnown()) === 2);
  await firefox.open(`${server.origin}/upload.html`);
  await firefox.pick("#pick", [join(FIXTURES, "false_alarm.png"), join(PICTURES, "coffee.png")]);
  assert.match(await firefox.says(/upload anyway/i), /false_alarm\.png/);
  assert.deepEqual(await firefox.inPage(() => globalThis.seen), [], "the page must know nothing yet");
  await firefox.screenshot("firefox-guard");
  await firefox.clickShown("Don’t upload it");
  const seen = await eventually("the page to get the other file", async () => {
    const events = await firefox.inPage(() => globalThis.seen);
    return events.length >= 2 && events;
  });
  assert.deepEqual(seen.map((/** @type {{ name: string, files: string[] }} */ { name, files }) => `${name} ${files.map((/** @type {string} */ file) => file.split(" ")[0])}`), ["input coffee.png", "change coffee.png"]);
});

test("a settings file that wants the guard has the person asked by a click that the browser takes for a gesture", async () => {
  await firefox.openOwn("pages/options.html");
  await eventually("the settings", () => firefox.inPage(() => document.documentElement.dataset.started !== undefined));
  const registered = () => firefox.inPage(async () => (await chrome.scripting.getRegisteredContentScripts()).length);
  await firefox.inPage(() => chrome.permissions.remove({ origins: ["<all_urls>"] }));
  await eventually("the guard to be off", async () => (await registered()) === 0);
  const folder = mkdtempSync(join(tmpdir(), "sotto-settings-"));
  const file = join(folder, "settings.json");
  writeFileSync(file, JSON.stringify({ sottoSettings: 1, settings: { guardEverywhere: true } }));
  await firefox.pick("#settings-import", [file]);
  await eventually("the question", () => firefox.inPage(() => document.querySelector("#import-sites:not([hidden])") !== null));
  assert.equal(await registered(), 0);
  await firefox.inPage(() => document.getElementById("import-sites-ask")?.scrollIntoView({ block: "center" }));
  await firefox.click("#import-sites-ask");
  await firefox.allow();
  await eventually("the guard to be on", async () => (await registered()) === 2);
  await eventually("the switch to say so", () => firefox.inPage(() => document.querySelector("#guard-everywhere:checked") !== null));
  rmSync(folder, { recursive: true, force: true });
});

test("a protected site keeps pictures out of sight until they were judged, of other sites too where a script of ours may read them", async () => {
  await firefox.openOwn("pages/options.html");
  await eventually("the settings", () => firefox.inPage(() => document.documentElement.dataset.started !== undefined));
  await firefox.inPage(() => document.getElementById("protect-everywhere")?.scrollIntoView({ block: "center" }));
  // The guard has the permission for all sites already, and Firefox needs no other.
  await firefox.click("#protect-everywhere");
  await eventually("protection to be on", () =>
    firefox.inPage(async () => (await chrome.scripting.getRegisteredContentScripts()).some(({ id }) => id === "protect-held")));
  await firefox.open(`${server.origin}/protected.html?from=${server.otherOrigin}`);
  const marks = () => firefox.inPage(() => Object.fromEntries(["own", "own-alarm", "foreign", "foreign-alarm", "in-picture", "srcset", "canvas"].map((id) => [id, document.getElementById(id).getAttribute("data-sotto")])));
  let last = {};
  await eventually("all that can be read", async () => {
    last = await marks();
    return JSON.stringify(Object.values(last)) === JSON.stringify(["fine", "blur", "fine", "blur", "blur", "blur", "blur"]);
  }).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)}`));
  await firefox.screenshot("firefox-protected");
  await firefox.openOwn("pages/options.html");
  await eventually("the settings", () => firefox.inPage(() => document.documentElement.dataset.started !== undefined));
  await firefox.inPage(() => document.getElementById("protect-everywhere")?.scrollIntoView({ block: "center" }));
  await firefox.click("#protect-everywhere");
  await eventually("protection to be off", () =>
    firefox.inPage(async () => !(await chrome.scripting.getRegisteredContentScripts()).some(({ id }) => id === "protect-held")));
});

test("a scan covers what is over the threshold, of other sites too", async () => {
  await firefox.open(`${server.origin}/scan.html?from=${server.otherOrigin}`);
  /** @param {string} wish */
  const scan = (wish) => firefox.inOwnPage(async (wish) => {
    const tab = (await chrome.tabs.query({ url: "*://*/scan.html*" }))[0].id;
    return chrome.runtime.sendMessage({ id: "scan", ask: "scan", tab, wish });
  }, wish);
  assert.equal((await scan("start")).answer, "scan");
  let counts = /** @type {any} */ (null);
  await eventually("both alarms", async () => {
    counts = await scan("state");
    return counts.over === 2;
  }).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(counts)}`));
  await firefox.screenshot("firefox-scan");
});

test("nothing that a page of Sotto tries arrives; from an ordinary page it does", async () => {
  const sink = await startSink();
  try {
    await firefox.openOwn("pages/popup.html");
    const said = await attemptAll(firefox, await sink.place("own"));
    await firefox.open(`${server.origin}/selection.html`);
    await attemptAll(firefox, await sink.place("ordinary"));
    const possible = ["beacon", "css", "eventsource", "fetch", "form", "iframe", "img", "script", "stylesheet", "websocket", "xhr"];
    await eventually(`${possible} to arrive, not only ${sink.arrived("ordinary")}`, () => possible.every((name) => sink.arrived("ordinary").includes(name)));
    assert.deepEqual(sink.arrived("own"), [], JSON.stringify(said));
  } finally {
    sink.close();
  }
});
