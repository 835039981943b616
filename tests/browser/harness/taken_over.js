// A content script that a page took over, on a page whose site is watched: the isolated world in which it may say to the background
// whatever it likes. The background can also be asked with any sender, which no test could forge otherwise.

import assert from "node:assert/strict";
import { editFile } from "./browser.js";
import { contentScript } from "./isolated.js";
import { FIXTURES, PICTURES } from "./places.js";
import { serve } from "./server.js";
import { startSotto } from "./sotto.js";

/** `{ server, sotto, page, taken, send, wasmBytes, close }`; `close` is for `after`. */
export async function takeOver() {
  const server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  const asked = "\nself.answerAs = (message, sender) => inEngine((host) => host.answer(message, sender));\n";
  const sotto = await startSotto({ hostPermissions: true, edit: (folder) => editFile(folder, "background.js", (text) => text + asked) });
  // The guard's scripts are the only ones that speak to the background of their own accord.
  for (const origin of [server.origin, server.otherOrigin]) {
    const reply = await sotto.ask({ ask: "guard", site: origin.replace(/:\d+$/, ""), on: true });
    assert.equal(reply.answer, "done", JSON.stringify(reply));
  }
  const page = await sotto.page(`${server.origin}/upload.html`);
  const taken = await contentScript(page, sotto.id);
  return {
    server, sotto, page, taken,
    /**
     * Whatever a script of the page's may say, in the protocol or not.
     * @param {unknown} message
     * @returns {Promise<any>}
     */
    send: (message) => taken.evaluate((request) => chrome.runtime.sendMessage(request), message),
    wasmBytes: async () => (await sotto.ask({ ask: "status" })).memory.wasmBytes,
    async close() {
      await sotto.close();
      await server.close();
      assert.deepEqual(server.unexpected, [], "requests that no page of ours makes");
    },
  };
}
