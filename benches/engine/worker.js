// One of several engines of Sotto's, in a worker of its own, as helpers are in the extension: reads ids, answers logits.

self.addEventListener("message", async ({ data: { flavour, model, bytes } }) => {
  const glue = await import(`/engine/${flavour}/sotto.js`);
  await glue.default({ module_or_path: `/engine/${flavour}/sotto_bg.wasm` });
  const engine = new glue.BenchEngine();
  engine.load(model, bytes);
  self.onmessage = ({ data: { id, ids } }) => self.postMessage({ id, logits: engine.text_ids(ids) });
  self.postMessage("ready");
}, { once: true });
