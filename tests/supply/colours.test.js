// A colour is written in extension/palette.css and nowhere else, so that light, dark, the card and the pages can't drift apart.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../browser/harness/places.js";

const COLOUR = /#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b|\b(?:rgb|hsl|lab|lch|oklab|oklch|hwb|light-dark|color)a?\(/gi;
const folder = join(ROOT, "extension");
const files = readdirSync(folder, { encoding: "utf8", recursive: true }).filter((file) => /\.(js|css|html|json)$/.test(file));

/**
 * What of a text is a colour, by its file.
 * @param {string} file
 * @param {string} text
 */
const coloursOf = (file, text) => (text.match(COLOUR) ?? []).map((colour) => `${file}: ${colour}`);

test("the lint sees what it is there for", () => {
  for (const line of ["background: #23986f;", "outline: '4px solid #D43'", "#17202b80", "rgb(16 24 40 / .18)", "hsla(0, 0%, 0%, 1)"]) {
    assert.equal(coloursOf("x", line).length, 1, line);
  }
  assert.deepEqual(coloursOf("x", "document.querySelector('#try-result'); var(--ink) palette(--alarm) #model-nsfw &#39;"), []);
});

test("no colour stands outside the palette", () => {
  const others = files.filter((file) => file !== "palette.css");
  assert.ok(others.length > 25 && others.length < files.length, `found ${files}`);
  const found = others.flatMap((file) => coloursOf(file, readFileSync(join(folder, file), "utf8")));
  assert.deepEqual(found, []);
});

test("every colour that is used is one of the palette's", () => {
  const palette = readFileSync(join(folder, "palette.css"), "utf8");
  const named = new Set([...palette.matchAll(/^ *(--[a-z-]+):/gm)].map(([, name]) => name));
  assert.ok(named.size > 15);
  const texts = files.map((file) => [file, readFileSync(join(folder, file), "utf8")]);
  // Lengths that are no colours, and the direction of a scale, which has a fallback.
  const others = ["--unit", "--round", "--to"];
  const used = texts.flatMap(([file, text]) => [...text.matchAll(/\b(?:var|palette)\((--[a-z-]+)/g)].map(([, name]) => [file, name]));
  assert.deepEqual(used.filter(([, name]) => !named.has(name) && !others.includes(name)), []);
  const idle = [...named].filter((name) => !used.some(([, one]) => one === name));
  assert.deepEqual(idle, [], "colours that nothing uses");
});

test("what is brought into pages has the palette's text and values in it", () => {
  const scripts = readdirSync(join(DIST, "content")).map((file) => readFileSync(join(DIST, "content", file), "utf8"));
  assert.ok(scripts.some((script) => /--ink:light-dark\(#/.test(script)));
  for (const script of scripts) assert.doesNotMatch(script, /@palette|palette\(/);
});
