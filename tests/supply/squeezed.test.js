// Page scripts come squeezed (xtask/src/squeeze.rs). A parser that knows nothing of that reads the same program from what ships
// as from what was there before (the source with the palette's colours put in), name by name and text by text, and another the
// same rules from the style sheets in it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "acorn";
import { generate, parse as parseStyle } from "css-tree";
import { DIST, ROOT, WORKSHOP } from "../browser/harness/places.js";

/** @param {Error} error */
const refuse = (error) => {
  throw error;
};
/**
 * The rules of a style sheet, however they are spaced.
 * @param {string} text
 */
const rules = (text) => generate(parseStyle(text, { parseCustomProperty: true, onParseError: refuse }));

/**
 * Pieces of templates, in their order.
 * @param {object} tree
 */
function pieces(tree) {
  /** @type {string[]} */
  const found = [];
  JSON.stringify(tree, (_, value) => {
    if (value?.type === "TemplateElement") found.push(value.value.raw);
    return typeof value === "bigint" ? null : value;
  });
  return found;
}

/**
 * A script as a parser reads it, a line for each thing in it, without its places; a style sheet where its source has one.
 * @param {string} text
 * @param {string} source
 */
function program(text, source) {
  const isStyle = pieces(parse(source, { ecmaVersion: "latest" })).map((piece) => piece.startsWith("\n"));
  let n = 0;
  /** @type {(key: string, value: any) => unknown} */
  const told = (key, value) => {
    if (key === "start" || key === "end") return undefined;
    if (value?.type === "TemplateElement") return isStyle[n++] ? { rules: rules(value.value.raw) } : { text: value.value.raw };
    // A literal is told as it is written, too.
    return typeof value === "bigint" ? null : value;
  };
  return JSON.stringify(parse(text, { ecmaVersion: "latest" }), told, 1).split("\n");
}

test("the comparison sees what squeezing must not do", () => {
  const source = "f('a  b', /a  b/, `a  b`, 1n);\nconst s = `\n  .a .b { content: \"\"; margin: 0 1px; }\n`;\ng\n++h";
  const squeezed = "f('a  b',/a  b/,`a  b`,1n);const s=`.a .b{content:\"\";margin:0 1px}`;g\n++h";
  assert.deepEqual(program(squeezed, source), program(source, source));
  for (const [right, wrong] of [["'a  b'", "'a b'"], ["/a  b/", "/a b/"], ["`a  b`", "`a b`"], ["1n", "2n"], [".a .b", ".a.b"],
    ["0 1px", "0 2px"], ["g\n++h", "g++\nh"], ["f(", "e("]]) {
    assert.ok(squeezed.includes(right));
    assert.notDeepEqual(program(squeezed.replace(right, wrong), source), program(source, source), wrong);
  }
});

const names = readdirSync(join(ROOT, "extension/content")).filter((name) => name.endsWith(".js"));

test("every page script is squeezed", () => {
  assert.ok(names.length > 10);
  const isScript = (/** @type {string} */ name) => name.endsWith(".js");
  assert.deepEqual(readdirSync(join(DIST, "content")).filter(isScript).sort(), names.sort());
});

for (const name of names) {
  test(`content/${name} is the program that its source is`, () => {
    const [source, shipped] = [join(WORKSHOP, "coloured"), DIST].map((folder) => readFileSync(join(folder, "content", name), "utf8"));
    assert.deepEqual(program(shipped, source), program(source, source));
    assert.ok(shipped.length < source.length && !shipped.includes("\n  "));
  });
}
