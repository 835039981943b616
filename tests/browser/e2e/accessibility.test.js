// axe-core on everything that is shown, light and dark: the four pages, the card in its kinds, the guard's dialog. On a page the
// shadow root is closed to axe too, so that part runs on a copy of dist/ whose surface.js opens it and differs in nothing else.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { complaints } from "../harness/axe.js";
import { editFile } from "../harness/browser.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const SCHEMES = ["light", "dark"];
const CARD = "[popover]";

let server;
let sotto;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  const open = (folder) => editFile(folder, "content/surface.js", (text) => text.replace('mode:"closed"', 'mode:"open"'));
  sotto = await startSotto({ hostPermissions: true, edit: open });
  const reply = await sotto.ask({ ask: "guard", site: server.origin.replace(/:\d+$/, ""), on: true });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
});

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** Both colour schemes of what stands on a page already. */
async function check(page, selector) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await complaints(page, selector), [], colorScheme);
  }
}

test("axe complains where there is something to complain about", async () => {
  const page = await sotto.page(`${server.origin}/selection.html`);
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", "<section id=bad><img src=data:,><button></button></section>"));
  const found = (await complaints(page, "#bad")).join("\n");
  assert.match(found, /image-alt/);
  assert.match(found, /button-name/);
  await page.close();
});

describe("pages", () => {
  for (const name of ["popup", "options", "welcome", "privacy"]) {
    test(name, async () => {
      const page = await sotto.page(sotto.url(`pages/${name}.html`));
      await page.locator("html[data-started=true]").waitFor({ state: "attached" });
      await check(page);
      await page.close();
    });
  }
});

describe("on a page", () => {
  for (const selector of ["#praise", "#both", "#signs"]) {
    test(`the card of ${selector}`, async () => {
      const page = await sotto.page(`${server.origin}/selection.html`);
      await sotto.classifySelection(page, selector);
      await page.locator(`${CARD} .sheet`).getByText(selector === "#signs" ? /judge/i : /\d+\s?%/).first().waitFor();
      await check(page, CARD);
      await page.close();
    });
  }

  test("the card of a picture", async () => {
    const page = await sotto.page(`${server.origin}/pictures.html`);
    await sotto.checkImage(page, "#coffee");
    await page.locator(`${CARD} .classes`).waitFor();
    await check(page, CARD);
    await page.close();
  });

  test("the guard's dialog", async () => {
    const page = await sotto.page(`${server.origin}/upload.html`);
    await page.locator("#pick").setInputFiles(join(FIXTURES, "false_alarm.png"));
    await page.locator(`${CARD} dialog`).waitFor();
    await check(page, CARD);
    await page.close();
  });
});
