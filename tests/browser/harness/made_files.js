// Files that no camera makes: broken, lying, far too large, or known to the pixel. Made where they are needed, because nobody
// wants them in a repository.

import { appendFileSync, closeSync, copyFileSync, ftruncateSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { FIXTURES, PICTURES } from "./places.js";

/**
 * A PNG, one grey bit a pixel, whose header says `width` × `height`; `rows` of them are really there.
 * @param {number} width
 * @param {number} height
 * @param {number} rows
 */
export const greyPng = (width, height, rows = height) => png(width, height, 1, 0, Buffer.alloc(rows * (1 + Math.ceil(width / 8))));

/**
 * A PNG whose pixels are `[red, green, blue]`, as `pixel(x, y)` says.
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number[]} pixel
 */
export function colourPng(width, height, pixel) {
  const rows = Array.from({ length: height }, (_, y) => [0, ...Array.from({ length: width }, (_, x) => pixel(x, y)).flat()]);
  return png(width, height, 8, 2, Buffer.from(rows.flat()));
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} bits
 * @param {number} colours
 * @param {Buffer} rows
 */
function png(width, height, bits, colours, rows) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  [head[8], head[9]] = [bits, colours];
  const parts = [chunk("IHDR", head), chunk("IDAT", zlib.deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]);
}

export const [RED, GREEN, BLUE, YELLOW, CYAN] = [[255, 0, 0], [0, 160, 0], [0, 0, 255], [255, 230, 0], [0, 220, 220]];

/** 200 × 120: four quarters of four colours in a red frame of four pixels, so that every edge and corner can be told. */
export const framedPng = () => colourPng(200, 120, (x, y) => {
  if (x < 4 || y < 4 || x >= 196 || y >= 116) return RED;
  return [[GREEN, BLUE], [YELLOW, CYAN]][y < 60 ? 0 : 1][x < 100 ? 0 : 1];
});

/**
 * @param {string} name
 * @param {Buffer} data
 */
function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(checksum(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/**
 * Every chunk of a PNG, by name, joined.
 * @param {Buffer} file
 * @param {string} name
 */
function chunksOf(file, name) {
  const found = /** @type {Buffer[]} */ ([]);
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === name) found.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  return Buffer.concat(found);
}

/**
 * A moving PNG: many white frames and, as number `place`, the false alarm.
 * @param {number} nFrames
 * @param {number} place
 */
export function movingAlarm(nFrames, place) {
  const alarm = readFileSync(join(FIXTURES, "false_alarm.png"));
  const [width, height] = [alarm.readUInt32BE(16), alarm.readUInt32BE(20)];
  const white = zlib.deflateSync(Buffer.from(Array.from({ length: height }, () => [0, ...new Array(width * 4).fill(255)]).flat()));
  /** @param {number[]} values */
  const number = (...values) => Buffer.concat(values.map((value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  }));
  let sequence = 0;
  const frames = Array.from({ length: nFrames }, (_, index) => {
    // A tenth of a second each, nothing left of the frame before.
    const control = chunk("fcTL", Buffer.concat([number(sequence++, width, height, 0, 0), Buffer.from([0, 1, 0, 10, 1, 0])]));
    const data = index === place ? chunksOf(alarm, "IDAT") : white;
    return [control, index ? chunk("fdAT", Buffer.concat([number(sequence++), data])) : chunk("IDAT", data)];
  });
  const head = chunk("IHDR", chunksOf(alarm, "IHDR"));
  return Buffer.concat([alarm.subarray(0, 8), head, chunk("acTL", number(nFrames, 0)), ...frames.flat(), chunk("IEND", Buffer.alloc(0))]);
}

/**
 * An SVG that shows the false alarm from its own bytes, and asks for an address that must never be loaded.
 * @param {string} address
 */
export function drawnAlarm(address) {
  const data = readFileSync(join(FIXTURES, "false_alarm.png")).toString("base64");
  return `<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="224" height="224" onload="fetch('${address}')">
  <script>fetch("${address}")</script>
  <image width="224" height="224" href="data:image/png;base64,${data}"/>
  <image width="1" height="1" href="${address}"/>
</svg>`;
}

/**
 * Node has one of its own since 22.2.
 * @param {Buffer} bytes
 * @returns {number}
 */
function checksum(bytes) {
  const { crc32 } = /** @type {{ crc32?: (bytes: Buffer) => number }} */ (zlib);
  if (crc32) return crc32(bytes);
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/**
 * By name, the way each file is put into a folder.
 * @type {Record<string, (path: string) => void>}
 */
export const BAD_FILES = {
  "empty.png": (path) => writeFileSync(path, ""),
  "truncated.jpg": (path) => writeFileSync(path, readFileSync(join(PICTURES, "house.jpg")).subarray(0, 300)),
  "text.png": (path) => writeFileSync(path, "This is no picture at all."),
  "huge_30000.png": (path) => writeFileSync(path, greyPng(30_000, 30_000, 1)),
  "bomb_9000.png": (path) => writeFileSync(path, greyPng(9_000, 9_000)),
  "active.svg": (path) => copyFileSync(join(PICTURES, "active_content.svg"), path),
  "101_megabytes.png": (path) => {
    copyFileSync(join(PICTURES, "horse.png"), path);
    const file = openSync(path, "r+");
    ftruncateSync(file, 101 * 1024 * 1024);
    closeSync(file);
  },
};

/**
 * By name, the beginnings of files that no Chromium decodes. What follows them is nothing.
 * @type {Record<string, Buffer>}
 */
export const UNOPENED = Object.fromEntries(Object.entries({
  "photo.heic": "\0\0\0\x18ftypheic\0\0\0\0mif1heic",
  "burst.heif": "\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc",
  "scan.tif": "II*\0\x08\0\0\0",
  "canon.cr2": "II*\0\x10\0\0\0CR\x02\0",
  "canon.cr3": "\0\0\0\x18ftypcrx \0\0\0\x01crx isom",
  "fuji.raf": "FUJIFILMCCD-RAW 0201",
  "map.jp2": "\0\0\0\x0cjP  \x0d\x0a\x87\x0a",
  "layers.psd": "8BPS\0\x01",
  "letter.png": "%PDF-1.7\n",
  "old.wmv": "\x30\x26\xb2\x75\x8e\x66\xcf\x11",
  // A name says nothing.
  "renamed.jpg": "\0\0\0\x18ftypheic\0\0\0\0mif1heic",
}).map(([name, start]) => [name, Buffer.concat([Buffer.from(start, "latin1"), Buffer.alloc(2_000)])]));

let nAlarms = 0;
/**
 * The false alarm as a file that was never decided about: bytes after a PNG's end change its hash and nothing else.
 * @param {string} folder
 */
export function alarm(folder, name = `alarm_${(nAlarms += 1)}.png`) {
  const path = join(folder, name);
  copyFileSync(join(FIXTURES, "false_alarm.png"), path);
  appendFileSync(path, `${process.pid} ${(nAlarms += 1)}`);
  return path;
}
