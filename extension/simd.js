// Whether this browser runs what Sotto is compiled to. It must never need anything of that.

// A module of one function with i8x16.popcnt: valid only where there is SIMD. A setting may take WebAssembly away altogether.
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);
export const hasSimd = "WebAssembly" in globalThis && WebAssembly.validate(SIMD_PROBE);
