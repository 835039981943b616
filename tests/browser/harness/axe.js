// Asks axe-core what is wrong with a page for people who use a screen reader, a keyboard or little contrast.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./places.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * What axe finds wrong below `selector`, one line for each element; throws when it had nothing to look at.
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export async function complaints(page, selector = "html") {
  // Through the debugger, so the page's content security policy has no say.
  await page.evaluate(readFileSync(join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8"));
  const { violations, passes } = await page.evaluate(
    ([scope, rules]) => /** @type {any} */ (globalThis).axe.run({ include: [[scope]] }, { runOnly: rules }), /** @type {const} */ ([selector, RULES]));
  if (!passes.length) throw new Error(`axe found nothing to check below ${selector}`);
  /** @typedef {{ target: unknown[] }} Found */
  return violations.flatMap((/** @type {{ id: string, help: string, nodes: Found[] }} */ { id, help, nodes }) => nodes.map(({ target }) => `${id} (${help}): ${target.flat().join(" ")}`));
}
