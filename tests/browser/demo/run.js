// `cargo xtask run`: opens the demo page in a Chromium with the extension. In a window it is the person's; headless it judges
// a selection and a picture through the menu, prints both verdicts and the screenshots' places, and fails when either is
// missing.

import { fileURLToPath } from "node:url";
import { screenshot, shown } from "../harness/browser.js";
import { PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const page = fileURLToPath(new URL("./index.html", import.meta.url));
const mode = process.argv[2];
if (mode !== "window" && mode !== "headless") {
  console.error("usage: run.js window|headless");
  process.exit(2);
}

const server = await serve({ routes: { "/demo": page, "/pictures/": PICTURES } });
const options = mode === "window" ? { viewport: null } : {};
const sotto = await startSotto({ headless: mode === "headless", options });

if (mode === "window") {
  const demo = await sotto.page(`${server.origin}/demo`);
  for (const empty of sotto.context.pages().filter((opened) => opened !== demo)) await empty.close();
  console.log(`The demo page is ${server.origin}/demo. This browser reaches nothing but this machine. Close it to end.`);
  await new Promise((resolve) => sotto.context.on("close", resolve));
  await sotto.close();
  await server.close();
} else {
  try {
    await judge("selection", "#praise", (tab, selector) => sotto.classifySelection(tab, selector));
    await judge("picture", "#picture", (tab, selector) => sotto.checkImage(tab, selector));
  } finally {
    await sotto.close();
    await server.close();
  }
  if (server.unexpected.length) throw new Error(`unexpected requests: ${server.unexpected.join(", ")}`);
}

/**
 * @param {string} what
 * @param {string} selector
 * @param {(tab: Page, selector: string) => Promise<unknown>} choose
 */
async function judge(what, selector, choose) {
  const tab = await sotto.page(`${server.origin}/demo`);
  await tab.locator(selector).scrollIntoViewIfNeeded();
  await choose(tab, selector);
  const says = await sotto.says(tab, /\d+\s?%[^]*\bms\b/, 60_000);
  console.log(`${what}: ${says}`);
  console.log(`  ${shown(await screenshot(tab, `demo-${what}`))}`);
  await tab.close();
}
