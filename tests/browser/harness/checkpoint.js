// A DistilBERT checkpoint as people have them on their disks, made of the packaged model: its packed weights widened to
// floats again. Packed once more, it must come out as the very file it was made of.

import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./places.js";

const [U32, F32_VALUE, BOOL, TEXT, LIST] = [4, 6, 7, 8, 9];
const [F32, F16, Q4_0] = [0, 1, 2];
const ALIGNMENT = 32;
const [GROUP_ELEMENTS, GROUP_BYTES] = [32, 18];

/**
 * Writes config.json, vocab.txt, tokenizer.json and model.safetensors, or with `fourBits` model.q4.safetensors, into a new
 * folder: `{ files, remove }`. `classes` gives it other classes: for each its label and which of the packaged model's it is.
 * @param {{ fourBits?: boolean, classes?: [string, number][] | null }} options
 */
export function packagedCheckpoint({ fourBits = false, classes = null } = {}) {
  const packed = readPacked(readFileSync(join(ROOT, "models/sentiment.gguf")));
  const { metadata } = packed;
  const tensors = classes ? packed.tensors.map((tensor) => reclassified(tensor, classes)) : packed.tensors;
  const labels = classes?.map(([label]) => label) ?? metadata.get("sotto.labels");
  const weights = fourBits ? "model.q4.safetensors" : "model.safetensors";
  const folder = mkdtempSync(join(tmpdir(), "sotto-checkpoint-"));
  /** @param {string} name */
  const of = (name) => metadata.get(`distilbert.${name}`);
  const config = {
    _name_or_path: metadata.get("general.name"),
    architectures: ["DistilBertForSequenceClassification"],
    model_type: "distilbert",
    activation: "gelu",
    dim: of("embedding_length"),
    hidden_dim: of("feed_forward_length"),
    n_heads: of("attention.head_count"),
    n_layers: of("block_count"),
    max_position_embeddings: of("context_length"),
    vocab_size: of("vocab_size"),
    id2label: Object.fromEntries(labels.map((/** @type {string} */ label, /** @type {number} */ index) => [index, label])),
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "vocab.txt"), metadata.get("sotto.vocabulary"));
  // Its rules for symbols; the vocabulary is not said twice.
  copyFileSync(join(ROOT, "tests/oracles/fixtures/symbols_tokenizer.json"), join(folder, "tokenizer.json"));
  writeSafetensors(join(folder, weights), tensors.flatMap((tensor) => (fourBits && tensor.type === Q4_0 ? stepsAndScales(tensor) : floats(tensor))));
  const files = ["config.json", "vocab.txt", "tokenizer.json", weights].map((name) => join(folder, name));
  return { files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * The classifier with other rows than it has; every other tensor as it is.
 * @typedef {{ name: string, shape: number[], type: number, offset: number, bytes: Buffer }} Tensor
 * @param {Tensor} tensor
 * @param {[string, number][]} classes
 * @returns {Tensor}
 */
function reclassified(tensor, classes) {
  if (!tensor.name.startsWith("classifier.")) return tensor;
  const size = tensor.bytes.length / tensor.shape[0];
  const rows = classes.map(([, row]) => tensor.bytes.subarray(row * size, (row + 1) * size));
  return { ...tensor, shape: [classes.length, ...tensor.shape.slice(1)], bytes: Buffer.concat(rows) };
}

/**
 * What stands in a safetensors file; `bytes` are made when they are written.
 * @typedef {{ name: string, dtype: string, shape: number[], size: number, bytes: () => Buffer }} Entry
 * @param {Tensor} tensor
 * @returns {Entry[]}
 */
function floats({ name, shape, type, bytes }) {
  const size = 4 * shape.reduce((product, length) => product * length, 1);
  return [{ name, dtype: "F32", shape, size, bytes: () => Buffer.from(widened(type, bytes).buffer) }];
}

/**
 * A 4-bit matrix as checkpoints hand it on (src/pack/safetensors.rs): two inputs that follow each other in each byte of the
 * steps, where Q4_0 has the first and the seventeenth.
 * @param {Tensor} tensor
 * @returns {Entry[]}
 */
function stepsAndScales({ name, shape: [rows, columns], bytes }) {
  const nGroups = bytes.length / GROUP_BYTES;
  const steps = Buffer.alloc((nGroups * GROUP_ELEMENTS) / 2);
  const scales = Buffer.alloc(2 * nGroups);
  for (let group = 0; group < nGroups; group += 1) {
    const nibbles = bytes.subarray(group * GROUP_BYTES + 2, (group + 1) * GROUP_BYTES);
    const step = (/** @type {number} */ i) => (nibbles[i % 16] >> (i < 16 ? 0 : 4)) & 15;
    for (let i = 0; i < 16; i += 1) steps[16 * group + i] = step(2 * i) | (step(2 * i + 1) << 4);
    bytes.copy(scales, 2 * group, group * GROUP_BYTES, group * GROUP_BYTES + 2);
  }
  return [
    { name: `${name}.q`, dtype: "U8", shape: [rows, columns / 2], size: steps.length, bytes: () => steps },
    { name: `${name}.scale`, dtype: "F16", shape: [rows, columns / GROUP_ELEMENTS], size: scales.length, bytes: () => scales },
  ];
}

/**
 * @param {string} path
 * @param {Entry[]} entries
 */
function writeSafetensors(path, entries) {
  const header = /** @type {Record<string, unknown>} */ ({});
  let end = 0;
  for (const { name, dtype, shape, size } of entries) {
    const start = end;
    end += size;
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "w");
  for (const bytes of [length, text]) writeSync(file, bytes);
  for (const { bytes } of entries) writeSync(file, bytes());
  closeSync(file);
}

/**
 * @param {number} type
 * @param {Buffer} bytes
 */
function widened(type, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === F32) return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  if (type === F16) return Float32Array.from({ length: bytes.length / 2 }, (_, i) => half(view.getUint16(2 * i, true)));
  if (type !== Q4_0) throw new Error(`a tensor of type ${type} is in models/sentiment.gguf`);
  const values = new Float32Array((bytes.length / GROUP_BYTES) * GROUP_ELEMENTS);
  for (let at = 0, to = 0; at < bytes.length; at += GROUP_BYTES, to += GROUP_ELEMENTS) {
    const step = half(view.getUint16(at, true));
    for (let i = 0; i < GROUP_ELEMENTS / 2; i += 1) {
      const pair = bytes[at + 2 + i];
      values[to + i] = ((pair & 15) - 8) * step;
      values[to + i + GROUP_ELEMENTS / 2] = ((pair >> 4) - 8) * step;
    }
  }
  return values;
}

/** @param {number} bits */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/**
 * The metadata and tensors of a weight file; src/pack/mod.rs describes it.
 * @param {Buffer} bytes
 * @returns {{ metadata: Map<string, any>, tensors: Tensor[] }}
 */
function readPacked(bytes) {
  let at = 8;
  const u32 = () => bytes.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = () => {
    const length = u64();
    return bytes.toString("utf8", (at += length) - length, at);
  };
  /**
   * @param {number} type
   * @returns {unknown}
   */
  const value = (type) => {
    if (type === U32) return u32();
    if (type === F32_VALUE) return bytes.readFloatLE((at += 4) - 4);
    if (type === BOOL) return bytes[at++] !== 0;
    if (type === TEXT) return text();
    if (type !== LIST) throw new Error(`metadata of type ${type}`);
    const [each, length] = [u32(), u64()];
    return Array.from({ length }, () => value(each));
  };
  const [nTensors, nKeys] = [u64(), u64()];
  const metadata = new Map(Array.from({ length: nKeys }, () => /** @type {const} */ ([text(), value(u32())])));
  const infos = Array.from({ length: nTensors }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64).reverse();
    return { name, shape, type: u32(), offset: u64() };
  });
  const start = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
  /** @param {Pick<Tensor, "shape" | "type">} tensor */
  const size = ({ shape, type }) => {
    const elements = shape.reduce((product, length) => product * length, 1);
    return type === Q4_0 ? (elements / GROUP_ELEMENTS) * GROUP_BYTES : elements * (type === F16 ? 2 : 4);
  };
  const tensors = infos.map((info) => ({ ...info, bytes: bytes.subarray(start + info.offset, start + info.offset + size(info)) }));
  return { metadata, tensors };
}
