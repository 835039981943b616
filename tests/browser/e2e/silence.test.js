// What the package may not contain, read from the package itself: the content security policy does not bind content
// scripts, so nothing in them may be able to make a request at all.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../harness/places.js";

const BANNED =
  /\b(fetch|XMLHttpRequest|WebSocket|WebTransport|EventSource|sendBeacon|RTCPeerConnection|importScripts|Worker|SharedWorker)\b|\bimport\s*\(|new\s+Image\b|\.(src|href|action|data|poster|srcset)\s*=[^=]|\bsetAttribute\s*\(\s*["'](src|href|action|data|poster|srcset)/;
/** What stays of a line when the two things that look like it, but load nothing, are taken out. */
const harmless = (line) => line.replace(/\/\/.*$/, "").replace(/^\s*\*.*$|\/\*.*\*\//, "");

/** Lines of a script that could make a request. */
const offenders = (text) => text.split("\n").filter((line) => BANNED.test(harmless(line)));

test("the lint sees what it is there for", () => {
  for (const line of ["fetch('x')", "new Image()", "image.src = url", "await import (url)", "navigator.sendBeacon(u)"]) {
    assert.deepEqual(offenders(line), [line]);
  }
  assert.deepEqual(offenders("// fetch is banned here\nif (a.src === b) c();"), []);
});

test("content scripts have no call that could reach the network", () => {
  const folder = join(DIST, "content");
  const files = readdirSync(folder);
  assert.ok(files.length >= 4, `found ${files}`);
  const found = files.flatMap((file) => offenders(readFileSync(join(folder, file), "utf8")).map((line) => `${file}: ${line.trim()}`));
  assert.deepEqual(found, []);
});

test("the package names no address outside itself", () => {
  const files = readdirSync(DIST, { recursive: true }).filter((file) => /\.(js|html|css|json)$/.test(file));
  assert.ok(files.length > 10);
  const found = files.flatMap((file) => [...readFileSync(join(DIST, file), "utf8").matchAll(/\b(?:https?|wss?):\/\/[^\s"'`<>)]+/g)].map(([url]) => `${file}: ${url}`));
  // Names of XML vocabularies, examples shown to people, and a comment that wasm-bindgen writes.
  const known = /https?:\/\/(www\.w3\.org\/|([a-z]+\.)?example\.(com|org)|developer\.mozilla\.org\/)/;
  assert.deepEqual(found.filter((line) => !known.test(line)), []);
});

test("no feature of web-sys that can make a request is compiled in", () => {
  const manifest = readFileSync(join(ROOT, "Cargo.toml"), "utf8");
  const features = /web-sys = \{[^}]*features = \[([^\]]*)\]/.exec(manifest)[1].match(/"([^"]+)"/g);
  assert.ok(features.length > 10);
  const banned = /^"(Request|Response|Headers|XmlHttpRequest|WebSocket|EventSource|Navigator|Rtc|Beacon|HtmlImageElement|HtmlLinkElement|HtmlIFrameElement|Worker|ServiceWorker)/;
  assert.deepEqual(features.filter((feature) => banned.test(feature)), []);
});
