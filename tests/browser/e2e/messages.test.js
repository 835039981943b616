// Who may say what to the background: a page nothing, another extension nothing, and a content script that a page took over
// no more than to have a picture or text of its own judged. Its quota keeps it from the others' turn, its length limit from memory.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { editFile, eventually } from "../harness/browser.js";
import { contentScript } from "../harness/isolated.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

/** src/web/host.rs, WAITING_PER_TAB_MAX. */
const QUOTA = 64;
/** Small enough that the whole quota is judged in seconds. */
const SIDE = 32;

let server;
let sotto;
let page;
let taken;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  // What the browser says of a sender can't be forged in a test, so here the background can be asked with any sender.
  const asked = "\nself.answerAs = (message, sender) => inEngine((host) => host.answer(message, sender));\n";
  sotto = await startSotto({ hostPermissions: true, edit: (folder) => editFile(folder, "background.js", (text) => text + asked) });
  // The guard's scripts are the only ones that speak to the background of their own accord.
  await watchSites();
  page = await sotto.page(`${server.origin}/upload.html`);
  taken = await contentScript(page, sotto.id);
});

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

async function watchSites() {
  for (const origin of [server.origin, server.otherOrigin]) {
    const reply = await sotto.ask({ ask: "guard", site: origin.replace(/:\d+$/, ""), on: true });
    assert.equal(reply.answer, "done", JSON.stringify(reply));
  }
}

const send = (message) => taken.evaluate((request) => chrome.runtime.sendMessage(request), message);
const wasmBytes = async () => (await sotto.ask({ ask: "status" })).memory.wasmBytes;

describe("a page", () => {
  test("has no way to send to the extension", async () => {
    const said = await page.evaluate(async (id) => {
      if (!globalThis.chrome?.runtime?.sendMessage) return "nothing to send with";
      return chrome.runtime.sendMessage(id, { id: "1", ask: "status" }).then(() => "answered", () => "refused");
    }, sotto.id);
    assert.match(said, /nothing to send with|refused/);
  });

  test("can load nothing of the package, so it can't even tell that it is there", async () => {
    const loaded = await page.evaluate(async (base) => {
      const settled = (element) => new Promise((resolve) => {
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        document.body.append(element);
      });
      return {
        fetch: await fetch(`${base}manifest.json`).then(() => "loaded", () => "refused"),
        img: await settled(Object.assign(new Image(), { src: `${base}icons/sotto-16.png` })),
        script: await settled(Object.assign(document.createElement("script"), { src: `${base}content/surface.js` })),
        missing: await settled(Object.assign(new Image(), { src: `${base}no-such-file.png` })),
      };
    }, sotto.url(""));
    assert.deepEqual(loaded, { fetch: "refused", img: "refused", script: "refused", missing: "refused" });
  });
});

test("another extension gets no answer and no connection", async () => {
  const observer = await sotto.worker(sotto.observerId);
  const said = await observer.evaluate(async (id) => {
    const message = await chrome.runtime.sendMessage(id, { id: "1", ask: "status" }).then(JSON.stringify, (error) => error.message);
    const port = chrome.runtime.connect(id, { name: "page" });
    const connection = await new Promise((resolve) => port.onDisconnect.addListener(() => resolve("closed")));
    return { message, connection };
  }, sotto.id);
  assert.match(said.message, /Receiving end does not exist/);
  assert.equal(said.connection, "closed");
});

test("a sender's parts must fit together", async () => {
  const worker = await sotto.worker();
  const answerTo = (sender) => worker.evaluate((given) => self.answerAs({ id: "x", ask: "status" }, given), sender);
  const ownPage = { id: sotto.id, url: sotto.url("pages/popup.html"), origin: sotto.url("").replace(/\/$/, "") };
  const frame = { id: sotto.id, url: `${server.origin}/upload.html`, origin: server.origin, frameId: 0, tab: { id: 1 } };
  assert.equal((await answerTo(ownPage)).answer, "status");
  for (const [what, sender] of Object.entries({
    "another extension": { ...ownPage, id: sotto.observerId },
    "nobody": { ...ownPage, id: undefined },
    "our address with a page's origin": { ...ownPage, origin: server.origin },
    "our address without an origin": { ...ownPage, origin: undefined },
    "our origin with a page's address": { ...frame, origin: ownPage.origin },
    "a frame of no tab": { ...frame, tab: undefined },
    "a tab without a frame": { ...frame, frameId: undefined },
    "a page's frame, which may not ask for this": frame,
  })) {
    const { answer, reason } = await answerTo(sender);
    assert.deepEqual([answer, reason], ["refused", "badRequest"], what);
  }
});

describe("a content script that was taken over", () => {
  test("may ask for nothing but verdicts and their causes", async () => {
    const asks = [
      { ask: "text", text: "What a wonderful evening." },
      { ask: "status" },
      { ask: "settings" },
      { ask: "load", model: "sentiment" },
      { ask: "unload", model: "nsfw" },
      { ask: "forget", model: "nsfw" },
      { ask: "check", model: "nsfw" },
      { ask: "showResults", place: "popup" },
      { ask: "guard", site: "https://example.com", on: true },
      { ask: "guard", on: true },
      { ask: "nonsense" },
      {},
    ];
    for (const ask of asks) {
      const reply = await send({ id: "x", ...ask });
      assert.deepEqual([reply.answer, reply.reason, reply.id], ["refused", "badRequest", "x"], JSON.stringify({ ask, reply }));
    }
  });

  test("can't name an address to be loaded", async () => {
    const nRequests = server.requests.length;
    for (const picture of [`${server.origin}/pictures/coffee.png`, { src: `${server.origin}/pictures/coffee.png` }, null, 7]) {
      const reply = await send({ id: "x", ask: "picture", picture });
      assert.deepEqual([reply.answer, reply.reason], ["refused", "badRequest"], JSON.stringify(reply));
    }
    assert.equal(server.requests.length, nRequests);
  });

  test("speaks for its own site alone", async () => {
    const reply = await send({ id: "x", ask: "allowHere", site: "https://elsewhere.example" });
    const { allowedSites, guardSites } = await sotto.ask({ ask: "settings" });
    assert.doesNotMatch(JSON.stringify([allowedSites, guardSites]), /elsewhere/, JSON.stringify(reply));
  });

  test("can read neither settings nor what waits for the popup", async () => {
    await sotto.ask({ ask: "status" });
    const read = await taken.evaluate(async () => {
      const areas = {};
      for (const area of ["local", "session"]) {
        areas[area] = await Promise.resolve().then(() => chrome.storage[area].get(null)).then(JSON.stringify, () => "refused");
      }
      return areas;
    });
    assert.deepEqual(read, { local: "refused", session: "refused" });
    assert.match(JSON.stringify(await sotto.ask({ ask: "settings" })), /guardSites/, "our own pages still read them");
  });

  test("hears nothing of what others ask", async () => {
    await taken.evaluate(() => {
      globalThis.heard = [];
      chrome.runtime.onMessage.addListener((message) => void globalThis.heard.push(message));
      globalThis.port = chrome.runtime.connect({ name: "page" });
      globalThis.port.onMessage.addListener((message) => void globalThis.heard.push(message));
    });
    const other = await sotto.page(`${server.origin.replace("127.0.0.1", "localhost")}/selection.html`);
    await sotto.classifySelection(other, "#praise");
    await sotto.says(other, /Positive \d+\s?%/);
    await other.close();
    const reply = await sotto.ask({ ask: "text", text: "What a dreadful evening." });
    assert.equal(reply.sentiment, "negative");
    assert.deepEqual(await taken.evaluate(() => globalThis.heard), []);
  });

  test("can't fill the memory with what it sends", async () => {
    const reply = await judgePicture();
    assert.equal(reply.answer, "picture", JSON.stringify(reply));
    const before = await wasmBytes();
    const answers = await taken.evaluate(async (side) => {
      const long = "x".repeat(20_000_000);
      const picture = new ImageData(side, side);
      const messages = [
        { id: long, ask: "picture", picture },
        { id: "x", ask: "picture", name: long, picture },
        { id: "x", ask: long },
        { id: "x", ask: "picture", name: new Uint8Array(20_000_000), picture },
        { id: "x", ask: "picture", more: Array(100_000).fill("x"), picture },
        { id: "x", ask: "picture", more: [[[[[[["x"]]]]]]], picture },
        { id: "x", ask: "picture", more: { [long]: 1 }, picture },
        { id: "x", ask: "picture", more: new Map([[long, long]]), picture },
        { id: "x", ask: "why", card: "card-0", text: long },
        { id: "x", ask: "textInPopup", text: long },
      ];
      const replies = [];
      for (const message of messages) replies.push(await chrome.runtime.sendMessage(message));
      return replies.map(({ answer, reason }) => `${answer} ${reason}`);
    }, SIDE);
    assert.deepEqual(new Set(answers), new Set(["refused badRequest"]));
    assert.equal(answers.length, 10);
    assert.equal(await wasmBytes(), before);
  });

  test("can't keep others from their turn", async () => {
    const nAsked = 4 * QUOTA;
    await taken.evaluate((n, side) => {
      globalThis.flood = [];
      for (let index = 0; index < n; index += 1) {
        const message = { id: `flood-${index}`, ask: "picture", picture: new ImageData(side, side) };
        chrome.runtime.sendMessage(message).then((reply) => globalThis.flood.push(reply), (error) => globalThis.flood.push({ answer: error.message }));
      }
    }, nAsked, SIDE);
    const reply = await sotto.ask({ ask: "text", text: "What a wonderful evening." });
    assert.equal(reply.sentiment, "positive", JSON.stringify(reply));
    const replies = await eventually("every one of the flood to be answered", async () => {
      const all = await taken.evaluate(() => globalThis.flood);
      return all.length === nAsked && all;
    });
    const nJudged = replies.filter(({ answer }) => answer === "picture").length;
    const nRefused = replies.filter(({ reason }) => reason === "outOfMemory").length;
    assert.equal(new Set(replies.map(({ id }) => id)).size, nAsked, "each by its own id");
    assert.equal(nJudged + nRefused, nAsked, JSON.stringify(replies.find(({ answer, reason }) => answer !== "picture" && reason !== "outOfMemory")));
    assert.ok(nJudged >= QUOTA && nRefused > 0, `${nJudged} judged, ${nRefused} refused`);
    assert.equal((await judgePicture()).answer, "picture", "and afterwards it is served again");
  });
});

describe("what a content script that was taken over says to", () => {
  const code = ({ answer, reason }) => (answer === "refused" ? reason : answer);
  const codes = async (messages) => {
    const said = [];
    for (const message of messages) said.push(code(await send({ id: "x", ...message })));
    return said;
  };
  const many = (n, one) => Array(n).fill(one);

  // Its site was allowed above.
  before(watchSites);

  test("every door is read by its type", async () => {
    const wrong = [7, "yes", null, [], {}, [[]], { text: 1 }];
    const asks = wrong.flatMap((value) => [
      { ask: "upload", name: { of: value }, picture: value },
      { ask: "upload", picture: value },
      { ask: "decide", upload: value, picture: value },
      { ask: "decide", upload: true, picture: value },
      { ask: "picture", urgency: "now", picture: value },
      { ask: "inView", spots: value, viewWidth: "wide" },
      { ask: "inView", spots: [value], viewWidth: 100 },
      { ask: "cancel", request: typeof value === "string" ? { of: value } : value },
      { ask: "why", text: typeof value === "string" ? [value] : value, card: "card-0" },
      { ask: "why", text: "A fine day.", card: typeof value === "string" ? [value] : value },
      { ask: "textInPopup", text: typeof value === "string" ? [value] : value },
    ]);
    assert.deepEqual(await codes(asks), many(asks.length, "badRequest"));
    assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
  });

  test("upload and decide: a file too large to be looked at is not opened", async () => {
    const said = await taken.evaluate(async () => {
      const picture = new Blob(Array(101).fill(new Uint8Array(1024 * 1024)));
      const ask = (message) => chrome.runtime.sendMessage({ id: "x", picture, ...message }).then(({ reason }) => reason);
      return [await ask({ ask: "upload" }), await ask({ ask: "decide", upload: true })];
    });
    assert.deepEqual(said, ["unreadablePicture", "unreadablePicture"]);
  });

  test("decide: it decides for its own site alone", async () => {
    const file = bytesOf("false_alarm.png", 1);
    const upload = (world) => world.evaluate(async (bytes) => {
      const picture = new Blob([new Uint8Array(bytes)]);
      const { course } = await chrome.runtime.sendMessage({ id: "x", ask: "upload", picture });
      return course;
    }, file);
    const decided = await taken.evaluate(async ([bytes, site]) => {
      const picture = new Blob([new Uint8Array(bytes)]);
      return chrome.runtime.sendMessage({ id: "x", ask: "decide", upload: true, site, picture });
    }, [file, server.otherOrigin]);
    assert.equal(decided.answer, "done", JSON.stringify(decided));
    assert.equal(await upload(taken), "pass");
    const other = await sotto.page(`${server.otherOrigin}/upload.html`);
    assert.equal(await upload(await contentScript(other, sotto.id)), "ask");
    await other.close();
  });

  test("cancel, and connections: they reach no other tab's requests", async () => {
    const other = await sotto.page(`${server.otherOrigin}/upload.html`);
    const theirs = await contentScript(other, sotto.id);
    await theirs.evaluate(async (bytes) => {
      const picture = new Blob([new Uint8Array(bytes)]);
      globalThis.said = Array.from({ length: 20 }, (_, index) => chrome.runtime.sendMessage({ id: `theirs/${index}`, ask: "upload", picture }));
    }, bytesOf("false_alarm.png"));
    await taken.evaluate(async () => {
      for (let index = 0; index < 20; index += 1) await chrome.runtime.sendMessage({ id: "x", ask: "cancel", request: `theirs/${index}` });
      chrome.runtime.connect({ name: "theirs" }).disconnect();
      chrome.runtime.connect({ name: "" }).disconnect();
    });
    const said = await theirs.evaluate(async () => (await Promise.all(globalThis.said)).map(({ answer }) => answer));
    assert.deepEqual(said, many(20, "upload"));
    await other.close();
  });

  test("connections: one that closes gives up what is waiting for its turn, too", async () => {
    const said = await taken.evaluate(async (bytes) => {
      const picture = new Blob([new Uint8Array(bytes)]);
      const asked = Array.from({ length: 40 }, (_, index) => chrome.runtime.sendMessage({ id: `mine/${index}`, ask: "upload", picture }));
      chrome.runtime.connect({ name: "mine" }).disconnect();
      return (await Promise.all(asked)).map(({ answer, reason }) => reason ?? answer);
    }, bytesOf("false_alarm.png"));
    const nJudged = said.filter((one) => one === "upload").length;
    assert.equal(said.filter((one) => one === "cancelled").length + nJudged, 40, said.join(" "));
    assert.ok(nJudged <= 8, `${nJudged} were judged`);
  });

  test("connections: neither their names nor their number fill the memory", async () => {
    const before = await wasmBytes();
    const nLeft = await taken.evaluate(async () => {
      const ports = [chrome.runtime.connect({ name: "x".repeat(20_000_000) })];
      while (ports.length < 500) ports.push(chrome.runtime.connect({ name: "x".repeat(200) }));
      let nOpen = ports.length;
      for (const port of ports) port.onDisconnect.addListener(() => (nOpen -= 1));
      await chrome.runtime.sendMessage({ id: "x", ask: "cancel", request: "none" });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const nLeft = nOpen;
      for (const port of ports) port.disconnect();
      return nLeft;
    });
    assert.ok(nLeft > 0 && nLeft <= QUOTA, `${nLeft} connections stay open`);
    assert.equal(await wasmBytes(), before);
  });

  test("inView: places that are none, or too many, cost nothing", async () => {
    await page.bringToFront();
    const inView = (spots, viewWidth = 1280) => taken.evaluate(async ([given, width]) => {
      const numbers = { NaN, Infinity, "-Infinity": -Infinity };
      const spots = given.map((spot) => Object.fromEntries(Object.entries(spot).map(([name, value]) => [name, numbers[value] ?? value])));
      // Browsers allow two captures a second.
      await new Promise((resolve) => setTimeout(resolve, 600));
      return chrome.runtime.sendMessage({ id: "x", ask: "inView", spots, viewWidth: numbers[width] ?? width });
    }, [spots, viewWidth]);
    const spot = { x: 0, y: 0, width: 200, height: 100 };
    assert.equal(code(await inView(many(25, spot))), "badRequest");
    // What reaches beyond the view is cut there. This is the largest that is looked at, and takes what memory it needs.
    const huge = await inView([{ x: -1e12, y: -1e12, width: 1e300, height: 1e300 }, spot]);
    assert.deepEqual(huge.verdicts.map(({ width }) => width > 500), [true, false], JSON.stringify(huge));
    const before = await wasmBytes();
    const none = [
      { ...spot, width: "NaN" }, { ...spot, x: "Infinity" }, { ...spot, y: "-Infinity" }, { ...spot, width: 0 }, { ...spot, height: -5 },
      { ...spot, x: 1e9 }, { ...spot, y: -1e9 },
    ];
    const said = await inView(none);
    assert.deepEqual([said.answer, said.verdicts], ["inView", many(none.length, null)]);
    for (const viewWidth of ["NaN", "Infinity", 0, -1, 1e-300]) assert.equal((await inView([spot], viewWidth)).answer, "inView", `${viewWidth}`);
    assert.equal(await wasmBytes(), before);
  });

  test("inView: another tab's view is not looked at", async () => {
    const front = await sotto.page(`${server.otherOrigin}/selection.html`);
    await front.bringToFront();
    const asked = { id: "x", ask: "inView", spots: [{ x: 0, y: 0, width: 200, height: 100 }], viewWidth: 1280 };
    assert.equal(code(await send(asked)), "offLimits");
    // The tab was in view when the message was sent, says the browser; or another document of it is.
    const worker = await sotto.worker();
    const sender = await worker.evaluate(async (url) => {
      const [tab] = await chrome.tabs.query({ url });
      return { url, origin: new URL(url).origin, frameId: 0, tab: { ...tab, active: true } };
    }, page.url());
    const answer = (parts) => worker.evaluate(([message, given]) => self.answerAs(message, given), [asked, { id: sotto.id, ...sender, ...parts }]);
    assert.equal(code(await answer({})), "offLimits");
    await front.close();
    await page.bringToFront();
    for (const documentLifecycle of ["prerender", "cached", "pending_deletion"]) assert.equal(code(await answer({ documentLifecycle })), "offLimits");
    await eventually("the browser to allow a capture", async () => code(await answer({ documentLifecycle: "active" })) === "inView");
  });

  test("scanned: it starts no scan", async () => {
    assert.equal(code(await send({ id: "x", ask: "scanned" })), "offLimits");
    assert.equal(await taken.evaluate("typeof sottoScan"), "undefined");
  });

  test("textInPopup: no card, no popup", async () => {
    const open = async () => (await sotto.cdp.send("Target.getTargets", { filter: [{}] })).targetInfos.filter(({ url }) => url === sotto.url("pages/popup.html")).length;
    assert.deepEqual(await codes(many(3, { ask: "textInPopup", text: "What a wonderful evening." })), many(3, "offLimits"));
    assert.equal(await open(), 0);
  });

  test("why, as urgent as a person: not more than two at once", async () => {
    const said = await taken.evaluate(async () => {
      const asked = Array.from({ length: 30 }, (_, index) =>
        chrome.runtime.sendMessage({ id: `why/${index}`, ask: "why", card: "card-0", text: "A fine day, a bad night and a good morning. ".repeat(200) }));
      return (await Promise.all(asked)).map(({ answer, reason }) => reason ?? answer);
    });
    // Some are done before the last have come.
    const nDone = said.filter((one) => one === "done").length;
    assert.deepEqual(said.toSorted(), [...many(nDone, "done"), ...many(30 - nDone, "outOfMemory")]);
    assert.ok(nDone >= 2 && nDone <= 15, `${nDone} were explained`);
  });

  test("why: the words of a document that is gone are not told to the next", async () => {
    const first = await sotto.page(`${server.origin}/upload.html`);
    const gone = await contentScript(first, sotto.id);
    await gone.evaluate(() => void chrome.runtime.sendMessage({ id: "why", ask: "why", card: "card-0", text: "A fine day and a bad night. ".repeat(400) }));
    await first.goto(`${server.origin}/selection.html`);
    const next = await contentScript(first, sotto.id);
    await next.evaluate(() => {
      globalThis.heard = [];
      chrome.runtime.onMessage.addListener((message) => void globalThis.heard.push(message));
    });
    // As urgent, and asked later: once it is answered, so is the other.
    assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
    assert.deepEqual(await next.evaluate(() => globalThis.heard), []);
    await first.close();
  });

  test("the background when it asks: long answers are not heard", async () => {
    const other = await sotto.page(`${server.otherOrigin}/scan.html?from=${server.otherOrigin}`);
    const theirs = await contentScript(other, sotto.id);
    await theirs.evaluate(() => {
      const found = "x".repeat(20_000_000);
      globalThis.sottoScan = { counts: () => ({ found, judged: found }), verdictUnderCover: () => ({ model: found, classes: [] }) };
      chrome.runtime.onMessage.addListener((message, sender, sendResponse) => message.sotto === "scan" && sendResponse(true));
    });
    const worker = await sotto.worker();
    const tab = await worker.evaluate(async (url) => (await chrome.tabs.query({ url }))[0].id, other.url());
    const before = await wasmBytes();
    const counts = await sotto.ask({ ask: "scan", tab, wish: "start" });
    assert.deepEqual([counts.answer, counts.found], ["scan", 0]);
    assert.equal((await theirs.evaluate(() => chrome.runtime.sendMessage({ id: "x", ask: "scanned" }))).answer, "done");
    await other.bringToFront();
    await sotto.checkImage(other, "#coffee");
    await sotto.says(other, /don.t let extensions read this/);
    assert.equal(await wasmBytes(), before);
    await other.close();
  });

  test("upload: a tab with many files does not keep another tab's waiting", async () => {
    const other = await sotto.page(`${server.otherOrigin}/upload.html`);
    const theirs = await contentScript(other, sotto.id);
    const file = bytesOf("false_alarm.png");
    await taken.evaluate((bytes) => {
      const picture = new Blob([new Uint8Array(bytes)]);
      globalThis.nAnswered = 0;
      for (let index = 0; index < 60; index += 1) {
        void chrome.runtime.sendMessage({ id: `much/${index}`, ask: "upload", picture }).then(() => (globalThis.nAnswered += 1));
      }
    }, file);
    const said = await theirs.evaluate((bytes) => chrome.runtime.sendMessage({ id: "x", ask: "upload", picture: new Blob([new Uint8Array(bytes)]) }), file);
    const nAnswered = await taken.evaluate("nAnswered");
    assert.equal(said.answer, "upload");
    assert.ok(nAnswered <= 30, `${nAnswered} of 60 came before it`);
    await eventually("all of them", async () => (await taken.evaluate("nAnswered")) === 60);
    await other.close();
  });

  test("allowHere, watched, bringWhy: its own site and frame alone", async () => {
    assert.deepEqual(await codes([{ ask: "watched", site: "https://elsewhere.example" }, { ask: "bringWhy", tab: 1, frame: 1 }]), ["done", "done"]);
    assert.deepEqual(await codes([{ ask: "allowHere" }, { ask: "watched" }]), ["done", "offLimits"]);
    const other = await sotto.page(`${server.otherOrigin}/upload.html`);
    const theirs = await contentScript(other, sotto.id);
    assert.equal(code(await theirs.evaluate(() => chrome.runtime.sendMessage({ id: "x", ask: "watched" }))), "done");
    await other.close();
  });
});

const bytesOf = (name, ...more) => [...readFileSync(join(FIXTURES, name)), ...more];
const judgePicture = () => taken.evaluate(
  (side) => chrome.runtime.sendMessage({ id: "one", ask: "picture", picture: new ImageData(side, side) }), SIDE);
