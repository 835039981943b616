// What one file names and another must have: words in every language, models with their cards, settings behind controls.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../browser/harness/places.js";

/** @param {string} path */
const read = (path) => readFileSync(join(ROOT, path), "utf8");
const languages = readdirSync(join(ROOT, "extension/_locales"));
/** @param {string} language @returns {string[]} */
const keysOf = (language) => Object.keys(JSON.parse(read(`extension/_locales/${language}/messages.json`)));
const pages = readdirSync(join(ROOT, "extension/pages")).filter((name) => name.endsWith(".html")).map((name) => read(`extension/pages/${name}`)).join("\n");
/** @param {RegExp} pattern */
const named = (pattern) => [...pages.matchAll(pattern)].map((match) => match[1] ?? "");

test("every language has the same words", () => {
  assert.ok(languages.length > 1 && keysOf("en").length > 100);
  for (const language of languages) assert.deepEqual(keysOf(language).sort(), keysOf("en").sort(), language);
});

test("every word that a page or its Rust names is there", () => {
  const rust = readdirSync(join(ROOT, "src/web/pages"), { encoding: "utf8" }).map((name) => read(`src/web/pages/${name}`)).join("\n");
  const asked = [...rust.matchAll(/chrome::message\(\s*"(\w+)"/g)].map((match) => match[1] ?? "");
  const wanted = [...named(/data-msg(?:-label)?="(\w+)"/g), ...asked];
  assert.ok(wanted.length > 100, `${wanted.length}`);
  assert.deepEqual([...new Set(wanted)].filter((key) => !keysOf("en").includes(key)), []);
});

test("every control stands for a setting that there is", () => {
  const { properties } = JSON.parse(readFileSync(join(DIST, "managed.json"), "utf8"));
  const settings = named(/data-(?:binds|setting)="(\w+)"/g);
  assert.ok(settings.length > 1);
  assert.deepEqual(settings.filter((name) => !(name in properties)), []);
});

test("every packed model stands in models.toml once, with a card", () => {
  const table = read("models/models.toml");
  const ids = [...table.matchAll(/^id = "(.+)"$/gm)].map((match) => match[1]);
  const files = [...table.matchAll(/^file = "(.+)"$/gm)].map((match) => match[1] ?? "");
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(readdirSync(join(ROOT, "models")).filter((name) => name.endsWith(".gguf")).sort(), files.sort());
  for (const file of files) assert.ok(read(`models/${file.replace(/\.gguf$/, ".md")}`).length > 500, file);
});
