// Tables that Rust and JavaScript share. The build writes them into tables.js, which the background imports; a content script
// can import nothing, so it writes the figure again and names the constant beside it: `const MOST = 24; // tables.js: SPOTS_MAX`.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { DIST, ROOT } from "../browser/harness/places.js";

const tables = await import(pathToFileURL(join(DIST, "tables.js")).href);
const CONTENT = join(ROOT, "extension/content");

test("every figure that a content script repeats is the one of the tables", () => {
  const seen = new Set();
  for (const file of readdirSync(CONTENT).filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(join(CONTENT, file), "utf8");
    for (const [, figure, name] of text.matchAll(/= ([\d_]+);[^\n]*\/\/ tables\.js: (\w+)/g)) {
      assert.equal(Number(figure.replaceAll("_", "")), tables.LIMITS[name], `extension/content/${file}: ${name}`);
      seen.add(name);
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(tables.LIMITS).sort(), "limits that no content script names");
});

test("the keyboard's command has the name of the menu entry that it stands for", () => {
  const { commands } = JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8"));
  assert.deepEqual(Object.keys(commands), [tables.MENU.selection]);
});

test("what brings a selected text or a place in view has its model read early", () => {
  assert.equal(tables.NEEDED.textInPopup, "text");
  assert.equal(tables.NEEDED.inView, "picture");
});

test("everything that the manifest, the pages and the background name is in the package, and nothing lies there unnamed", () => {
  const files = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(DIST.length + 1));
  const rust = readdirSync(join(ROOT, "src/web"), { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".rs"));
  const named = rust.flatMap((name) => [...readFileSync(join(ROOT, "src/web", name), "utf8").matchAll(/"(content\/[\w.]+\.(?:js|css))"/g)].map(([, file]) => file));
  const pages = names.filter((name) => name.endsWith(".html")).map((name) => readFileSync(join(DIST, name), "utf8")).join("\n");
  assert.ok(named.length > 10);
  assert.deepEqual([...new Set(named)].filter((name) => !names.includes(name)), [], "scripts that Rust names and nobody packs");
  const scripts = names.filter((name) => name.startsWith("content/"));
  assert.deepEqual(scripts.filter((name) => !named.includes(name) && !pages.includes(name)), [], "scripts that nobody brings");
});
