// Runs in the one page of the engine bench: holds every engine, and measures one at a time when told to. It knows nothing of
// bars, tables or files.

import { memoryBytes, nowLoading } from "./peers/memories.js";
import * as nsfwjs from "./peers/nsfwjs.js";
import * as onnxruntime from "./peers/onnxruntime.js";
import * as sotto from "./peers/sotto.js";
import * as transformers from "./peers/transformers.js";

/** Loads of each of Sotto's models that are timed, after a first one. */
const N_LOADS = 7;

/** @param {string} address */
const bytesOf = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
/**
 * @template Answer
 * @param {() => Answer | Promise<Answer>} work
 */
const timed = async (work) => {
  const start = performance.now();
  const answer = await work();
  return { elapsedMs: performance.now() - start, answer };
};
/** The text model's labels, in the order of its logits. */
const LABELS = ["NEGATIVE", "NEUTRAL", "POSITIVE"];
/**
 * @param {Iterable<number>} shares
 * @returns {Record<string, number>}
 */
const byLabel = (shares) => Object.fromEntries(Array.from(shares, (share, index) => [LABELS[index], share]));
/** @param {Iterable<number>} logits */
const sharesOf = (logits) => {
  const powers = Array.from(logits, Math.exp);
  const sum = powers.reduce((sum, power) => sum + power, 0);
  return byLabel(powers.map((power) => power / sum));
};

/**
 * What an engine can do: `text` takes ids, `sentence` a string, `picture` pixels, and each gives a probability per label.
 * @typedef {{
 *   loadMs: Record<string, number | number[]>,
 *   text?(ids: number[]): Promise<Record<string, number>>,
 *   windows?(windows: number[][]): Promise<Record<string, number>>,
 *   sentence?(text: string): Promise<Record<string, number>>,
 *   picture?(pixels: ImageData): Promise<Record<string, number>>,
 *   secondLook?(): Promise<Record<string, number>>,
 *   bothLooks?(pixels: ImageData): Promise<Record<string, number>>,
 *   engine?: any,
 * }} Engine
 * @typedef {{ id: string, file: string, task: string }} Model
 */

/** @type {Record<string, Engine>} */
const engines = {};

/** @type {Record<string, (...parameters: any[]) => Promise<Engine>>} */
const loaders = {
  async onnxruntime(form) {
    await onnxruntime.start();
    const net = onnxruntime.textNet(form);
    const bytes = await bytesOf(net.modelFile);
    const { elapsedMs } = await timed(() => net.load(bytes));
    return { loadMs: { text: elapsedMs }, text: async (ids) => sharesOf(await net.logits(ids)) };
  },
  /** The same with several threads; windows of a text one after the other, because it has one session. */
  async onnxruntimeThreads(/** @type {string} */ form, /** @type {number} */ nThreads) {
    await onnxruntime.start(nThreads);
    const net = onnxruntime.textNet(form);
    const { elapsedMs } = await timed(async () => net.load(await bytesOf(net.modelFile)));
    const windows = async (/** @type {number[][]} */ all) => {
      let last = /** @type {number[]} */ ([]);
      for (const ids of all) last = await net.logits(ids);
      return sharesOf(last);
    };
    return { loadMs: { text: elapsedMs }, windows };
  },
  async sottoThreads(/** @type {string} */ flavour, /** @type {number} */ nThreads, /** @type {Model} */ { id, file }) {
    const { elapsedMs, answer } = await timed(async () => sotto.startMany(flavour, nThreads, { model: id, bytes: await bytesOf(`/dist/models/${file}`) }));
    return { loadMs: { text: elapsedMs }, windows: async (all) => sharesOf((await answer(all)).at(-1) ?? []) };
  },
  async onnxruntimePictures() {
    await onnxruntime.start();
    const net = onnxruntime.pictureNet();
    const bytes = await bytesOf(net.modelFile);
    const { elapsedMs } = await timed(() => net.load(bytes));
    return { loadMs: { picture: elapsedMs }, secondLook: async () => ({ unsuitable: await net.share(globalThis.pictureLessMean) }) };
  },
  async transformers() {
    const { elapsedMs } = await timed(() => transformers.load());
    return { loadMs: { "text, from files": elapsedMs }, sentence: transformers.shares };
  },
  async nsfwjs() {
    await nsfwjs.start();
    const { elapsedMs } = await timed(() => nsfwjs.load());
    return { loadMs: { picture: elapsedMs }, picture: nsfwjs.classes };
  },
  async sotto(/** @type {string} */ flavour, /** @type {Model[]} */ models) {
    const newEngine = await sotto.start(flavour);
    const files = await Promise.all(models.map(({ file }) => bytesOf(`/dist/models/${file}`)));
    const firstMs = /** @type {Record<string, number>} */ ({});
    const loadMs = /** @type {Record<string, number[]>} */ ({});
    /** @type {any} */
    let engine;
    for (let load = 0; load <= N_LOADS; load += 1) {
      engine?.free();
      engine = newEngine();
      for (const [index, { id, task }] of models.entries()) {
        const { elapsedMs } = await timed(() => engine.load(id, files[index]));
        // The first runs in code that the browser has not optimised yet, and is the first to touch its memory.
        if (load === 0) firstMs[`${task}, first of the page`] = elapsedMs;
        else (loadMs[task] ??= []).push(elapsedMs);
      }
    }
    let classes = /** @type {string[] | null} */ (null);
    return {
      engine,
      loadMs: { ...firstMs, ...loadMs },
      text: async (ids) => sharesOf(engine.text_ids(Uint32Array.from(ids))),
      sentence: async (text) => byLabel(engine.sentence(text)),
      picture: async ({ data, width, height }) => {
        const probabilities = engine.picture(data, width, height);
        // Told by a run on a blank picture, so asked once.
        const names = (classes ??= /** @type {string[]} */ (engine.picture_classes()));
        return Object.fromEntries(names.map((name, index) => [name, probabilities[index]]));
      },
      secondLook: async () => ({ unsuitable: engine.second_look(globalThis.pictureRgb) }),
      bothLooks: async ({ data, width, height }) => ({ unsuitable: engine.both_looks(data, width, height) }),
    };
  },
};

globalThis.bench = {
  /**
   * Brings one engine up; `name` is what it is called from then on. Returns how long each model took to load.
   * @param {string} name
   * @param {string} kind
   * @param {unknown[]} parameters
   */
  async load(name, kind, ...parameters) {
    nowLoading(name);
    engines[name] = await loaders[kind](...parameters);
    nowLoading("after loading");
    return engines[name].loadMs;
  },

  /** The ids that Transformers.js' tokenizer gives: the same for every engine. */
  ids: (/** @type {string} */ text) => transformers.ids(text),

  /**
   * One picture, decoded and brought to side × side once, for all engines.
   * @param {string} address
   * @param {number} side
   */
  async preparePicture(address, side) {
    const bitmap = await createImageBitmap(await (await fetch(address)).blob());
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(side, side).getContext("2d"));
    context.drawImage(bitmap, 0, 0, side, side);
    globalThis.picture = context.getImageData(0, 0, side, side);
    const { data } = globalThis.picture;
    globalThis.pictureRgb = data.filter((/** @type {number} */ _, /** @type {number} */ index) => index % 4 < 3);
    // As open_nsfw takes it: blue, green, red, less what its authors took away.
    const mean = [104, 117, 123];
    globalThis.pictureLessMean = Float32Array.from(globalThis.pictureRgb, (_, /** @type {number} */ index) =>
      globalThis.pictureRgb[index - (index % 3) + 2 - (index % 3)] - mean[index % 3]);
  },

  /**
   * Runs one engine's task `nRuns` times; returns the milliseconds of each run and the last answer.
   * @param {string} name
   * @param {"text" | "windows" | "sentence" | "picture" | "secondLook" | "bothLooks"} task
   * @param {unknown} input
   * @param {number} nRuns
   */
  async run(name, task, input, nRuns) {
    const work = /** @type {(given: any) => Promise<unknown>} */ (engines[name][task]);
    const given = input ?? globalThis.picture;
    const elapsedMs = /** @type {number[]} */ ([]);
    let answer = /** @type {unknown} */ (null);
    for (let run = 0; run < nRuns; run += 1) {
      const one = await timed(() => work(given));
      elapsedMs.push(one.elapsedMs);
      answer = one.answer;
    }
    return { elapsedMs, answer };
  },

  memoryBytes,

  /** What only Sotto's engine tells: what one of the kernels' measurements reaches, and how it multiplies here. */
  gops: (/** @type {string} */ name, /** @type {string} */ measurement) => engines[name].engine.gops(measurement),
  path: (/** @type {string} */ name) => engines[name].engine.path(),
};
