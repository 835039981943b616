// The bill of materials beside what cargo itself prints of the wasm's dependencies, by another of its commands.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../browser/harness/places.js";
import { bill, FEATURES, TARGET, told } from "./bill.js";

const asked = told();
const made = bill(asked);
/** @param {string} type */
const ofType = (type) => made.components.filter((component) => component.type === type);

/**
 * `name version` of every crate below sotto.
 * @param {string[]} wish
 */
function treeOf(wish) {
  const words = ["tree", "--locked", "--package", "sotto", "--target", TARGET, "--no-default-features", "--features", FEATURES.join(), "--prefix", "none", "--format", "{p}", ...wish];
  const lines = execFileSync("cargo", words, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim().split("\n");
  const names = lines.map((line) => line.replace(/ \(.*$/, "").replace(" v", " ")).filter((name) => !name.startsWith("sotto "));
  return [...new Set(names)].sort();
}

/** @param {{ name: string, version?: string }[]} components */
const named = (components) => components.map(({ name, version }) => `${name} ${version}`).sort();

test("every crate of the wasm's tree is named once, with version, licence and hash", () => {
  const crates = ofType("library").filter(({ name }) => name !== "rust-std");
  assert.ok(crates.length > 80, `${crates.length}`);
  assert.deepEqual(named(crates), treeOf(["--edges", "normal"]));
  for (const { name, version, licenses, hashes } of crates) {
    assert.match(version ?? "", /^\d+\.\d+\.\d+/, name);
    assert.match(JSON.stringify(licenses), /^\[\{"expression":"[\w.+() -]+"\}\]$/, name);
    assert.match(hashes?.[0]?.content ?? "", /^[0-9a-f]{64}$/, name);
  }
});

test("what only writes code while the wasm is compiled is told from what is in it", () => {
  const [excluded, required] = ["excluded", "required"].map((scope) => named(ofType("library").filter((one) => one.scope === scope)));
  assert.deepEqual(required.filter((name) => !name.startsWith("rust-std ")), treeOf(["--edges", "normal,no-proc-macro"]));
  for (const name of ["serde_derive", "syn", "wasm-bindgen-macro"]) assert.ok(excluded.some((one) => one.startsWith(`${name} `)), name);
  for (const name of ["candle-core", "serde", "wasm-bindgen"]) assert.ok(required.some((one) => one.startsWith(`${name} `)), name);
});

test("a crate or model without a licence, or a crate without a hash, is refused", () => {
  const packages = asked.metadata.packages.map((crate) => (crate.name === "candle-core" ? { ...crate, license: null } : crate));
  assert.throws(() => bill({ ...asked, metadata: { ...asked.metadata, packages } }), /candle-core [\d.]+ names no licence/);
  assert.throws(() => bill({ ...asked, models: asked.models.replace(/^licence = .*$/m, "") }), /no licence of sentiment/);
  assert.throws(() => bill({ ...asked, lock: asked.lock.replaceAll("checksum", "sum") }), /no checksum of /);
});

test("it is of the modules that ship", () => {
  const source = readFileSync(join(ROOT, "xtask/src/wasm.rs"), "utf8");
  const shipped = /ENGINES[^]*?PAGES[^]*?;/.exec(source)?.[0] ?? "";
  const features = [...shipped.matchAll(/features: "([^"]+)"/g)].flatMap(([, list]) => list?.split(",") ?? []);
  assert.deepEqual([...new Set(features)].sort(), [...FEATURES].sort());
});

test("the models are those of the package, with their licences and cards", () => {
  const models = ofType("machine-learning-model");
  assert.equal(models.length, asked.models.match(/^\[\[model\]\]$/gm)?.length);
  for (const model of models) {
    const { file } = /** @type {{ file: string }} */ (Object.fromEntries(/** @type {{ name: string, value: string }[]} */ (model.properties).map(({ name, value }) => [name.replace("sotto:", ""), value])));
    assert.equal(model.hashes?.[0]?.content, createHash("sha256").update(readFileSync(join(ROOT, file))).digest("hex"), file);
    const [licence] = model.licenses;
    assert.ok(licence && "license" in licence && licence.license.name.length > 3, model.name);
    const [card] = /** @type {{ url: string }[]} */ (model.externalReferences);
    assert.ok(readFileSync(join(ROOT, card?.url ?? ""), "utf8").length > 500);
    const { ancestors } = /** @type {{ ancestors: object[] }} */ (model.pedigree);
    assert.ok(ancestors.length > 0, model.name);
  }
});

test("every reference leads to one component, and the bill is the same each time", () => {
  const references = ["sotto", ...made.components.map((component) => component["bom-ref"])];
  assert.equal(new Set(references).size, references.length);
  const used = made.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
  assert.deepEqual(used.filter((ref) => !references.includes(ref)), []);
  assert.equal(JSON.stringify(bill(told())), JSON.stringify(made));
});
