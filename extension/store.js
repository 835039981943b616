// The door to the database in which weights rest: opens it and begins to read, also while the engine is still being
// compiled. It must never decide whether what it read is right: src/web/models/store.rs compares keys and sizes.

import { PACKAGED } from "./tables.js";

const DATABASE = "sotto";
const WEIGHTS = "weights";
/** IndexedDB waits without end for a page that holds an older connection; an answer can't. */
const PATIENCE_MS = 2000;
/** Slices of this size were read fastest: IndexedDB answers several at once, and none is large enough to hurt. */
const SLICE_BYTES = 4 * 1024 * 1024;

/**
 * A connection, which closes when another wants to change or delete the database.
 * @returns {Promise<IDBDatabase>}
 */
export function openStore() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    const late = setTimeout(() => reject(new Error("another page holds the database")), PATIENCE_MS);
    request.onupgradeneeded = () => request.result.createObjectStore(WEIGHTS);
    request.onerror = () => {
      clearTimeout(late);
      reject(request.error);
    };
    request.onsuccess = () => {
      clearTimeout(late);
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
  });
}

/**
 * @typedef {keyof typeof PACKAGED} Task
 * @typedef {{ key: IDBValidKey, bytes: number, slices: Promise<ArrayBuffer>[] }} Weights
 */

/**
 * What was begun before the engine asked for it, by task.
 * @type {Map<Task, Promise<{ model: string, found: Promise<Weights | undefined> }>>}
 */
const early = new Map();

/**
 * Begins to read the weights that a task needs, for an engine that is not there yet.
 * @param {Task} task
 */
export function readEarly(task) {
  if (early.has(task)) return;
  const reading = modelFor(task).then((model) => ({ model, found: read(model) }));
  early.set(task, reading);
  // Whoever takes it hears of the failure.
  reading.then(({ found }) => found).catch(() => {});
}

/**
 * The model that judges: the person's own, where they chose one (src/web/models/own.rs keeps that).
 * @param {Task} task
 * @returns {Promise<string>}
 */
async function modelFor(task) {
  /** @type {{ ownModels?: OwnModels }} */
  const { ownModels } = task === "text" ? await chrome.storage.local.get("ownModels") : {};
  return ownModels?.chosen ?? PACKAGED[task];
}

/**
 * A model's stored weights, all slices asked for at once; undefined where there are none.
 * @param {string} model
 * @param {Task} task
 */
export async function readWeights(model, task) {
  const begun = await early.get(task)?.catch(() => undefined);
  early.delete(task);
  return begun?.model === model ? begun.found : read(model);
}

/**
 * @param {string} model
 * @returns {Promise<Weights | undefined>}
 */
async function read(model) {
  const database = await openStore();
  try {
    const weights = database.transaction(WEIGHTS).objectStore(WEIGHTS);
    const found = await settled(weights.openCursor(IDBKeyRange.bound(`${model}/`, `${model}0`, false, true)));
    if (!(found?.value instanceof Blob)) return undefined;
    return { key: found.key, bytes: found.value.size, slices: slicesOf(found.value) };
  } finally {
    database.close();
  }
}

/** @param {Blob} blob */
function slicesOf(blob) {
  const slices = [];
  for (let start = 0; start < blob.size; start += SLICE_BYTES) {
    slices.push(blob.slice(start, start + SLICE_BYTES).arrayBuffer());
  }
  // Each is awaited in its turn, or not at all when one before it failed.
  for (const slice of slices) slice.catch(() => {});
  return slices;
}

/**
 * @template Result
 * @param {IDBRequest<Result>} request
 * @returns {Promise<Result>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
