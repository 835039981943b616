// The page that nobody sees, for what a service worker can't do: it has a document and may have workers. It is opened when somebody
// needs it and closes itself when it has nothing to do (pages/offscreen.js). It is told by its own ports, not by the extension's
// messages: a listener for those would be handed every picture that a page's script sends to the background.

const PAGE = "pages/offscreen.html";
/** It may be closing just when it is needed again. */
const TRIES_MAX = 5;
const AGAIN_MS = 60;
/** The page holds this lock as long as it lives. */
export const PAGE_LOCK = "unseen";

/** The page on its way, for all who want it at the same time. */
let opening = /** @type {Promise<void> | null} */ (null);

/**
 * A way to tell the page something, with a port to answer by.
 * @returns {Promise<(told: ToUnseen, port: MessagePort) => void>}
 */
export async function unseenPage() {
  for (let nTries = 1; nTries <= TRIES_MAX; nTries += 1) {
    await open().catch((problem) => {
      throw noPage(String(problem));
    });
    const pages = await clients.matchAll({ includeUncontrolled: true, type: "window" });
    const page = pages.find(({ url }) => url === chrome.runtime.getURL(PAGE));
    if (page) return (told, port) => page.postMessage(told, [port]);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  throw noPage("the page for helpers did not open");
}

/**
 * By this name the engine tells a browser without such a page from a picture that can't be decoded (src/web/decoding.rs).
 * @param {string} message
 */
const noPage = (message) => Object.assign(new Error(message), { name: "NoPage" });

/**
 * Asks the page to decode something; one that closes just now answers nothing, and is opened again.
 * @param {Blob} picture
 * @param {string} type
 * @returns {Promise<any>}
 */
export async function framesInPage(picture, type) {
  for (let nTries = 1; nTries <= TRIES_MAX; nTries += 1) {
    const tell = await unseenPage();
    const { port1, port2 } = new MessageChannel();
    const over = new AbortController();
    const answered = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    const gone = navigator.locks.request(PAGE_LOCK, { signal: over.signal }, () => null).catch(() => null);
    tell({ sotto: "frames", type, picture }, port2);
    const answer = await Promise.race([answered, gone]);
    over.abort();
    port1.close();
    if (answer) return answer;
  }
  throw new Error("the page that decodes does not stay open");
}

/** Opens the page where it is not open; there can be one of its kind. */
function open() {
  opening ??= openOnce().finally(() => (opening = null));
  return opening;
}

async function openOnce() {
  const there = await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] });
  if (there.length) return;
  const justification = "Judges many pictures and long texts, and decodes moving pictures and SVG.";
  await chrome.offscreen.createDocument({ url: PAGE, reasons: ["WORKERS", "BLOBS"], justification });
}
