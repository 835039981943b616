// The bars that the engine must reach, as figures. `cargo xtask bench engine --check` fails where one is missed.

import { quantile } from "../report.js";

const FASTER_THAN_ONNXRUNTIME = 2.5;
const FASTER_THAN_NSFWJS = 4;
const MIN_PERCENT_OF_PEAK = 80;
const MAX_WASM_BYTES = 2.5 * 1024 * 1024;
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const MAX_LOAD_MS = 60;

/**
 * One line for each missed bar. A figure that is not there is a missed bar too.
 * @param {Row[]} rows
 */
export function check(rows) {
  const missed = /** @type {string[]} */ ([]);
  /**
   * @param {string} engine
   * @param {string} task
   */
  const median = (engine, task) => {
    const row = rows.find((candidate) => candidate.engine === engine && candidate.task === task);
    return row ? quantile(row.values, 0.5) : NaN;
  };
  /**
   * @param {boolean} holds
   * @param {string} line
   */
  const bar = (holds, line) => {
    // Written so that NaN misses.
    if (!holds) missed.push(line);
  };

  for (const nTokens of [16, 64, 128, 512]) {
    const task = `text ${nTokens} tokens`;
    // The peer at its best: whichever of its two forms is faster here.
    const peer = Math.min(median("onnxruntime-web int8", task), median("onnxruntime-web int8 fused", task));
    const times = peer / median("Sotto", task);
    bar(times >= FASTER_THAN_ONNXRUNTIME, `${task}: ${times.toFixed(2)} times as fast as onnxruntime-web, bar ${FASTER_THAN_ONNXRUNTIME}`);
  }
  const pictures = median("nsfwjs", "picture 224 px") / median("Sotto", "picture 224 px");
  bar(pictures >= FASTER_THAN_NSFWJS, `picture: ${pictures.toFixed(2)} times as fast as nsfwjs, bar ${FASTER_THAN_NSFWJS}`);
  const share = median("Sotto", "share of the peak");
  bar(share >= MIN_PERCENT_OF_PEAK, `matrix product: ${share.toFixed(1)} % of the in-register peak, bar ${MIN_PERCENT_OF_PEAK}`);
  for (const engine of ["Sotto", "Sotto, plain SIMD"]) {
    const wasm = median(engine, "engine .wasm");
    bar(wasm <= MAX_WASM_BYTES, `${engine}: ${wasm} bytes of .wasm, bar ${MAX_WASM_BYTES}`);
  }
  const memory = median("Sotto", "memory, models ready");
  bar(memory <= MAX_MEMORY_BYTES, `memory with both models ready: ${memory} bytes, bar ${MAX_MEMORY_BYTES}`);
  const grown = median("Sotto", "memory grown by 1000 runs");
  bar(grown === 0, `memory grew by ${grown} bytes in 1000 runs, bar 0`);
  for (const task of ["load text", "load picture"]) {
    const loadMs = median("Sotto", task);
    bar(loadMs <= MAX_LOAD_MS, `${task}: ${loadMs.toFixed(0)} ms, bar ${MAX_LOAD_MS}`);
  }
  return missed;
}
