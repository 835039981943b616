// The extension's background: hears what the browser says and hands it to the engine, which is Rust (src/web).
// Listeners stand in the order of what they need: nothing, then the engine for a person's click, then the engine
// for a message. It must never decide anything about texts or pictures. It calls fetch for packaged
// files alone, as pages/packaged.js and pages/prover.js do: the content security policy refuses everything else.

import { flavour, glue, wasmFile } from "./engine.js";
import { framesOf, shrunk } from "./frames.js";
import { openHelpers } from "./helpers.js";
import { loadedFrom } from "./loaded.js";
import { hasSimd } from "./simd.js";
import * as store from "./store.js";
import { MENU, NEEDED } from "./tables.js";

// The engine finds them here.
globalThis.sottoFramesOf = framesOf;
globalThis.sottoShrunk = shrunk;
globalThis.sottoLoaded = loadedFrom;

// ---- Needs nothing ----

// A canvas or a background is just "page", "link" or "frame" to a browser's menu.
/** @type {["image", ...chrome.contextMenus.ContextType[]]} */
const WITH_PICTURES = ["image", "video", "page", "link", "frame"];

chrome.runtime.onInstalled.addListener(({ reason }) => {
  chrome.contextMenus.removeAll(() => {
    const text = chrome.i18n.getMessage;
    chrome.contextMenus.create({ id: MENU.selection, contexts: ["selection"], title: text("menuSelection") });
    chrome.contextMenus.create({ id: MENU.picture, contexts: WITH_PICTURES, title: text("menuImage") });
  });
  if (reason === "install") chrome.tabs.create({ url: chrome.runtime.getURL("pages/welcome.html") });
});

// Content scripts get verdicts by message, on request; settings and what waits for the popup are not theirs to read.
chrome.storage.local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" })?.catch(log);

// ---- A person's click, shortcut or permission: needs the engine ----

chrome.contextMenus.onClicked.addListener((info, tab) => {
  prepare(info.menuItemId);
  inEngine((host) => host.menuClicked(info, tab)).catch(() => tellBroken(tab, info.frameId));
});

chrome.commands.onCommand.addListener((command, tab) => {
  if (command === MENU.selection) {
    prepare(command);
    inEngine((host) => host.classifySelection(tab)).catch(() => tellBroken(tab, 0));
  }
});

for (const event of [chrome.permissions.onAdded, chrome.permissions.onRemoved, chrome.runtime.onStartup]) {
  event.addListener(() => inEngine((host) => host.permissionsChanged()).catch(log));
}

// With an update a browser forgets the scripts that were registered before.
chrome.runtime.onInstalled.addListener(({ reason }) => {
  if (reason !== "install") inEngine((host) => host.permissionsChanged()).catch(log);
});

// ---- Messages from our own pages and content scripts ----

chrome.runtime.onConnect.addListener((port) => {
  if (port.sender?.id !== chrome.runtime.id) return port.disconnect();
  let isGone = false;
  port.onDisconnect.addListener(() => (isGone = true));
  inEngine((host) => host.connected(port, () => isGone)).catch(() => port.disconnect());
});

chrome.runtime.onMessage.addListener((message, sender, sendResponse) => {
  if (sender.id !== chrome.runtime.id) return false;
  prepare(message?.ask);
  inEngine((host) => host.answer(message, sender)).then(sendResponse, (error) =>
    sendResponse({ id: String(message?.id ?? ""), answer: "refused", reason: hasSimd ? "internal" : "noSimd", detail: String(error) }),
  );
  return true;
});

// ---- The engine: started on first need, started afresh after it broke ----

/** The promise of a started engine, shared by all who ask; null before the first need and after a breakdown. */
let started = /** @type {Promise<EngineGlue> | null} */ (null);
/** True once the wasm module is compiled: from then on a fresh instance costs milliseconds. */
let compiled = false;
/** What to call for each piece of work under way when the engine breaks: its own promise would never settle. */
const underWay = /** @type {Set<(problem: unknown) => void>} */ (new Set());

function engine() {
  started ??= startEngine().catch((error) => {
    started = null;
    throw error;
  });
  return started;
}

async function startEngine() {
  if (!hasSimd) throw new Error("this browser runs no WebAssembly with SIMD");
  if (compiled) {
    glue.__wbg_reset_state();
  } else {
    await glue.default({ module_or_path: wasmFile });
    compiled = true;
  }
  glue.startHost(flavour, "window" in globalThis ? "event page" : "service worker", readPackaged, store, openHelpers);
  return glue;
}

/**
 * Reads the weights that an event will need while the engine starts: together they take as long as the longer one.
 * @param {unknown} event
 */
function prepare(event) {
  if (!started && isNeeding(event)) store.readEarly(NEEDED[event]);
}

/**
 * Whether an event needs a model.
 * @param {unknown} event
 * @returns {event is keyof typeof NEEDED}
 */
function isNeeding(event) {
  return typeof event === "string" && Object.hasOwn(NEEDED, event);
}

/**
 * Runs one piece of work; rejects when the engine traps in it or in anything that runs at the same time.
 * @template Answer
 * @param {(host: EngineGlue) => Promise<Answer>} work
 * @returns {Promise<Answer>}
 */
async function inEngine(work) {
  let current;
  let host;
  // Whoever waited for an engine that was broken by another's work the moment it had started waits for the next.
  do {
    current = engine();
    host = await current;
  } while (current !== started);
  return new Promise((resolve, reject) => {
    underWay.add(reject);
    const done = () => underWay.delete(reject);
    try {
      work(host).then(resolve, reject).finally(done);
    } catch (error) {
      done();
      reject(error);
      if (isTrap(error)) engineBroke(error);
    }
  });
}

/**
 * @param {unknown} error
 * @returns {error is WebAssembly.RuntimeError}
 */
const isTrap = (error) => hasSimd && error instanceof WebAssembly.RuntimeError;

/**
 * A trap leaves an instance that must not be entered again: drop it and tell everyone who waits for it.
 * @param {WebAssembly.RuntimeError} error
 */
function engineBroke(error) {
  started = null;
  const waiting = [...underWay];
  underWay.clear();
  for (const reject of waiting) reject(error);
}

// Rust futures are polled from microtasks, so a trap inside one surfaces here and nowhere else.
self.addEventListener("error", ({ error }) => {
  if (isTrap(error)) engineBroke(error);
});
self.addEventListener("unhandledrejection", ({ reason }) => {
  if (isTrap(reason)) engineBroke(reason);
});

/**
 * Reads a packaged weight file, telling how many bytes have come so far. The engine checks its hash.
 * @type {ReadPackaged}
 */
async function readPackaged(file, nBytes, tellBytes) {
  const response = await fetch(chrome.runtime.getURL(`models/${file}`));
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const bytes = new Uint8Array(nBytes);
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (filled + value.length > nBytes) throw new Error(`${file} is longer than ${nBytes} bytes`);
    bytes.set(value, filled);
    filled += value.length;
    tellBytes(filled);
  }
  if (filled !== nBytes) throw new Error(`${file} has ${filled} of ${nBytes} bytes`);
  return bytes;
}

/**
 * The one thing shown without the engine: that it broke, on the card where its answer would have stood. Where it can't even start
 * there is no card; the popup says why (pages/start.js).
 * @param {Tab} tab
 * @param {number | undefined} frameId
 */
function tellBroken(tab, frameId) {
  if (!hasSimd) {
    chrome.action.openPopup().catch(() => chrome.tabs.create({ url: chrome.runtime.getURL("pages/popup.html") })).catch(log);
    return;
  }
  /** @type {Broken} */
  const message = { sotto: "card", view: { kind: "refused", reason: "internal" } };
  // A click in a page of our own, the popup say, has no tab.
  if (tab?.id === undefined) return;
  chrome.tabs.sendMessage(tab.id, message, { frameId: frameId ?? 0 }).catch(log);
}

/** @param {unknown} error */
function log(error) {
  console.warn("Sotto:", error);
}
