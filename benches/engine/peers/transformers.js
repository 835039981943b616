// Transformers.js: the pipeline call as its users write it, from a string to its labels, on WASM with one thread.

import { AutoTokenizer, env, pipeline } from "@huggingface/transformers";

let classify = /** @type {any} */ (null);
let tokenizer = /** @type {any} */ (null);

export async function load() {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/models/";
  env.useBrowserCache = false;
  env.backends.onnx.wasm.wasmPaths = "/onnxruntime-of-transformers/";
  env.backends.onnx.wasm.numThreads = 1;
  tokenizer = await AutoTokenizer.from_pretrained("distilbert");
  classify = await pipeline("text-classification", "distilbert", { device: "wasm", dtype: "q8" });
}

/**
 * @param {string} text
 * @returns {Promise<number[]>}
 */
export async function ids(text) {
  const { input_ids } = await tokenizer(text);
  return Array.from(input_ids.data, Number);
}

/**
 * Labels with their probabilities.
 * @param {string} text
 * @returns {Promise<Record<string, number>>}
 */
export async function shares(text) {
  const answer = await classify(text, { top_k: null });
  return Object.fromEntries(answer.map((/** @type {{ label: string, score: number }} */ { label, score }) => [label, score]));
}
