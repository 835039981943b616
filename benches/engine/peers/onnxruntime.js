// onnxruntime-web on WASM, with one thread or as many as it is told to use: the same weights, int8 by its own dynamic quantisation, in the given form.

import * as ort from "onnxruntime-web/wasm";

export async function start(nThreads = 1) {
  ort.env.wasm.wasmPaths = "/onnxruntime/";
  ort.env.wasm.numThreads = nThreads;
  // The runtime's own start is not the model's load.
  const tiny = await (await fetch("/onnx/identity.onnx")).arrayBuffer();
  await (await ort.InferenceSession.create(new Uint8Array(tiny))).release();
}

/** Yahoo's open_nsfw, in the floats that it is published in. */
export function pictureNet() {
  let session = /** @type {any} */ (null);
  return {
    modelFile: "/models/open_nsfw.onnx",
    /** @param {Uint8Array} bytes */
    async load(bytes) {
      session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
    },
    /**
     * @param {Float32Array} pixels BGR less the mean, row by row
     * @returns {Promise<number>}
     */
    async share(pixels) {
      const side = Math.sqrt(pixels.length / 3);
      const [name] = session.outputNames;
      return (await session.run({ input_0: new ort.Tensor("float32", pixels, [1, side, side, 3]) }))[name].data[1];
    },
  };
}

/** @param {string} form a file of make_onnx.py */
export function textNet(form) {
  let session = /** @type {any} */ (null);
  return {
    modelFile: `/onnx/${form}.onnx`,
    /** @param {Uint8Array} bytes */
    async load(bytes) {
      session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
    },
    /**
     * @param {number[]} ids
     * @returns {Promise<number[]>}
     */
    async logits(ids) {
      const shape = [1, ids.length];
      const inputs = {
        input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
        attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
      };
      return Array.from((await session.run(inputs)).logits.data);
    },
  };
}
