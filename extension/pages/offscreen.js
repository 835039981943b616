// The page that nobody sees: decodes what the service worker can't, and has its helpers. It closes itself when it has nothing to do.

import { framesHere } from "../frames.js";
import { nHere, startHelper } from "../helpers.js";
import { PAGE_LOCK } from "../unseen.js";

/** Nobody asked anything of a page that was opened: whoever did so is gone. */
const UNUSED_MS = 10_000;
/** Those who ask one picture after another are not made to open it each time. */
const LINGER_MS = 300;

let nFrames = 0;
let closing = setTimeout(closeUnused, UNUSED_MS);

// Held without end: it is free when this page is gone.
navigator.locks.request(PAGE_LOCK, () => new Promise(() => {}));

// From the background alone: no other service worker is of this origin.
navigator.serviceWorker.addEventListener("message", (/** @type {MessageEvent<ToUnseen | undefined>} */ { data: told, ports: [port] }) => {
  if (!port || !told?.sotto) return;
  clearTimeout(closing);
  if (told.sotto === "helper") startHelper(told, port, closeSoon);
  else void decode(told, port);
});
navigator.serviceWorker.startMessages();

/**
 * @param {Extract<ToUnseen, { sotto: "frames" }>} told
 * @param {MessagePort} port
 */
async function decode({ picture, type }, port) {
  nFrames += 1;
  port.postMessage(await framesHere(picture, type).catch((error) => ({ error: String(error) })));
  nFrames -= 1;
  closeSoon();
}

function closeSoon() {
  clearTimeout(closing);
  closing = setTimeout(closeUnused, LINGER_MS);
}

function closeUnused() {
  if (!nFrames && !nHere()) window.close();
}
