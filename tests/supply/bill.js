// The bill of materials of what ships, as CycloneDX 1.5: `node tests/supply/bill.js` prints it, and `cargo xtask release` keeps it. It
// names the crates that are compiled into the wasm, those that only write code for them while they are compiled (`excluded`), the
// compiler's own library, and the models. Nothing of npm is in it, because nothing of npm ships. It has no time and no random
// number, so that the same tree has the same bill.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../browser/harness/places.js";

/** What the modules in the package are compiled with (xtask/src/wasm.rs), together. */
export const FEATURES = ["web", "relaxed", "pages"];
export const TARGET = "wasm32-unknown-unknown";

/**
 * What cargo and the compiler say, as far as it is read here.
 * @typedef {{ id: string, name: string, version: string, license: string | null, description: string | null, targets: { kind: string[] }[] }} Crate
 * @typedef {{ id: string, deps: { pkg: string, dep_kinds: { kind: string | null }[] }[] }} Node
 * @typedef {{ packages: Crate[], resolve: { nodes: Node[] } }} Metadata
 * @typedef {{ metadata: Metadata, lock: string, models: string, compiler: string }} Told
 */

/**
 * @typedef {{ alg: string, content: string }} Hash
 * @typedef {{ expression: string } | { license: { name: string } }} Licence
 * @typedef {{ type: string, name: string, version?: string, scope?: string, hashes?: Hash[] }} Ancestor
 * @typedef {Ancestor & { "bom-ref": string, licenses: Licence[] } & Record<string, unknown>} Component
 */

/** @returns {Told} */
export function told() {
  const asked = ["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET, "--no-default-features", "--features", FEATURES.join()];
  /** @param {string} program @param {string[]} words */
  const says = (program, words) => execFileSync(program, words, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
  /** @param {string} path */
  const read = (path) => readFileSync(join(ROOT, path), "utf8");
  return { metadata: JSON.parse(says("cargo", asked)), lock: read("Cargo.lock"), models: read("models/models.toml"), compiler: says("rustc", ["--version", "--verbose"]) };
}

/** @param {Told} told */
export function bill({ metadata, lock, models, compiler }) {
  const { packages, resolve } = metadata;
  const crates = new Map(packages.map((crate) => [crate.id, crate]));
  const sotto = packages.find(({ name }) => name === "sotto");
  if (!sotto) throw new Error("cargo names no crate sotto");
  const next = edges(resolve.nodes);
  /** @param {string} id */
  const runsWhileCompiling = (id) => crates.get(id)?.targets.some(({ kind }) => kind.includes("proc-macro")) ?? false;
  // What a macro needs is no more in the wasm than the macro.
  const inside = reached(sotto.id, (id) => (runsWhileCompiling(id) ? [] : next(id)));
  const isInside = (/** @type {string} */ id) => inside.has(id) && !runsWhileCompiling(id);
  const all = [...reached(sotto.id, next)].filter((id) => id !== sotto.id).map((id) => /** @type {Crate} */ (crates.get(id)));
  all.sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
  const standard = standardLibrary(compiler);
  const packed = modelsOf(models);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: { type: "application", "bom-ref": "sotto", name: "sotto", version: sotto.version, description: sotto.description, licenses: licencesOf(sotto) },
    },
    components: [...all.map((crate) => componentOf(crate, lock, isInside(crate.id))), standard, ...packed],
    dependencies: [
      { ref: "sotto", dependsOn: [...next(sotto.id).map((id) => refOf(crates.get(id))), standard["bom-ref"], ...packed.map((model) => model["bom-ref"])].sort(compare) },
      ...all.map((crate) => ({ ref: refOf(crate), dependsOn: next(crate.id).map((id) => refOf(crates.get(id))).sort(compare) })),
    ],
  };
}

/**
 * By code units: no machine's language has a say.
 * @param {string} a
 * @param {string} b
 */
const compare = (a, b) => (a < b ? -1 : Number(a > b));

/**
 * What a crate needs of others where it runs: neither for its build script nor for its tests.
 * @param {Node[]} nodes
 * @returns {(id: string) => string[]}
 */
function edges(nodes) {
  const known = new Map(nodes.map(({ id, deps }) => [id, deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null)).map(({ pkg }) => pkg)]));
  return (id) => known.get(id) ?? [];
}

/**
 * @param {string} from
 * @param {(id: string) => string[]} next
 */
function reached(from, next) {
  const seen = new Set([from]);
  for (const id of seen) for (const other of next(id)) seen.add(other);
  return seen;
}

/** @param {{ name: string, version: string } | undefined} crate */
const refOf = (crate) => (crate?.name === "sotto" ? "sotto" : `pkg:cargo/${crate?.name}@${crate?.version}`);

/**
 * @param {Crate} crate
 * @returns {Licence[]}
 */
function licencesOf({ name, version, license }) {
  if (!license) throw new Error(`${name} ${version} names no licence: find out which it has before it ships`);
  // Old crates write "/" for OR.
  return [{ expression: license.replaceAll("/", " OR ") }];
}

/**
 * @param {Crate} crate
 * @param {string} lock
 * @param {boolean} isInside
 * @returns {Component}
 */
function componentOf(crate, lock, isInside) {
  const entry = lock.split("[[package]]").find((one) => one.includes(`\nname = "${crate.name}"\nversion = "${crate.version}"\n`));
  const sum = /^checksum = "([0-9a-f]{64})"$/m.exec(entry ?? "")?.[1];
  if (!sum) throw new Error(`Cargo.lock has no checksum of ${crate.name} ${crate.version}`);
  return {
    type: "library",
    "bom-ref": refOf(crate),
    name: crate.name,
    version: crate.version,
    scope: isInside ? "required" : "excluded",
    hashes: [{ alg: "SHA-256", content: sum }],
    licenses: licencesOf(crate),
    purl: refOf(crate),
  };
}

/**
 * @param {string} compiler what `rustc --version --verbose` says
 * @returns {Component}
 */
function standardLibrary(compiler) {
  /** @param {string} name */
  const field = (name) => new RegExp(`^${name}: (.+)$`, "m").exec(compiler)?.[1] ?? "unknown";
  return {
    type: "library",
    "bom-ref": "rust-std",
    name: "rust-std",
    version: field("release"),
    description: `The compiler's own library for ${TARGET}, with the crates that it contains`,
    scope: "required",
    licenses: [{ expression: "MIT OR Apache-2.0" }],
    properties: [{ name: "rustc:commit-hash", value: field("commit-hash") }],
  };
}

/**
 * @param {string} toml
 * @returns {Component[]}
 */
function modelsOf(toml) {
  return toml.split(/^\[\[model\]\]$/m).slice(1).map((table) => {
    const [own, ...parts] = table.split(/^(?=\[model\.)/m);
    const sources = parts.filter((part) => part.startsWith("[model.source")).map(fieldsOf).filter(({ version }) => version);
    const { id, title, file, sha256, bytes, licence } = fieldsOf(own);
    if (!licence) throw new Error(`models/models.toml names no licence of ${id}`);
    return {
      type: "machine-learning-model",
      "bom-ref": `model:${id}`,
      name: id,
      description: title,
      scope: "required",
      hashes: [{ alg: "SHA-256", content: sha256 }],
      licenses: [{ license: { name: licence } }],
      pedigree: { ancestors: sources.map(ancestorOf) },
      externalReferences: [{ type: "model-card", url: `models/${file.replace(/\.gguf$/, ".md")}` }],
      properties: [{ name: "sotto:file", value: `models/${file}` }, { name: "sotto:bytes", value: bytes }],
    };
  });
}

/**
 * @param {Record<string, string>} source
 * @returns {Ancestor}
 */
const ancestorOf = ({ package: name, name: other, version, sha256 }) =>
  ({ type: "machine-learning-model", name: name ?? other, version, hashes: [{ alg: "SHA-256", content: sha256 }] });

/**
 * A table's lines of one text or number each.
 * @param {string} table
 * @returns {Record<string, string>}
 */
const fieldsOf = (table) => Object.fromEntries([...table.matchAll(/^(\w+) = (?:"(.*)"|([\d.]+))$/gm)].map(([, name, text, figure]) => [name, text ?? figure]));

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(bill(told()), null, 2));
