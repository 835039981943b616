// What a content script that a page took over may say to each door of the background, and what comes of it: nothing that another tab,
// site or document would notice.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../harness/browser.js";
import { contentScript } from "../harness/isolated.js";
import { FIXTURES } from "../harness/places.js";
import { takeOver } from "../harness/taken_over.js";

/** src/web/host/life.rs, CONNECTIONS_PER_TAB_MAX. */
const CONNECTIONS = 64;

const { server, sotto, page, taken, send, wasmBytes, close } = await takeOver();
after(close);

/**
 * @param {string} name
 * @param {number[]} more
 */
const bytesOf = (name, ...more) => [...readFileSync(join(FIXTURES, name)), ...more];
/** @param {{ answer: string, reason?: string }} reply */
const code = ({ answer, reason }) => (answer === "refused" ? reason : answer);
/** @param {object[]} messages */
const codes = async (messages) => {
  const said = [];
  for (const message of messages) said.push(code(await send({ id: "x", ...message })));
  return said;
};
/**
 * @param {number} n
 * @param {unknown} one
 */
const many = (n, one) => Array(n).fill(one);

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
    { ask: "why", towards: "positive", text: typeof value === "string" ? [value] : value, card: "card-0" },
    { ask: "why", towards: "positive", text: "A fine day.", card: typeof value === "string" ? [value] : value },
    { ask: "why", towards: value, text: "A fine day.", card: "card-0" },
    { ask: "textInPopup", text: typeof value === "string" ? [value] : value },
    { ask: "correct", of: value, word: value },
    { ask: "bring", what: value },
  ]);
  assert.deepEqual(await codes(asks), many(asks.length, "badRequest"));
  assert.equal((await sotto.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
});

test("on a site that is not protected nothing of protection is to be had", async () => {
  const wrong = [7, "yes", null, [[]], { text: 1 }].flatMap((value) => [{ ask: "loaded", addresses: value, soon: true, cameMs: 0 }, { ask: "seen", film: typeof value === "number" ? value : [value] }]);
  assert.deepEqual(await codes(wrong), many(wrong.length, "badRequest"));
  const picture = { width: 2, height: 2, data: new Uint8ClampedArray(16) };
  assert.deepEqual(
    await codes([{ ask: "loaded", addresses: [page.url()], soon: true, cameMs: 0 }, { ask: "seen", film: false, picture }, { ask: "frames" }, { ask: "bringCovers" }]),
    many(4, "offLimits"),
  );
  const { rule, sealed } = await send({ id: "x", ask: "protected", first: false });
  assert.deepEqual({ rule, sealed }, { rule: null, sealed: false });
  assert.deepEqual(await codes([{ ask: "coveredChanged" }, ...["protect", "keepSiteRule", "covered", "reveal", "setLock", "unlock", "lock"].map((ask) => ({ ask }))]), ["done", ...many(7, "badRequest")]);
});

test("upload and decide: a file too large to be looked at is not opened", async () => {
  const said = await taken.evaluate(async () => {
    const picture = new Blob(Array(101).fill(new Uint8Array(1024 * 1024)));
    /** @param {any} message */
    const ask = (message) => chrome.runtime.sendMessage({ id: "x", picture, ...message }).then(({ reason }) => reason);
    return [await ask({ ask: "upload" }), await ask({ ask: "decide", upload: true })];
  });
  assert.deepEqual(said, ["largePicture", "largePicture"]);
});

test("picture: pixels that are not what they say are refused, and cost nothing", async () => {
  const ask = () => taken.evaluate(async () => {
    const data = new Uint8ClampedArray(64);
    const pictures = [
      { width: 4, height: 4, data }, { width: 1000, height: 1000, data }, { width: 1e9, height: 1, data }, { width: 1, height: 1e300, data },
      { width: 4096, height: 4096, data }, { width: 0, height: 4, data }, { width: -4, height: 4, data }, { width: NaN, height: 4, data },
      { width: "4", height: 4, data }, { width: 4, height: 4, data: [...data] }, { width: 4, height: 4, data: data.buffer }, { width: 4, height: 4 }, {}, 7,
    ];
    const replies = [];
    for (const picture of pictures) replies.push(await chrome.runtime.sendMessage({ id: "x", ask: "picture", picture }));
    return replies.map(({ answer, reason }) => reason ?? answer);
  });
  assert.deepEqual(await ask(), ["picture", ...many(4, "unreadablePicture"), ...many(9, "badRequest")]);
  const before = await wasmBytes();
  for (let time = 0; time < 5; time += 1) await ask();
  assert.equal(await wasmBytes(), before);
});

test("decide: it decides for its own site alone", async () => {
  const file = bytesOf("false_alarm.png", 1);
  /** @param {ContentWorld} world */
  const upload = (world) => world.evaluate(async (/** @type {number[]} */ bytes) => {
    const picture = new Blob([new Uint8Array(bytes)]);
    const { course } = await chrome.runtime.sendMessage({ id: "x", ask: "upload", picture });
    return course;
  }, file);
  const decided = await taken.evaluate(async ([bytes, site]) => {
    const picture = new Blob([new Uint8Array(bytes)]);
    return chrome.runtime.sendMessage({ id: "x", ask: "decide", upload: true, site, picture });
  }, /** @type {const} */ ([file, server.otherOrigin]));
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
  const nJudged = said.filter((/** @type {unknown} */ one) => one === "upload").length;
  assert.equal(said.filter((/** @type {unknown} */ one) => one === "cancelled").length + nJudged, 40, said.join(" "));
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
  assert.ok(nLeft > 0 && nLeft <= CONNECTIONS, `${nLeft} connections stay open`);
  assert.equal(await wasmBytes(), before);
});

test("inView: places that are none, or too many, cost nothing", async () => {
  await page.bringToFront();
  /**
   * @param {Record<string, number | string>[]} spots
   * @param {number | string} viewWidth
   */
  const inView = (spots, viewWidth = 1280) => taken.evaluate(async ([given, width]) => {
    /** @type {Record<string, number | undefined>} */
    const numbers = { NaN, Infinity, "-Infinity": -Infinity };
    const spots = given.map((spot) => Object.fromEntries(Object.entries(spot).map(([name, value]) => [name, numbers[value] ?? value])));
    // Browsers allow two captures a second.
    await new Promise((resolve) => setTimeout(resolve, 600));
    return chrome.runtime.sendMessage({ id: "x", ask: "inView", spots, viewWidth: numbers[width] ?? width });
  }, /** @type {const} */ ([spots, viewWidth]));
  const spot = { x: 0, y: 0, width: 200, height: 100 };
  assert.equal(code(await inView(many(25, spot))), "badRequest");
  // What reaches beyond the view is cut there. This is the largest that is looked at, and takes what memory it needs.
  const huge = await inView([{ x: -1e12, y: -1e12, width: 1e300, height: 1e300 }, spot]);
  assert.deepEqual(huge.verdicts.map((/** @type {PictureVerdict} */ { width }) => width > 500), [true, false], JSON.stringify(huge));
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
  /** @param {object} parts */
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
    const asked = Array.from({ length: 12 }, (_, index) =>
      chrome.runtime.sendMessage({ id: `why/${index}`, ask: "why", towards: "positive", card: "card-0", text: "A fine day, a bad night and a good morning. ".repeat(40) }));
    return (await Promise.all(asked)).map(({ answer, reason }) => reason ?? answer);
  });
  // Some are done before the last have come.
  const nDone = said.filter((/** @type {unknown} */ one) => one === "done").length;
  assert.deepEqual(said.toSorted(), [...many(nDone, "done"), ...many(12 - nDone, "outOfMemory")]);
  assert.ok(nDone >= 2 && nDone <= 6, `${nDone} were explained`);
});

test("why: the words of a document that is gone are not told to the next", async () => {
  const first = await sotto.page(`${server.origin}/upload.html`);
  const gone = await contentScript(first, sotto.id);
  await gone.evaluate(() => void chrome.runtime.sendMessage({ id: "why", ask: "why", towards: "positive", card: "card-0", text: "A fine day and a bad night. ".repeat(100) }));
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
    /** @type {any} */ (globalThis).sottoScan = { counts: () => ({ found, judged: found }), verdictUnderCover: () => ({ model: found, classes: [] }) };
    chrome.runtime.onMessage.addListener((message, _sender, sendResponse) => void (message.sotto === "scan" && sendResponse(true)));
  });
  const worker = await sotto.worker();
  const tab = await worker.evaluate(async (url) => (await chrome.tabs.query({ url }))[0].id ?? -1, other.url());
  const before = await wasmBytes();
  const counts = await sotto.ask({ ask: "scan", tab, wish: "start" });
  assert.deepEqual([counts.answer, counts.found], ["scan", 0]);
  assert.equal((await theirs.evaluate(() => chrome.runtime.sendMessage({ id: "x", ask: "scanned" }))).answer, "done");
  await other.bringToFront();
  await sotto.checkImage(other, "#coffee");
  await sotto.says(other, /Nothing of this picture is in view/);
  assert.equal(await wasmBytes(), before);
  await other.close();
});

test("upload: a tab with many files does not keep another tab's waiting", async () => {
  const other = await sotto.page(`${server.otherOrigin}/upload.html`);
  const theirs = await contentScript(other, sotto.id);
  const file = bytesOf("false_alarm.png");
  await taken.evaluate((bytes) => {
    const picture = new Blob([new Uint8Array(bytes)]);
    /** When each was answered: to ask a tab how many are takes longer than some of them. */
    globalThis.answeredAt = [];
    for (let index = 0; index < 60; index += 1) {
      void chrome.runtime.sendMessage({ id: `much/${index}`, ask: "upload", picture }).then(() => globalThis.answeredAt.push(Date.now()));
    }
  }, file);
  const { said, at } = await theirs.evaluate(async (bytes) => {
    const said = await chrome.runtime.sendMessage({ id: "x", ask: "upload", picture: new Blob([new Uint8Array(bytes)]) });
    return { said, at: Date.now() };
  }, file);
  assert.equal(said.answer, "upload");
  await eventually("all of them", async () => (await taken.evaluate("answeredAt.length")) === 60);
  const nBefore = (await taken.evaluate("answeredAt")).filter((/** @type {number} */ ms) => ms <= at).length;
  assert.ok(nBefore <= 30, `${nBefore} of 60 came before it`);
  await other.close();
});

test("correct: what was judged in its own tab alone, and nothing that only a page of ours may do", async () => {
  const bytes = [...readFileSync(join(FIXTURES, "false_alarm.png"))];
  const other = await sotto.page(`${server.otherOrigin}/upload.html`);
  const theirs = await contentScript(other, sotto.id);
  /** @param {number[]} bytes */
  const upload = (bytes) => chrome.runtime.sendMessage({ id: "theirs", ask: "upload", picture: new Blob([new Uint8Array(bytes)]) });
  const { verdict } = await theirs.evaluate(upload, bytes);
  assert.equal(verdict.correctAs, "theirs");
  assert.equal(verdict.likeness, undefined);
  assert.deepEqual(await codes([
    { ask: "correct", of: "theirs", word: "wrong" }, { ask: "correct", of: "never", word: "wrong" },
    { ask: "corrections" }, { ask: "addCorrections", corrections: [] }, { ask: "removeCorrections", correction: null }, { ask: "useCorrections", on: false },
  ]), many(6, "badRequest"));
  assert.deepEqual((await sotto.ask({ ask: "corrections" })).kept, []);
  const said = await theirs.evaluate(() => chrome.runtime.sendMessage({ id: "x", ask: "correct", of: "theirs", word: "wrong" }));
  assert.equal(said.said, "fine");
  assert.equal(code(await theirs.evaluate(() => chrome.runtime.sendMessage({ id: "x", ask: "correct", of: "theirs", word: "neutral" }))), "badRequest");
  await sotto.ask({ ask: "removeCorrections", correction: null });
  await other.close();
});

test("allowHere, watched, bring: its own site and frame alone", async () => {
  assert.deepEqual(await codes([{ ask: "watched", site: "https://elsewhere.example" }, { ask: "bring", what: "why", tab: 1, frame: 1 }]), ["done", "done"]);
  assert.deepEqual(await codes([{ ask: "allowHere" }, { ask: "watched" }]), ["done", "offLimits"]);
  const other = await sotto.page(`${server.otherOrigin}/upload.html`);
  const theirs = await contentScript(other, sotto.id);
  assert.equal(code(await theirs.evaluate(() => chrome.runtime.sendMessage({ id: "x", ask: "watched" }))), "done");
  await other.close();
});
