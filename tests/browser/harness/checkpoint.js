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

/** Writes config.json, vocab.txt, tokenizer.json and model.safetensors into a new folder: `{ files, remove }`. */
export function packagedCheckpoint() {
  const { metadata, tensors } = readPacked(readFileSync(join(ROOT, "models/sentiment.gguf")));
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
    id2label: Object.fromEntries(metadata.get("sotto.labels").map((/** @type {string} */ label, /** @type {number} */ index) => [index, label])),
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "vocab.txt"), metadata.get("sotto.vocabulary"));
  // Its rules for symbols; the vocabulary is not said twice.
  copyFileSync(join(ROOT, "tests/oracles/fixtures/symbols_tokenizer.json"), join(folder, "tokenizer.json"));
  writeSafetensors(join(folder, "model.safetensors"), tensors);
  const files = ["config.json", "vocab.txt", "tokenizer.json", "model.safetensors"].map((name) => join(folder, name));
  return { files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * A safetensors file with every tensor in 32-bit floats.
 * @typedef {{ name: string, shape: number[], type: number, offset: number, bytes: Buffer }} Tensor
 * @param {string} path
 * @param {Tensor[]} tensors
 */
function writeSafetensors(path, tensors) {
  const header = /** @type {Record<string, unknown>} */ ({});
  let end = 0;
  for (const { name, shape } of tensors) {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "w");
  for (const bytes of [length, text]) writeSync(file, bytes);
  for (const { type, bytes } of tensors) writeSync(file, Buffer.from(widened(type, bytes).buffer));
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
