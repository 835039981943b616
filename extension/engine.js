// The engine as this browser can run it: the glue of one of its two flavours, and where its wasm is. It must never start it.

import * as relaxed from "./engine/relaxed/sotto.js";
import * as simd128 from "./engine/simd128/sotto.js";
import { hasSimd } from "./simd.js";

// A module of one function with i16x8.relaxed_dot_i8x16_i7x16_s: valid only where relaxed SIMD exists.
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15,
  253, 146, 2, 11,
]);
const hasRelaxed = hasSimd && WebAssembly.validate(RELAXED_PROBE);

export const glue = hasRelaxed ? relaxed : simd128;
export const flavour = hasRelaxed ? "relaxed" : "simd128";
export const wasmFile = new URL(`engine/${flavour}/sotto_bg.wasm`, import.meta.url);
