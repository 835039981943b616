// One helper: a worker with an engine of its own (src/web/helpers/helper.rs), which is handed all that it needs. It goes when nobody
// has asked it anything for a while, and when its engine broke: then the background does what it did not answer.

import { glue, wasmFile } from "./engine.js";
import { framesHere, shrunk } from "./frames.js";

/** Long enough for the next page of pictures, short enough to give the memory back while a person still looks at this one. */
const QUIET_MS = 10_000;

// The engine finds them here.
globalThis.sottoFramesOf = framesHere;
globalThis.sottoShrunk = shrunk;

let nAtWork = 0;
let quiet = 0;

self.addEventListener("message", ({ data: { name, port } }) => {
  // Held without end: it is free when this worker is gone, whatever ended it.
  navigator.locks.request(name, () => {
    void serve(port);
    return new Promise(() => {});
  });
});

/** @param {MessagePort} port */
async function serve(port) {
  await glue.default({ module_or_path: wasmFile });
  port.onmessage = async ({ data: { id, ...message } }) => {
    if (id === 0) return go();
    nAtWork += 1;
    clearTimeout(quiet);
    port.postMessage({ ...(await glue.help(message)), id });
    nAtWork -= 1;
    if (!nAtWork) quiet = setTimeout(go, QUIET_MS);
  };
  quiet = setTimeout(go, QUIET_MS);
  port.postMessage({ id: 0 });
}

/** Whoever made this worker ends it. */
function go() {
  self.postMessage("gone");
}

// A trap leaves an engine that must not be entered again; it surfaces in a microtask, as in the background.
self.addEventListener("unhandledrejection", go);
self.addEventListener("error", go);
