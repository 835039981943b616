// The bars that the engine must reach, as figures. `cargo xtask bench engine --check` fails where one is missed.

import { quantile } from "../report.js";

/** What is measured: the processor as it is, and without the instruction that most people's lack. */
export const KINDS = { asItIs: "as it is", without: "without the fused dot" };

/** Where the dot is fused, and where it is not: for each path by what it calls itself. */
const FASTER_THAN_ONNXRUNTIME = /** @type {Record<string, number>} */ ({ "fused dots": 2.8, "dots in parts": 2.5 });
const PLAIN_FASTER_THAN_ONNXRUNTIME = 1.5;
const FASTER_THAN_NSFWJS = /** @type {Record<string, number>} */ ({ "fused dots": 6, "dots in parts": 5 });
const MIN_PERCENT_OF_PEAK = 85;
const MAX_WASM_BYTES = 2 * 1024 * 1024;
/** Of the second picture net, in its published floats. */
const SECOND_FASTER_THAN_ONNXRUNTIME = 3;
const MAX_MEMORY_BYTES = 70_000_000;
const MAX_LOAD_MS = 60;

/**
 * One line for each missed bar. A figure that is not there is a missed bar too.
 * @param {Row[]} rows
 */
export function check(rows) {
  return [...new Set(rows.map(({ kind }) => kind))].flatMap((kind) =>
    checkOne(rows.filter((row) => row.kind === kind)).map((line) => `${kind}: ${line}`));
}

/** @param {Row[]} rows of one kind */
function checkOne(rows) {
  const missed = /** @type {string[]} */ ([]);
  const path = rows.map(({ engine, task }) => engine === "Sotto" && task.match(/^in-register peak, (.*)$/)?.[1]).find(Boolean) || "";
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
    for (const [engine, least] of /** @type {[string, number][]} */ ([
      ["Sotto", FASTER_THAN_ONNXRUNTIME[path]], ["Sotto, plain SIMD", PLAIN_FASTER_THAN_ONNXRUNTIME]])) {
      const times = peer / median(engine, task);
      bar(times >= least, `${engine}, ${task}: ${times.toFixed(2)} times as fast as onnxruntime-web, bar ${least}`);
    }
  }
  const pictures = median("nsfwjs", "picture 224 px") / median("Sotto", "picture 224 px");
  const least = FASTER_THAN_NSFWJS[path];
  bar(pictures >= least, `picture: ${pictures.toFixed(2)} times as fast as nsfwjs, bar ${least}`);
  const second = median("onnxruntime-web", "second look 224 px") / median("Sotto", "second look 224 px");
  bar(second >= SECOND_FASTER_THAN_ONNXRUNTIME, `second look: ${second.toFixed(2)} times as fast as onnxruntime-web, bar ${SECOND_FASTER_THAN_ONNXRUNTIME}`);
  for (const engine of ["Sotto", "Sotto, plain SIMD"]) {
    const share = median(engine, "share of the peak");
    bar(share >= MIN_PERCENT_OF_PEAK, `${engine}, product: ${share.toFixed(1)} % of the in-register peak, bar ${MIN_PERCENT_OF_PEAK}`);
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
