// Runs code where Sotto's content scripts run: what a page that had taken one of them over could do.

import { eventually } from "./browser.js";

/**
 * The isolated world of the extension in a page's own frame; there once a script of ours was inserted.
 * @param {Page} page
 * @param {string} extensionId
 */
export async function contentScript(page, extensionId) {
  const session = await page.context().newCDPSession(page);
  const worlds = new Map();
  session.on("Runtime.executionContextCreated", ({ context }) => {
    if (context.origin === `chrome-extension://${extensionId}`) worlds.set(context.id, context);
  });
  session.on("Runtime.executionContextDestroyed", ({ executionContextId }) => worlds.delete(executionContextId));
  await session.send("Runtime.enable");
  const world = await eventually("a content script of Sotto's", () => [...worlds.values()][0]);
  return {
    /**
     * An expression, or a function with arguments that JSON can carry; gives its value or what its promise settles to.
     * @template {unknown[]} Given
     * @param {string | ((...given: Given) => unknown)} work
     * @param {Given} parameters
     * @returns {Promise<any>}
     */
    async evaluate(work, ...parameters) {
      const expression = typeof work === "string" ? work : `(${work})(...${JSON.stringify(parameters)})`;
      const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
        expression, contextId: world.id, awaitPromise: true, returnByValue: true,
      });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
  };
}
