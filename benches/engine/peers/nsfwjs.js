// nsfwjs on TensorFlow.js' WASM backend with one thread, the model that Sotto ships too.

import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { load as loadModel } from "nsfwjs/core";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";

let model = /** @type {any} */ (null);

export async function start() {
  setWasmPaths("/tfjs/");
  setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js did not take its WASM backend");
  await tf.ready();
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("TensorFlow.js found no SIMD");
}

export async function load() {
  model = await loadModel("MobileNetV2", { modelDefinitions: [MobileNetV2Model] });
}

/**
 * Class names with their probabilities.
 * @param {ImageData} pixels
 * @returns {Promise<Record<string, number>>}
 */
export async function classes(pixels) {
  const answer = await model.classify(pixels, 5);
  return Object.fromEntries(answer.map((/** @type {{ className: string, probability: number }} */ { className, probability }) => [className, probability]));
}
