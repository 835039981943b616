// What the two stores are given (xtask/src/packages.rs): dist/ without what only the other browser knows, and nothing else is changed.
// The build lays beside dist/ the files that are others.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse } from "acorn";
import { DIST, ROOT, WORKSHOP } from "../browser/harness/places.js";

const LINTER = join(ROOT, "tests/supply/node_modules/addons-linter/bin/addons-linter");
const CLOSED_ROOT = ["chrome.dom?.openOrClosedShadowRoot(element)??", ""];

/**
 * Members that a manifest loses, words that its lists lose, and texts of scripts with what stands there instead.
 * @type {Record<string, { members: string[], words: string[], scripts: Record<string, string[]> }>}
 */
const LISTED = {
  chromium: { members: ["browser_specific_settings", "background.scripts"], words: [], scripts: {} },
  firefox: {
    members: ["minimum_chrome_version", "background.service_worker", "optional_permissions"],
    words: ["offscreen"],
    scripts: {
      "loaded.js": ["chrome.pageCapture.saveAsMHTML({ tabId })", "null"],
      "unseen.js": [
        'await chrome.offscreen.createDocument({ url: PAGE, reasons: ["WORKERS", "BLOBS"], justification });', "throw new Error(justification);",
      ],
      "content/guard.js": CLOSED_ROOT,
      "content/pixels.js": CLOSED_ROOT,
      "content/select.js": CLOSED_ROOT,
    },
  },
};

/** @param {string} name */
const folderOf = (name) => join(WORKSHOP, "packages", name);
/** @param {string} folder @param {string} file */
const read = (folder, file) => readFileSync(join(folder, file), "utf8");
/** @param {string} folder */
const manifestOf = (folder) => JSON.parse(read(folder, "manifest.json"));

for (const [name, { members, words, scripts }] of Object.entries(LISTED)) {
  test(`${name}'s manifest is dist/'s without what is listed`, () => {
    const [manifest, wanted] = [manifestOf(folderOf(name)), manifestOf(DIST)];
    for (const member of members) {
      const path = member.split(".");
      const last = path.pop() ?? "";
      const holder = path.reduce((value, part) => value[part], wanted);
      assert.ok(last in holder, `${member} is in dist/'s`);
      delete holder[last];
    }
    assert.deepEqual(words.filter((word) => !wanted.permissions.includes(word)), []);
    wanted.permissions = wanted.permissions.filter((/** @type {string} */ permission) => !words.includes(permission));
    assert.deepEqual(manifest, wanted);
  });

  test(`no other file of ${name}'s package differs than those that are listed, and these only as listed`, () => {
    const files = readdirSync(folderOf(name), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const names = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folderOf(name).length + 1));
    assert.deepEqual(names.sort(), ["manifest.json", ...Object.keys(scripts)].sort());
    for (const [file, [text, instead]] of Object.entries(scripts)) {
      const parts = read(DIST, file).split(text ?? "");
      assert.equal(parts.length, 2, `${file} says it once`);
      const script = read(folderOf(name), file);
      assert.equal(script, parts.join(instead));
      const kind = file.startsWith("content/") ? "script" : "module";
      parse(script, /** @type {any} */ ({ ecmaVersion: "latest", sourceType: kind }));
    }
  });
}

test("between the two manifests lies what only one of the browsers knows", () => {
  const [chromium, firefox] = ["chromium", "firefox"].map((name) => manifestOf(folderOf(name)));
  const keys = [...new Set([...Object.keys(chromium), ...Object.keys(firefox)])];
  const others = keys.filter((key) => JSON.stringify(chromium[key]) !== JSON.stringify(firefox[key]));
  assert.deepEqual(others.sort(), ["background", "browser_specific_settings", "minimum_chrome_version", "optional_permissions", "permissions"]);
});

test("the store's linter has nothing at all to say of the package for Firefox", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sotto-firefox-package-"));
  try {
    cpSync(DIST, folder, { recursive: true });
    cpSync(folderOf("firefox"), folder, { recursive: true });
    const limits = { maxBuffer: 64 * 1024 * 1024 };
    const said = await promisify(execFile)(process.execPath, [LINTER, "--output", "json", folder], limits).catch((error) => error);
    const { errors, warnings, notices, metadata } = JSON.parse(said.stdout);
    assert.deepEqual([...errors, ...warnings, ...notices], []);
    assert.equal(metadata.version, manifestOf(DIST).version, "the linter looked");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the recipe for reviewers names the compiler that a release is made with, and every command in it is there", () => {
  const recipe = read(ROOT, "docs/BUILDING.md");
  const oldest = /^rust-version = "([\d.]+)"$/m.exec(read(ROOT, "Cargo.toml"))?.[1];
  const named = new Set(recipe.match(/\b1\.\d+\.\d+\b/g));
  assert.deepEqual([...named], [`${oldest}.0`]);
  const commands = [...recipe.matchAll(/cargo (?:\+[\d.]+ )?xtask ([a-z]+)/g)].map(([, command]) => command ?? "");
  assert.ok(commands.length > 1);
  const known = read(ROOT, "xtask/src/main.rs");
  for (const command of commands) assert.ok(known.includes(`["${command}"`), command);
});
