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

/** Keys of a plural text end in a form of the language's own. */
const FORM = /_(?:zero|one|two|few|many|other)$/;
/** @typedef {Record<string, { message: string, description?: string }>} Messages */
/** @param {string} language @returns {Messages} */
const messagesOf = (language) => JSON.parse(read(`extension/_locales/${language}/messages.json`));
/** The forms that the language has for whole numbers up to a thousand; what it says of a million falls back to `other`. */
const formsOf = (/** @type {string} */ tag) => [...new Set(Array.from({ length: 1001 }, (_, count) => new Intl.PluralRules(tag).select(count)))];

test("every language has the same words, and of counted ones all its forms", () => {
  assert.ok(languages.length > 10 && keysOf("en").length > 100);
  const english = messagesOf("en");
  for (const language of languages) {
    const messages = messagesOf(language);
    const tag = messages["languageTag"]?.message ?? "";
    assert.equal(tag, language.replace("_", "-"));
    const wanted = Object.keys(english).flatMap((key) => !FORM.test(key) ? [key] : key.endsWith("_other") ? formsOf(tag).map((form) => key.replace(FORM, `_${form}`)) : []);
    assert.deepEqual(Object.keys(messages).sort(), wanted.sort(), language);
    for (const [key, { message }] of Object.entries(messages)) {
      const places = (/** @type {string} */ text) => [...new Set(text.match(/\$\d/g))].sort();
      const source = english[key]?.message ?? english[key.replace(FORM, "_other")]?.message ?? "";
      const [has, may] = [places(message), places(source)];
      // One of something may go by its name alone; in a language without that form it is counted all the same.
      const others = [...may, ...places(english[key.replace(FORM, "_one")]?.message ?? ""), ...places(english[key.replace(FORM, "_other")]?.message ?? "")];
      if (FORM.test(key)) assert.deepEqual(has.filter((place) => !others.includes(place)), [], `${language} ${key}`);
      else assert.deepEqual(has, may, `${language} ${key}`);
      assert.ok(message.trim() && !/\$(?!\d)/.test(message), `${language} ${key}`);
    }
    assert.ok((messages["extensionName"]?.message.length ?? 99) <= 45 && (messages["extensionDescription"]?.message.length ?? 999) <= 132, `${language}: longer than the stores take`);
  }
});

test("a percentage is written as the language writes it", () => {
  for (const language of languages) {
    const { languageTag, percent } = messagesOf(language);
    const written = new Intl.NumberFormat(languageTag?.message, { style: "percent" }).format(0.97);
    assert.equal(percent?.message.replace("$1", "97"), written, language);
  }
});

test("every word says to its translators where it stands", () => {
  assert.deepEqual(Object.entries(messagesOf("en")).filter(([, { description = "" }]) => description.length < 10).map(([key]) => key), []);
});

test("no word is there for nothing", () => {
  const code = ["src", "extension"].flatMap((folder) => readdirSync(join(ROOT, folder), { encoding: "utf8", recursive: true }).filter((name) => /\.(?:rs|js|html)$/.test(name)).map((name) => read(join(folder, name)))).join("\n") + read("manifest.json").replaceAll("__", " ").replaceAll("MSG_", "");
  // Names that are put together of a beginning and what an enumeration or a table says.
  const composed = [...code.matchAll(/(?:format!\("|`)(\w+?)(?:\{|\$\{)/g)].map((match) => match[1] ?? "").filter((start) => start.length > 3);
  const stems = [...code.matchAll(/(?:\{[\w.]*\}|\})(Meaning)["`]/g)].map((match) => match[1] ?? "");
  const words = new Set(code.match(/\w+/g));
  const unused = keysOf("en").filter((key) => ![key, key.replace(FORM, "")].some((name) => words.has(name)) && !composed.some((start) => key.startsWith(start)) && !stems.some((end) => key.endsWith(end)));
  assert.deepEqual(unused, []);
});

test("every word that a page or its Rust names is there", () => {
  const files = readdirSync(join(ROOT, "src/web/pages"), { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".rs"));
  const rust = files.map((name) => read(`src/web/pages/${name}`)).join("\n");
  const asked = [...rust.matchAll(/chrome::message\(\s*"(\w+)"/g)].map((match) => match[1] ?? "");
  const wanted = [...named(/data-msg(?:-label)?="(\w+)"/g), ...asked];
  assert.ok(wanted.length > 100, `${wanted.length}`);
  assert.deepEqual([...new Set(wanted)].filter((key) => !keysOf("en").includes(key)), []);
});

test("every kind of the packaged texts and pictures has its word", () => {
  for (const [file, column, prefix] of /** @type {const} */ ([["snippets.tsv", "kind", "proofKind_"], ["pictures/pictures.tsv", "group", "proofGroup_"]])) {
    const [head = "", ...lines] = read(`tests/evaluation/${file}`).trim().split("\n");
    const at = head.split("\t").indexOf(column);
    const kinds = new Set(lines.map((line) => line.split("\t")[at]));
    assert.ok(at >= 0 && kinds.size > 5, file);
    assert.deepEqual([...kinds].filter((kind) => !keysOf("en").includes(`${prefix}${kind}`)), []);
  }
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
