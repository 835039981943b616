// Sotto's engine, compiled as what ships but with the exports that benches/README.md names. The peers know nothing of it.

/**
 * `flavour` is "relaxed" or "simd128". Returns a function that makes an engine in an instance of its own, with fresh memory;
 * the module is compiled once, as it is for a service worker that starts again.
 */
export async function start(flavour) {
  const glue = await import(`/engine/${flavour}/sotto.js`);
  await glue.default({ module_or_path: `/engine/${flavour}/sotto_bg.wasm` });
  if (!glue.BenchEngine) throw new Error(`the ${flavour} flavour exports no BenchEngine`);
  let first = true;
  return () => {
    if (!first) glue.__wbg_reset_state();
    first = false;
    return new glue.BenchEngine();
  };
}
