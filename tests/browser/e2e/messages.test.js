// Who may say what to the background: a page nothing, another extension nothing, and a content script that a page took over
// no more than to have a picture or text of its own judged. Its quota keeps it from the others' turn, its length limit from memory.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { eventually } from "../harness/browser.js";
import { ASKS_OF_PAGES, forgedSenders } from "../harness/forged.js";
import { PICTURES } from "../harness/places.js";
import { takeOver } from "../harness/taken_over.js";

/** src/web/host/life.rs, WAITING_PER_TAB_MAX. */
const QUOTA = 64;
/** src/web/host/waiting.rs, AT_WORK_PER_TAB_MAX. */
const AT_WORK = 4;
const COFFEE = join(PICTURES, "coffee.png");
/** Small enough that the whole quota is judged in seconds. */
const SIDE = 32;

const { server, sotto, page, taken, send, wasmBytes, close } = await takeOver();
after(close);

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
  /** @param {object} sender */
  const answerTo = (sender) => worker.evaluate((given) => self.answerAs({ id: "x", ask: "status" }, given), sender);
  const ownPage = { id: sotto.id, url: sotto.url("pages/popup.html"), origin: sotto.url("").replace(/\/$/, "") };
  const frame = { id: sotto.id, url: `${server.origin}/upload.html`, origin: server.origin, frameId: 0, tab: { id: 1 } };
  assert.equal((await answerTo(ownPage)).answer, "status");
  for (const [what, sender] of Object.entries(forgedSenders(ownPage, frame, sotto.observerId))) {
    const { answer, reason } = await answerTo(sender);
    assert.deepEqual([answer, reason], ["refused", "badRequest"], what);
  }
});

describe("a content script that was taken over", () => {
  test("may ask for nothing but verdicts and their causes", async () => {
    for (const ask of ASKS_OF_PAGES) {
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
      const areas = /** @type {Record<string, string>} */ ({});
      for (const area of /** @type {const} */ (["local", "session"])) {
        areas[area] = await Promise.resolve().then(() => chrome.storage[area].get()).then(JSON.stringify, () => "refused");
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
      globalThis.port.onMessage.addListener((/** @type {any} */ message) => void globalThis.heard.push(message));
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
        { id: "x", ask: "why", towards: "positive", card: "card-0", text: long },
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

  test("has a few of its pictures opened at once, however many it sends", async () => {
    const worker = await sotto.worker();
    await worker.evaluate(() => {
      const open = self.createImageBitmap;
      let nOpen = 0;
      self.mostOpen = 0;
      self.createImageBitmap = async (/** @type {any[]} */ ...given) => {
        self.mostOpen = Math.max(self.mostOpen, (nOpen += 1));
        // As long as a large one takes.
        await new Promise((resolve) => setTimeout(resolve, 20));
        return open(.../** @type {Parameters<typeof open>} */ (given)).finally(() => (nOpen -= 1));
      };
      self.openAsBefore = () => (self.createImageBitmap = open);
    });
    const answers = await taken.evaluate(async ([bytes, n]) => {
      /** @param {number} index */
      const ask = (index) => chrome.runtime.sendMessage({ id: `many-${index}`, ask: "upload", picture: new Blob([new Uint8Array(bytes), `${index}`]) });
      return (await Promise.all(Array.from({ length: n }, (_, index) => ask(index)))).map(({ answer }) => answer);
    }, /** @type {[number[], number]} */ ([[...readFileSync(COFFEE)], QUOTA / 2]));
    const mostOpen = await worker.evaluate(() => (self.openAsBefore(), self.mostOpen));
    assert.deepEqual([new Set(answers), answers.length], [new Set(["upload"]), QUOTA / 2]);
    assert.equal(mostOpen, AT_WORK);
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
      /** @type {{ id: string, answer: string, reason?: Reason }[]} */
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

const judgePicture = () => taken.evaluate(
  (side) => chrome.runtime.sendMessage({ id: "one", ask: "picture", picture: new ImageData(side, side) }), SIDE);
