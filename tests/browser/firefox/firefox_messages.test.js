// Who may say what to the background in Firefox: a page nothing, another extension nothing, and a content script that a page took over
// no more than in Chromium. The browser makes senders, connections and their ends in its own way; what is read of them is e2e/taken_over.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { editFile, eventually } from "../harness/browser.js";
import { startFirefox } from "../harness/firefox.js";
import { ASKS_OF_PAGES, forgedSenders } from "../harness/forged.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";

/** src/web/host/life.rs, WAITING_PER_TAB_MAX and CONNECTIONS_PER_TAB_MAX. */
const [QUOTA, CONNECTIONS] = [64, 64];
/** src/web/host/waiting.rs, AT_WORK_PER_TAB_MAX. */
const AT_WORK = 4;
/** Small enough that the whole quota is judged in seconds. */
const SIDE = 32;

/** @type {Fixtures} */
let server;
/** @type {Firefox} */
let firefox;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  // The background can also be asked with any sender, which no test could forge otherwise.
  const asked = "\nself.answerAs = (message, sender) => inEngine((host) => host.answer(message, sender));\n";
  firefox = await startFirefox({ edit: (folder) => editFile(folder, "background.js", (text) => text + asked) });
  await firefox.guardEverywhere();
  await open("upload.html");
  await eventually("pages to be told", async () => (await firefox.nScriptsKnown()) === 2);
  await open("upload.html");
});
after(async () => {
  await firefox?.close();
  await server?.close();
});

/** @param {string} path */
const open = (path) => firefox.open(`${server.origin}/${path}`);
const IN_FRONT = {};
/**
 * @template {unknown[]} Given
 * @param {(...given: Given) => unknown} work
 * @param {Given} given
 */
const taken = (work, ...given) => firefox.inContentScript(IN_FRONT, work, ...given);
/**
 * Whatever a script of the page's may say, in the protocol or not.
 * @param {unknown} message
 */
const send = (message) => taken((request) => chrome.runtime.sendMessage(request), message);
/** @param {{ answer: string, reason?: string }} reply */
const code = ({ answer, reason }) => (answer === "refused" ? reason : answer);
/** @param {object[]} messages */
const codes = (messages) => taken(async (asks) => {
  const said = [];
  for (const ask of asks) said.push(await chrome.runtime.sendMessage({ id: "x", ...ask }));
  return said.map(({ answer, reason }) => (answer === "refused" ? reason : answer));
}, messages);
/**
 * @param {number} n
 * @param {unknown} one
 */
const many = (n, one) => Array(n).fill(one);
const wasmBytes = async () => (await firefox.ask({ ask: "status" })).memory.wasmBytes;
/**
 * @param {string} name
 * @param {number[]} more
 */
const bytesOf = (name, ...more) => [...readFileSync(join(FIXTURES, name)), ...more];
const OTHER = { url: "*://localhost/*" };
/** @param {() => Promise<unknown>} work */
const withOther = (work) => firefox.inNewTab(`${server.otherOrigin}/upload.html`, work);
const judgePicture = () => taken((side) => chrome.runtime.sendMessage({ id: "one", ask: "picture", picture: new ImageData(side, side) }), SIDE);

describe("a page", () => {
  test("has no way to send to the extension", async () => {
    assert.equal(await firefox.inPage(() => [typeof globalThis.chrome, typeof (/** @type {any} */ (globalThis).browser)].join()), "undefined,undefined");
  });

  test("can load nothing of the package, so it can't even tell that it is there", async () => {
    const loaded = await firefox.inPage(async (base) => {
      /** @param {any} element */
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
    }, firefox.origin);
    assert.deepEqual(loaded, { fetch: "refused", img: "refused", script: "refused", missing: "refused" });
  });
});

test("a sender's parts must fit together", async () => {
  /**
   * The background's own objects, as the browser makes them for it.
   * @param {object} sender
   */
  const answerTo = (sender) => firefox.withBackground((background, given) =>
    background.answerAs(...background.JSON.parse(given)), JSON.stringify([{ id: "x", ask: "status" }, sender]));
  const id = await firefox.inOwnPage(() => chrome.runtime.id);
  const ownPage = { id, url: `${firefox.origin}pages/popup.html`, origin: firefox.origin.replace(/\/$/, "") };
  const frame = { id, url: `${server.origin}/upload.html`, origin: server.origin, frameId: 0, tab: { id: 1 } };
  const own = await answerTo(ownPage);
  assert.equal(own.answer, "status", JSON.stringify(own));
  for (const [what, sender] of Object.entries(forgedSenders(ownPage, frame, "other@other.invalid"))) {
    const { answer, reason } = await answerTo(sender);
    assert.deepEqual([answer, reason], ["refused", "badRequest"], what);
  }
});

describe("a content script that was taken over", () => {
  test("may ask for nothing but verdicts and their causes", async () => {
    assert.deepEqual(await codes(ASKS_OF_PAGES), many(ASKS_OF_PAGES.length, "badRequest"));
  });

  test("is read by its types at every door", async () => {
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
      { ask: "why", towards: value, text: "A fine day.", card: "card-0" },
      { ask: "textInPopup", text: typeof value === "string" ? [value] : value },
    ]);
    assert.deepEqual(await codes(asks), many(asks.length, "badRequest"));
    assert.equal((await firefox.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
  });

  test("has nothing of protection on a site that is not protected", async () => {
    assert.deepEqual(
      await codes([{ ask: "loaded", addresses: [server.origin], soon: true, cameMs: 0 }, { ask: "frames" }, { ask: "bringCovers" }]), many(3, "offLimits"));
    const { rule, sealed } = await send({ id: "x", ask: "protected", first: false });
    assert.deepEqual({ rule, sealed }, { rule: null, sealed: false });
    assert.deepEqual(await codes(["protect", "keepSiteRule", "covered", "reveal", "setLock", "unlock", "lock"].map((ask) => ({ ask }))), many(7, "badRequest"));
  });

  test("can't name an address to be loaded", async () => {
    const nRequests = server.requests.length;
    const picture = `${server.origin}/pictures/coffee.png`;
    assert.deepEqual(await codes([picture, { src: picture }, null, 7].map((picture) => ({ ask: "picture", picture }))), many(4, "badRequest"));
    assert.equal(server.requests.length, nRequests);
  });

  test("speaks for its own site alone", async () => {
    const reply = await send({ id: "x", ask: "allowHere", site: "https://elsewhere.example" });
    const { allowedSites, guardSites } = await firefox.ask({ ask: "settings" });
    assert.doesNotMatch(JSON.stringify([allowedSites, guardSites]), /elsewhere/, JSON.stringify(reply));
  });

  test("can't read what waits for the popup", async () => {
    assert.equal(await taken(() => Promise.resolve().then(() => chrome.storage.session.get()).then(JSON.stringify, () => "refused")), "refused");
  });

  test("hears nothing of what others ask", async () => {
    await open("upload.html");
    await taken(() => {
      globalThis.heard = [];
      chrome.runtime.onMessage.addListener((message) => void globalThis.heard.push(message));
      globalThis.port = chrome.runtime.connect({ name: "page" });
      globalThis.port.onMessage.addListener((/** @type {any} */ message) => void globalThis.heard.push(message));
    });
    await firefox.inNewTab(`${server.otherOrigin}/selection.html`, async () => {
      await firefox.inPage(() => getSelection()?.selectAllChildren(document.querySelector("#praise")));
      await firefox.chooseInMenu("#praise", "Classify selection with Sotto");
      await firefox.says(/Positive\s*\d+\s?%/);
    });
    assert.equal((await firefox.ask({ ask: "text", text: "What a dreadful evening." })).sentiment, "negative");
    assert.deepEqual(await taken(() => globalThis.heard), []);
  });

  test("can't fill the memory with what it sends", async () => {
    const reply = await judgePicture();
    assert.equal(reply.answer, "picture", JSON.stringify(reply));
    const before = await wasmBytes();
    const answers = await taken(async (side) => {
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
        { id: "x", ask: "why", towards: "positive", card: "card-0", text: long },
        { id: "x", ask: "textInPopup", text: long },
      ];
      const replies = [];
      for (const message of messages) replies.push(await chrome.runtime.sendMessage(message));
      return replies.map(({ answer, reason }) => `${answer} ${reason}`);
    }, SIDE);
    assert.deepEqual(answers, many(10, "refused badRequest"));
    assert.equal(await wasmBytes(), before);
  });

  test("has a few of its pictures opened at once, however many it sends", async () => {
    await firefox.withBackground((background) => {
      const open = background.createImageBitmap;
      let nOpen = 0;
      background.mostOpen = 0;
      background.createImageBitmap = async (/** @type {any[]} */ ...given) => {
        background.mostOpen = Math.max(background.mostOpen, (nOpen += 1));
        // As long as a large one takes.
        await new Promise((resolve) => background.setTimeout(resolve, 20));
        return open.apply(background, given).finally(() => (nOpen -= 1));
      };
      background.openAsBefore = () => (background.createImageBitmap = open);
    });
    const answers = await taken(async (bytes, n) => {
      /** @param {number} index */
      const ask = (index) => chrome.runtime.sendMessage({ id: `many-${index}`, ask: "upload", picture: new Blob([new Uint8Array(bytes), `${index}`]) });
      return (await Promise.all(Array.from({ length: n }, (_, index) => ask(index)))).map(({ answer }) => answer);
    }, [...readFileSync(join(PICTURES, "coffee.png"))], QUOTA / 2);
    const mostOpen = await firefox.withBackground((background) => (background.openAsBefore(), background.mostOpen));
    assert.deepEqual(answers, many(QUOTA / 2, "upload"));
    assert.equal(mostOpen, AT_WORK);
  });

  test("can't keep others from their turn", async () => {
    const nAsked = 4 * QUOTA;
    await taken((n, side) => {
      globalThis.flood = [];
      for (let index = 0; index < n; index += 1) {
        const message = { id: `flood-${index}`, ask: "picture", picture: new ImageData(side, side) };
        chrome.runtime.sendMessage(message).then((reply) => globalThis.flood.push(reply), (error) => globalThis.flood.push({ answer: error.message }));
      }
    }, nAsked, SIDE);
    assert.equal((await firefox.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
    const replies = await eventually("every one of the flood to be answered", async () => {
      /** @type {{ id: string, answer: string, reason?: Reason }[]} */
      const all = await taken(() => globalThis.flood);
      return all.length === nAsked && all;
    }, 60_000);
    const nJudged = replies.filter(({ answer }) => answer === "picture").length;
    const nRefused = replies.filter(({ reason }) => reason === "outOfMemory").length;
    assert.equal(new Set(replies.map(({ id }) => id)).size, nAsked, "each by its own id");
    assert.equal(nJudged + nRefused, nAsked);
    assert.ok(nJudged >= QUOTA && nRefused > 0, `${nJudged} judged, ${nRefused} refused`);
    assert.equal((await judgePicture()).answer, "picture", "and afterwards it is served again");
  });

  test("has nothing judged that is no picture, or that is not what it says", async () => {
    const said = await taken(async () => {
      const data = new Uint8ClampedArray(64);
      const pictures = [
        { width: 4, height: 4, data }, { width: 1000, height: 1000, data }, { width: 1e9, height: 1, data }, { width: 1, height: 1e300, data },
        { width: 4096, height: 4096, data }, { width: 0, height: 4, data }, { width: -4, height: 4, data }, { width: NaN, height: 4, data },
        { width: "4", height: 4, data }, { width: 4, height: 4, data: [...data] }, { width: 4, height: 4, data: data.buffer }, { width: 4, height: 4 }, {}, 7,
      ];
      const replies = [];
      for (const picture of pictures) replies.push(await chrome.runtime.sendMessage({ id: "x", ask: "picture", picture }));
      const large = new Blob(Array(101).fill(new Uint8Array(1024 * 1024)));
      for (const ask of ["upload", "decide"]) replies.push(await chrome.runtime.sendMessage({ id: "x", ask, upload: true, picture: large }));
      return replies.map(({ answer, reason }) => reason ?? answer);
    });
    assert.deepEqual(said, ["picture", ...many(4, "unreadablePicture"), ...many(9, "badRequest"), ...many(2, "largePicture")]);
  });

  test("decides for its own site alone", async () => {
    const file = bytesOf("false_alarm.png", 1);
    const upload = async (where = IN_FRONT) => firefox.inContentScript(where, async (bytes) =>
      (await chrome.runtime.sendMessage({ id: "x", ask: "upload", picture: new Blob([new Uint8Array(bytes)]) })).course, file);
    const decided = await taken((bytes, site) =>
      chrome.runtime.sendMessage({ id: "x", ask: "decide", upload: true, site, picture: new Blob([new Uint8Array(bytes)]) }), file, server.otherOrigin);
    assert.equal(decided.answer, "done", JSON.stringify(decided));
    assert.equal(await upload(), "pass");
    await withOther(async () => assert.equal(await upload(OTHER), "ask"));
  });
});

describe("connections", () => {
  test("and what they cancel reach no other tab's requests", async () => {
    await withOther(async () => {
      await firefox.inContentScript(OTHER, (bytes) => {
        const picture = new Blob([new Uint8Array(bytes)]);
        globalThis.said = Array.from({ length: 20 }, (_, index) => chrome.runtime.sendMessage({ id: `theirs/${index}`, ask: "upload", picture }));
      }, bytesOf("false_alarm.png"));
      await firefox.inContentScript({ url: "*://127.0.0.1/*" }, async () => {
        for (let index = 0; index < 20; index += 1) await chrome.runtime.sendMessage({ id: "x", ask: "cancel", request: `theirs/${index}` });
        chrome.runtime.connect({ name: "theirs" }).disconnect();
        chrome.runtime.connect({ name: "" }).disconnect();
      });
      const said = await firefox.inContentScript(OTHER, async () => (await Promise.all(globalThis.said)).map(({ answer }) => answer));
      assert.deepEqual(said, many(20, "upload"));
    });
  });

  test("that close give up what is waiting for its turn, too", async () => {
    const said = await taken(async (bytes) => {
      const picture = new Blob([new Uint8Array(bytes)]);
      const asked = Array.from({ length: 40 }, (_, index) => chrome.runtime.sendMessage({ id: `mine/${index}`, ask: "upload", picture }));
      chrome.runtime.connect({ name: "mine" }).disconnect();
      return (await Promise.all(asked)).map(({ answer, reason }) => reason ?? answer);
    }, bytesOf("false_alarm.png"));
    const nJudged = said.filter((/** @type {unknown} */ one) => one === "upload").length;
    assert.equal(said.filter((/** @type {unknown} */ one) => one === "cancelled").length + nJudged, 40, said.join(" "));
    assert.ok(nJudged <= 8, `${nJudged} were judged`);
  });

  test("fill the memory neither with their names nor with their number", async () => {
    const before = await wasmBytes();
    const nLeft = await taken(async () => {
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
});

describe("what is in view", () => {
  const spot = { x: 0, y: 0, width: 200, height: 100 };

  test("is not looked at where places are none, or too many", async () => {
    assert.deepEqual(await codes([{ ask: "inView", spots: many(25, spot), viewWidth: 1280 }]), ["badRequest"]);
    const said = await taken(async () => {
      const spot = { x: 0, y: 0, width: 200, height: 100 };
      const spots = [{ ...spot, width: NaN }, { ...spot, x: Infinity }, { ...spot, width: 0 }, { ...spot, height: -5 }, { ...spot, x: 1e9 }, { ...spot, y: -1e9 }];
      return chrome.runtime.sendMessage({ id: "x", ask: "inView", spots, viewWidth: 1280 });
    });
    assert.deepEqual([said.answer, said.verdicts], ["inView", many(6, null)]);
  });

  test("is not looked at for a tab behind", async () => {
    await withOther(async () => {
      const reply = await firefox.inContentScript({ url: "*://127.0.0.1/*" }, (asked) => chrome.runtime.sendMessage(asked), { id: "x", ask: "inView", spots: [spot], viewWidth: 1280 });
      assert.equal(code(reply), "offLimits");
    });
  });
});

test("no scan begins, and no popup opens, because a frame says so", async () => {
  assert.deepEqual(await codes([{ ask: "scanned" }, ...many(3, { ask: "textInPopup", text: "What a wonderful evening." })]), many(4, "offLimits"));
  assert.equal(await taken(() => typeof (/** @type {any} */ (globalThis).sottoScan)), "undefined");
  assert.equal(await firefox.inOwnPage(() => chrome.extension.getViews({ type: "popup" }).length), 0);
});

test("why, as urgent as a person: not more than two at once", async () => {
  const said = await taken(async () => {
    const asked = Array.from({ length: 12 }, (_, index) =>
      chrome.runtime.sendMessage({ id: `why/${index}`, ask: "why", towards: "positive", card: "card-0", text: "A fine day, a bad night and a good morning. ".repeat(40) }));
    return (await Promise.all(asked)).map(({ answer, reason }) => reason ?? answer);
  });
  // Some are done before the last have come.
  const nDone = said.filter((/** @type {unknown} */ one) => one === "done").length;
  assert.deepEqual(said.toSorted(), [...many(nDone, "done"), ...many(12 - nDone, "outOfMemory")]);
  assert.ok(nDone >= 2 && nDone <= 6, `${nDone} were explained`);
});

test("the words of a document that is gone are not told to the next", async () => {
  await taken(() => void chrome.runtime.sendMessage({ id: "why", ask: "why", towards: "positive", card: "card-0", text: "A fine day and a bad night. ".repeat(100) }));
  await open("selection.html");
  await taken(() => {
    globalThis.heard = [];
    chrome.runtime.onMessage.addListener((message) => void globalThis.heard.push(message));
  });
  // As urgent, and asked later: once it is answered, so is the other.
  assert.equal((await firefox.ask({ ask: "text", text: "What a wonderful evening." })).sentiment, "positive");
  assert.deepEqual(await taken(() => globalThis.heard), []);
});
