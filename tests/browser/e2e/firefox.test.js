// The same package in Firefox: its two menu entries by the mouse, its popup, and its silence. What is the same code on the same
// engine in both browsers is tested in Chromium alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attemptAll, startSink } from "../harness/attempts.js";
import { eventually } from "../harness/browser.js";
import { firefoxPath, startFirefox } from "../harness/firefox.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";

const skip = firefoxPath() ? false : "there is no Firefox: install it, or set SOTTO_FIREFOX";

let server;
let firefox;

before(async () => {
  if (skip) return;
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  firefox = await startFirefox();
});

after(async () => {
  await firefox?.close();
  await server?.close();
});

test("Firefox: a selection is judged by a click in the menu", { skip }, async () => {
  await firefox.open(`${server.origin}/selection.html`);
  await firefox.inPage(() => getSelection().selectAllChildren(document.querySelector("#praise")));
  await firefox.chooseInMenu("#praise", "Classify selection with Sotto");
  await firefox.says(/Positive\s*\d+\s?%/);
  await firefox.screenshot("firefox-card");
});

test("Firefox: a picture is judged by a click in the menu, and not fetched again", { skip }, async () => {
  await firefox.open(`${server.origin}/pictures.html`);
  const nRequests = server.requests.length;
  await firefox.chooseInMenu("#coffee", "Check image with Sotto");
  await firefox.says(/Neutral|Drawing/);
  assert.equal(server.requests.length, nRequests);
});

test("Firefox: the popup tells of both models and their memory", { skip }, async () => {
  await firefox.openOwn("pages/popup.html");
  const said = await eventually("the popup", async () => {
    const text = await firefox.inPage(() => document.querySelector("main").innerText);
    return /MB/.test(text) && text;
  });
  assert.match(said, /Ready/);
  await firefox.screenshot("firefox-popup");
});
