// Other people's code and the weights: where they come from, under which licence, and what of it runs while Sotto is built.
// The lists are deny.toml's; `cargo xtask audit` has cargo-deny check them more thoroughly, and takes minutes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../browser/harness/places.js";

/** @param {string} path */
const read = (path) => readFileSync(join(ROOT, path), "utf8");
/** @param {string} key */
const listOf = (key) => new RegExp(`^${key} = \\[([^\\]]*)\\]`, "m").exec(read("deny.toml"))[1].match(/"[^"]+"/g).map((word) => word.slice(1, -1));

/**
 * All crates of others that a workspace names.
 * @param {string} manifest
 * @returns {{ name: string, source: string | null, license: string | null, targets: { kind: string[] }[] }[]}
 */
function cratesOf(manifest) {
  const asked = ["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest];
  const told = execFileSync("cargo", asked, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(told).packages.filter((/** @type {{ source: string | null }} */ { source }) => source !== null);
}

/**
 * Workspaces that a test run builds, and what their own crates may be beyond deny.toml: of the second nothing ships.
 * @type {{ manifest: string, licences: string[], scripts: string[] }[]}
 */
const WORKSPACES = [
  { manifest: "Cargo.toml", licences: [], scripts: [] },
  {
    manifest: "tests/gpu/Cargo.toml", licences: ["ISC"],
    scripts: ["ash", "naga", "objc2", "portable-atomic", "portable-atomic-util", "wgpu", "wgpu-core", "wgpu-hal"],
  },
];

/**
 * Whether a licence expression can be met with licences of the list. Old crates write "/" for OR.
 * @param {string} expression
 * @param {string[]} allowed
 */
function isMet(expression, allowed) {
  const words = expression.replaceAll("/", " OR ").match(/\(|\)|[\w.+-]+/g);
  /** @param {string} word */
  const take = (word) => words[0] === word && Boolean(words.shift());
  /** @returns {boolean} */
  const term = () => {
    if (take("(")) {
      const inner = either();
      take(")");
      return inner;
    }
    const name = words.shift();
    // An exception only permits more.
    if (take("WITH")) words.shift();
    return allowed.includes(name);
  };
  /** @returns {boolean} */
  const both = () => {
    let met = term();
    while (take("AND")) met = term() && met;
    return met;
  };
  /** @returns {boolean} */
  const either = () => {
    let met = both();
    while (take("OR")) met = both() || met;
    return met;
  };
  return either() && words.length === 0;
}

test("licence expressions are read", () => {
  const allowed = ["MIT", "Apache-2.0"];
  for (const fine of ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(MIT OR GPL-3.0) AND Apache-2.0", "Apache-2.0 WITH LLVM-exception"]) {
    assert.ok(isMet(fine, allowed), fine);
  }
  for (const wrong of ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR BSL-1.0) AND MIT"]) assert.ok(!isMet(wrong, allowed), wrong);
});

for (const { manifest, licences, scripts } of WORKSPACES) {
  const crates = cratesOf(manifest);

  test(`every crate of ${manifest} has a licence that we allow`, () => {
    const allowed = [...listOf("allow"), ...licences];
    assert.ok(crates.length > 100 && allowed.includes("MIT"));
    const without = crates.filter(({ license }) => !license || !isMet(license, allowed));
    assert.deepEqual(without.map(({ name, license }) => `${name}: ${license}`), []);
  });

  test(`no crate of ${manifest} runs code while it is built but those that are named`, () => {
    const named = [...listOf("allow-build-scripts"), ...scripts];
    const running = crates.filter(({ targets }) => targets.some(({ kind }) => kind.includes("custom-build"))).map(({ name }) => name);
    assert.ok(running.length > 5);
    assert.deepEqual(running.filter((name) => !named.includes(name)), []);
  });
}

test("every crate comes from one registry, with its sha256 in Cargo.lock", () => {
  for (const lock of ["Cargo.lock", "fuzz/Cargo.lock", "tests/gpu/Cargo.lock"]) {
    const packages = read(lock).split("[[package]]").slice(1);
    const foreign = packages.filter((entry) => entry.includes("source = "));
    assert.ok(foreign.length > 20, lock);
    const sources = new Set(foreign.map((entry) => /source = "([^"]+)"/.exec(entry)[1]));
    assert.deepEqual([...sources].map((source) => source.split("+")[0]), ["registry"], lock);
    assert.deepEqual(foreign.filter((entry) => !/checksum = "[0-9a-f]{64}"/.test(entry)), [], lock);
  }
});

test("node packages are pinned, with a hash each, and none runs anything when it is installed", () => {
  for (const folder of ["", "benches/", "tests/supply/"]) {
    const wanted = JSON.parse(read(`${folder}package.json`));
    for (const [name, version] of Object.entries({ ...wanted.dependencies, ...wanted.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+/, `${folder}package.json: ${name}`);
    }
    const { packages } = JSON.parse(read(`${folder}package-lock.json`));
    const foreign = Object.entries(packages).filter(([path]) => path !== "");
    assert.ok(foreign.length > 1, folder);
    assert.deepEqual(foreign.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? "")).map(([path]) => path), [], folder);
  }
  assert.match(read("xtask/src/setup.rs"), /"npm", &\["ci", "--ignore-scripts"/);
});

test("the packaged weights are those that models.toml names", () => {
  const named = [...read("models/models.toml").matchAll(/^\[\[model\]\]([^]*?)(?=^\[\[|(?![^]))/gm)].map(([, table]) => ({
    file: /^file = "([^"]+)"/m.exec(table)[1],
    sha256: /^sha256 = "([0-9a-f]{64})"/m.exec(table)[1],
  }));
  assert.ok(named.length >= 2);
  for (const { file, sha256 } of named) {
    assert.equal(createHash("sha256").update(readFileSync(join(DIST, "models", file))).digest("hex"), sha256, file);
  }
});
