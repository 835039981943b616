// The door to the database in which weights rest: opens it and begins to read, also while the engine is still being
// compiled. It must never decide whether what it read is right: src/web/models/store.rs compares keys and sizes.

import { PACKAGED } from "./tables.js";

const DATABASE = "sotto";
const WEIGHTS = "weights";
/** IndexedDB waits without end for a page that holds an older connection; an answer can't. */
const PATIENCE_MS = 2000;
/** Slices of this size were read fastest: IndexedDB answers several at once, and none is large enough to hurt. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** A connection, which closes when another wants to change or delete the database. */
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

/** What was begun before the engine asked for it, by task: promises of `{ model, found }`. */
const early = new Map();

/** Begins to read the weights that a task needs, for an engine that is not there yet. */
export function readEarly(task) {
  if (early.has(task)) return;
  const reading = modelFor(task).then((model) => ({ model, found: read(model) }));
  early.set(task, reading);
  // Whoever takes it hears of the failure.
  reading.then(({ found }) => found).catch(() => {});
}

/** The model that judges: the person's own, where they chose one (src/web/models/own.rs keeps that). */
async function modelFor(task) {
  const { ownModels } = task === "text" ? await chrome.storage.local.get("ownModels") : {};
  return ownModels?.chosen ?? PACKAGED[task];
}

/** A model's stored weights: `{ key, bytes, slices }`, the slices as promises, all asked for at once; or undefined. */
export async function readWeights(model, task) {
  const begun = await early.get(task)?.catch(() => undefined);
  early.delete(task);
  return begun?.model === model ? begun.found : read(model);
}

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

function slicesOf(blob) {
  const slices = [];
  for (let start = 0; start < blob.size; start += SLICE_BYTES) {
    slices.push(blob.slice(start, start + SLICE_BYTES).arrayBuffer());
  }
  // Each is awaited in its turn, or not at all when one before it failed.
  for (const slice of slices) slice.catch(() => {});
  return slices;
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
