// What the package may not contain, read from the package itself: the content security policy does not bind content
// scripts, so nothing in them may be able to make a request at all; and what the policy leaves open elsewhere (a navigation,
// a connection ahead of one, WebRTC) nothing in the package uses.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../browser/harness/places.js";

const BANNED =
  /\b(fetch|fetchLater|RTCPeerConnection|XMLHttpRequest|WebSocket|WebTransport|EventSource|sendBeacon|importScripts|Worker|SharedWorker)\b|\bimport\s*\(|\blocation\s*=[^=]|\blocation\.(assign|replace)\b|\b(window|globalThis|self)\.open\s*\(|["'](link|iframe|script|embed|form)["']|new\s+Image\b|\.(src|href|action|data|poster|srcset)\s*=[^=]|\bsetAttribute\s*\(\s*["'](src|href|action|data|poster|srcset)/;
/**
 * What stays of a line when the two things that look like it, but load nothing, are taken out.
 * @param {string} line
 */
const harmless = (line) => line.replace(/\/\/.*$/, "").replace(/^\s*\*.*$|\/\*.*\*\//, "");

/**
 * Lines of a script that could make a request.
 * @param {string} text
 */
const offenders = (text) => text.split("\n").filter((line) => BANNED.test(harmless(line)));

test("the lint sees what it is there for", () => {
  const lines = ["fetch('x')", "new Image()", "image.src = url", "await import (url)", "navigator.sendBeacon(u)", "location = url",
    "window.open(url)", 'make("iframe", {})', "new RTCPeerConnection()"];
  for (const line of lines) {
    assert.deepEqual(offenders(line), [line]);
  }
  assert.deepEqual(offenders("// fetch is banned here\nif (a.src === b) c();"), []);
});

test("content scripts have no call that could reach the network", () => {
  const folder = join(DIST, "content");
  const files = readdirSync(folder);
  assert.ok(files.length >= 4, `found ${files}`);
  // They come squeezed: no comments, many statements on a line, and "//" only where it is text.
  /** @param {string} file */
  const statements = (file) => readFileSync(join(folder, file), "utf8").split(/[;\n]/);
  const found = files.flatMap((file) => statements(file).filter((part) => BANNED.test(part)).map((part) => `${file}: ${part}`));
  assert.deepEqual(found, []);
});

test("the package names no address outside itself", () => {
  const files = /** @type {string[]} */ (readdirSync(DIST, { recursive: true })).filter((file) => /\.(js|html|css|json)$/.test(file));
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

test("the package's other scripts read packaged files and nothing else", () => {
  const scripts = /** @type {string[]} */ (readdirSync(DIST, { recursive: true })).filter((file) => file.endsWith(".js") && !file.startsWith("content"));
  assert.ok(scripts.length >= 5, `found ${scripts}`);
  // background.js reads the weights; wasm-bindgen's glue what it is given, which is engine.js' file; start.js takes WebRTC away.
  const known = [
    /^background\.js: .*\bfetch\(chrome\.runtime\.getURL\(/,
    /sotto\.js: .*(fetch\(module_or_path\)|failed to fetch Wasm)/,
    // Helpers are one file.
    /^helpers\.js: (const send = "Worker" in globalThis \? startHelper|const worker = new Worker\(new URL\("helper\.js", import\.meta\.url\), \{ type: "module" \}\);)/,
    // The settings' worker, by the one name below.
    /^pages\/wasm\/sotto\.js: const ret = new Worker\(getStringFromWasm0\(/,
    // The names of places in a menu.
    /^background\.js: const WITH_PICTURES = /,
    // An SVG or a film from the file in hand, below.
    /^frames\.js: (const image = new Image\(\);|(image|video)\.src = address;)$/,
    // What the page "How good is it?" has judged, and the weights for its worker.
    /^pages\/packaged\.js: const response = await fetch\(new URL\(`\.\.\/proof\/\$\{file\}`, import\.meta\.url\)\);$/,
    /^pages\/prover\.js: const response = await fetch\(new URL\(`\.\.\/models\/\$\{prover\.fileOf\(task\)\}`, import\.meta\.url\)\);$/,
    // The one that tries all ways, below.
    /^pages\/silence\.js: /,
    /^pages\/start\.js: (for \(const name of \["RTCPeerConnection", "webkitRTCPeerConnection"\]\) delete|painted\.then\(\(\) => import\("\.\/wasm\/sotto\.js"\)\)|const \{ hasSimd \} = await import\("\.\.\/simd\.js"\);)/,
  ];
  const found = scripts.flatMap((file) => offenders(readFileSync(join(DIST, file), "utf8")).map((line) => `${file}: ${line.trim()}`));
  assert.deepEqual(found.filter((line) => !known.some((one) => one.test(line))), []);
  assert.ok(found.some((line) => known[0].test(line)), "the lint sees the fetch of background.js");
  assert.match(readFileSync(join(DIST, "engine.js"), "utf8"), /wasmFile = new URL\(`engine\/\$\{flavour\}\/sotto_bg\.wasm`, import\.meta\.url\);/);
  const names = /** @type {string[]} */ (readdirSync(join(ROOT, "src/web/pages"), { recursive: true })).filter((name) => name.endsWith(".rs"));
  const pages = names.map((name) => readFileSync(join(ROOT, "src/web/pages", name), "utf8")).join("\n");
  assert.deepEqual(pages.match(/Worker::new\([^,]*/g), ["Worker::new(script"]);
  const started = new Set(pages.match(/worker::start\([^,]*/g)?.map((call) => call.replace(/\s/g, "")));
  assert.deepEqual([...started].sort(), ["measurer", "packer", "prover"].map((name) => `worker::start("${name}.js"`));
  const addresses = readFileSync(join(DIST, "frames.js"), "utf8").match(/\baddress\s*=[^=].*/g);
  assert.deepEqual(addresses, ["address = URL.createObjectURL(blob);", 'address = URL.createObjectURL(new Blob([blob], { type: "image/svg+xml" }));']);
});

test("the ways to the network are tried by one script, on one page, and lead to one made-up place", () => {
  const files = /** @type {string[]} */ (readdirSync(DIST, { recursive: true })).filter((file) => /\.(js|html)$/.test(file));
  assert.deepEqual(files.filter((file) => readFileSync(join(DIST, file), "utf8").includes("silence.js")), ["pages/proof.html"]);
  const script = readFileSync(join(DIST, "pages/silence.js"), "utf8");
  assert.equal(script.match(/:\/\//g)?.length, 1, "one address is made");
  assert.match(script, /begin\(`\$\{scheme\}:\/\/\$\{host\}\/`,/);
  assert.equal(script.match(/\bhost = /g)?.length, 1);
  assert.match(script, /\bhost = `\$\{name\}\.\$\{HOST\}`;/);
  assert.deepEqual(script.match(/\bHOST = .*/g), ['HOST = "silence.example";']);
  assert.ok(offenders(script).length > 10, "the lint sees what it tries");
});

test("a graphics processor is asked for in one place, which the worker of one button alone loads", () => {
  const scripts = /** @type {string[]} */ (readdirSync(DIST, { recursive: true })).filter((file) => file.endsWith(".js"));
  /** @param {RegExp} pattern */
  const having = (pattern) => scripts.filter((file) => pattern.test(readFileSync(join(DIST, file), "utf8")));
  assert.deepEqual(having(/requestAdapter|navigator\.gpu/), ["gpu.js"]);
  assert.deepEqual(having(/["'`/]gpu\.js["'`]/), ["pages/measurer.js"]);
  assert.deepEqual(having(/measurer\.js/), []);
  for (const file of ["engine/relaxed/sotto_bg.wasm", "engine/simd128/sotto_bg.wasm"]) {
    assert.ok(!readFileSync(join(DIST, file)).includes("measurer.js"), file);
  }
  assert.ok(readFileSync(join(DIST, "pages/wasm/sotto_bg.wasm")).includes("measurer.js"), "the page's Rust starts it");
});

test("tabs and windows are opened on our own pages alone", () => {
  const calls = /** @type {string[]} */ (readdirSync(join(DIST), { recursive: true })).filter((file) => file.endsWith(".js") && !file.includes("sotto.js"))
    .flatMap((file) => readFileSync(join(DIST, file), "utf8").match(/\b(tabs|windows)\.(create|update)\([^)]*\)/g) ?? []);
  assert.ok(calls.length > 0);
  assert.deepEqual(calls.filter((call) => !/\burl: chrome\.runtime\.getURL\(/.test(call)), []);
});

test("pages connect to nothing ahead of time", () => {
  const pages = readdirSync(join(DIST, "pages")).filter((file) => file.endsWith(".html"));
  assert.ok(pages.length >= 4);
  const kinds = pages.flatMap((file) => [...readFileSync(join(DIST, "pages", file), "utf8").matchAll(/<link rel="([^"]*)"/g)].map(([, kind]) => kind));
  assert.deepEqual([...new Set(kinds)].sort(), ["icon", "stylesheet"]);
});

test("the compiled modules know no name of anything that makes a request", () => {
  const names = ["fetch", "XMLHttpRequest", "WebSocket", "WebTransport", "EventSource", "sendBeacon", "RTCPeer", "importScripts", "preconnect", "prefetch"];
  for (const file of ["engine/relaxed/sotto_bg.wasm", "engine/simd128/sotto_bg.wasm", "pages/wasm/sotto_bg.wasm"]) {
    const bytes = readFileSync(join(DIST, file));
    assert.deepEqual(names.filter((name) => bytes.includes(name)), [], file);
    assert.ok(bytes.includes("sendMessage") || bytes.includes("refused"), `${file} has names that can be found`);
  }
});
