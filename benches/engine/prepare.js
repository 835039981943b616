// Makes what the engine bench needs beside dist/: the page's bundle and the peers' text model, from the packed weights.
// A step whose inputs have not changed is not done again.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { DIST, ROOT, WORKSHOP } from "../../tests/browser/harness/places.js";

export const KITCHEN = join(WORKSHOP, "bench-engine");
export const PEERS = join(ROOT, "benches/node_modules");

/** `[{ id, task, file }]` of models/models.toml. */
export function packagedModels() {
  const blocks = readFileSync(join(ROOT, "models/models.toml"), "utf8").split(/^\[\[model\]\]$/m).slice(1);
  return blocks.map((block) => {
    /** @param {string} key */
    const value = (key) => block.match(new RegExp(`^${key}\\s*=\\s*"([^"]*)"`, "m"))?.[1] ?? "";
    return { id: value("id"), task: value("task"), file: value("file") };
  });
}

export async function bundlePage() {
  await build({
    entryPoints: [join(ROOT, "benches/engine/page.js")],
    outdir: join(KITCHEN, "bundle"),
    bundle: true,
    format: "esm",
    target: "chrome148",
    minify: true,
    splitting: true,
    logLevel: "error",
    nodePaths: [PEERS],
    define: { global: "globalThis" },
    conditions: ["browser", "import"],
    external: ["/dist/*", "fs", "path", "url", "worker_threads", "perf_hooks", "os"],
    loader: { ".html": "empty" },
  });
}

/**
 * Returns the folder that holds what make_onnx.py wrote.
 * @param {string} packedFile
 */
export function makePeersModel(packedFile) {
  const script = join(ROOT, "benches/engine/make_onnx.py");
  const out = join(KITCHEN, "models/distilbert");
  const stamp = join(KITCHEN, "models/distilbert.stamp");
  const hash = createHash("sha256");
  for (const file of [script, join(ROOT, "benches/engine/requirements.txt"), packedFile]) hash.update(readFileSync(file));
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return out;
  const python = process.env.SOTTO_PYTHON;
  if (!python) throw new Error("SOTTO_PYTHON is not set: start this through `cargo xtask bench engine`");
  console.log("bench: making the peers' int8 model from the packed weights");
  mkdirSync(out, { recursive: true });
  execFileSync(python, [script, packedFile, out], { stdio: ["ignore", "ignore", "pipe"] });
  writeFileSync(stamp, wanted);
  return out;
}

/** @param {{ file: string }} model */
export const packedFile = (model) => join(DIST, "models", model.file);
