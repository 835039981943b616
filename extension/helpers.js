// Helpers: workers that judge beside the background (src/web/helpers). Where it has no workers, being one itself, they stand in the
// page that nobody sees. Each goes by itself a while after its last work; whoever asked one that is gone hears it at once.

import { unseenPage } from "./unseen.js";

/** A helper that has not started after this never will. */
const PATIENCE_MS = 5000;
/** Of this background's life: the page ends what is left of an earlier one. */
const life = crypto.randomUUID();

/**
 * So many helpers, ready to be asked; rejects when one of them does not start.
 * @param {number} n
 * @returns {Promise<Helper[]>}
 */
export async function openHelpers(n) {
  const send = "Worker" in globalThis ? startHelper : await unseenPage();
  return Promise.all(Array.from({ length: n }, () => opened(send)));
}

/**
 * @param {(start: HelperStart, port: MessagePort) => void} send
 * @returns {Promise<Helper>}
 */
async function opened(send) {
  const { port1: port, port2 } = new MessageChannel();
  const name = `helper-${crypto.randomUUID()}`;
  const waiting = /** @type {Map<number, (reply: unknown) => void>} */ (new Map());
  let nAsked = 0;
  let isGone = false;
  let end = () => {};
  const gone = /** @type {Promise<void>} */ (new Promise((resolve) => (end = resolve)));
  void gone.then(() => {
    isGone = true;
    port.close();
  });
  /** @param {object} message */
  const ask = (message) => {
    if (isGone) return Promise.reject(new Error("the helper is gone"));
    const id = (nAsked += 1);
    const answered = new Promise((resolve) => waiting.set(id, resolve));
    port.postMessage({ ...message, id });
    return Promise.race([answered, gone.then(() => Promise.reject(new Error("the helper is gone")))]);
  };
  const started = new Promise((resolve) => {
    port.onmessage = ({ data: { id, ...reply } }) => {
      if (id === 0) return resolve(undefined);
      waiting.get(id)?.(reply);
      waiting.delete(id);
    };
  });
  send({ sotto: "helper", name, life }, port2);
  let late = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  const tooLate = new Promise((_, reject) => (late = setTimeout(reject, PATIENCE_MS, new Error("a helper did not start"))));
  await Promise.race([started, tooLate]);
  clearTimeout(late);
  // The helper holds this lock as long as it lives, and no other message is sure to come.
  navigator.locks.request(name, end).catch(end);
  const close = () => {
    port.postMessage({ id: 0 });
    end();
  };
  return { ask, close, gone };
}

/** The workers of this page, by name. */
const here = /** @type {Map<string, { life: string, worker: Worker }>} */ (new Map());

/**
 * Starts a helper where there can be workers. `ended` hears when it is gone.
 * @param {HelperStart} start
 * @param {MessagePort} port
 * @param {() => void} [ended]
 */
export function startHelper(start, port, ended) {
  for (const [name, { life, worker }] of here) if (life !== start.life) stop(name, worker);
  const worker = new Worker(new URL("helper.js", import.meta.url), { type: "module" });
  here.set(start.name, { life: start.life, worker });
  // It says that it goes, or broke.
  worker.onmessage = () => (stop(start.name, worker), ended?.());
  worker.onerror = () => (stop(start.name, worker), ended?.());
  worker.postMessage({ name: start.name, port }, [port]);
}

/**
 * @param {string} name
 * @param {Worker} worker
 */
function stop(name, worker) {
  worker.terminate();
  here.delete(name);
}

/** How many helpers stand in this page. */
export const nHere = () => here.size;
