// Sotto's engine, compiled as what ships but with the exports that benches/README.md names. The peers know nothing of it.

/**
 * Returns a function that makes an engine; free one before you make the next.
 * @param {string} flavour "relaxed" or "simd128"
 */
export async function start(flavour) {
  const glue = await import(`/engine/${flavour}/sotto.js`);
  await glue.default({ module_or_path: `/engine/${flavour}/sotto_bg.wasm` });
  if (!glue.BenchEngine) throw new Error(`the ${flavour} flavour exports no BenchEngine`);
  return () => new glue.BenchEngine();
}
