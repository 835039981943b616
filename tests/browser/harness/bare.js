// A Chromium without a debugger on anything that was not asked for. Playwright attaches to every service worker, and a worker
// with a debugger never idles to death; tests of that death use this.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { browserFlags, eventually } from "./browser.js";
import { startCapture } from "./capture.js";
import { chromiumPath } from "./places.js";

/** @param {{ extensions?: string[] }} options */
export async function launchBare({ extensions = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "sotto-bare-"));
  const capture = await startCapture();
  const flags = [...browserFlags({ extensions }), ...capture.flags, "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"];
  const process = spawn(chromiumPath(), flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const bare = new Bare(process, profile, capture);
  await bare.send("Browser.getVersion");
  return bare;
}

/** @typedef {{ type: string, url: string, targetId: string }} TargetInfo */

class Bare {
  #process;
  #profile;
  #capture;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (problem: Error) => void }>} */
  #waiting = new Map();
  /** @type {Map<string, (params: any) => void>} */
  #listeners = new Map();
  #lastId = 0;
  #rest = "";
  #pipe;

  /**
   * @param {import("node:child_process").ChildProcess} process
   * @param {string} profile
   * @param {Awaited<ReturnType<typeof startCapture>>} capture
   */
  constructor(process, profile, capture) {
    this.#process = process;
    this.#profile = profile;
    this.#capture = capture;
    const [, , , toBrowser, fromBrowser] = process.stdio;
    this.#pipe = /** @type {import("node:stream").Writable} */ (toBrowser);
    /** @type {import("node:stream").Readable} */ (fromBrowser).setEncoding("utf8").on("data", (chunk) => this.#hear(chunk));
    process.on("exit", () => this.#waiting.forEach(({ reject }) => reject(new Error("Chromium ended"))));
  }

  /**
   * Messages are JSON with a zero byte after each.
   * @param {string} chunk
   */
  #hear(chunk) {
    const parts = (this.#rest + chunk).split("\0");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) {
      const { id, method, params, result, error } = JSON.parse(part);
      if (method) this.#listeners.get(method)?.(params);
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    }
  }

  /**
   * @param {string} method
   * @param {object} params
   * @param {string | undefined} sessionId
   * @returns {Promise<any>}
   */
  send(method, params = {}, sessionId = undefined) {
    const id = (this.#lastId += 1);
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#pipe.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }

  /**
   * One listener per kind of event.
   * @param {string} method
   * @param {(params: any) => void} listener
   */
  on(method, listener) {
    this.#listeners.set(method, listener);
  }

  /** @returns {Promise<TargetInfo[]>} */
  async targets() {
    return (await this.send("Target.getTargets", { filter: [{}] })).targetInfos;
  }

  /** The extension's address, once its service worker was seen. */
  async extensionUrl() {
    /** @param {TargetInfo} target */
    const isWorker = ({ type, url }) => type === "service_worker" && url.endsWith("/background.js");
    const { url } = await eventually("the service worker", async () => (await this.targets()).find(isWorker));
    return url.replace("background.js", "");
  }

  /**
   * Opens a page and returns a function that evaluates an expression in it and awaits its value; its `send` speaks to
   * the page's debugger and its `close` closes the page.
   * @param {string} address
   */
  async page(address) {
    const { targetId } = await this.send("Target.createTarget", { url: address });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    /**
     * @param {string} expression
     * @returns {Promise<any>}
     */
    const evaluate = async (expression) => {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await this.send("Runtime.evaluate", options, sessionId);
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    /**
     * @param {string} method
     * @param {object} params
     * @returns {Promise<any>}
     */
    evaluate.send = (method, params = {}) => this.send(method, params, sessionId);
    evaluate.close = () => this.send("Target.closeTarget", { targetId });
    await eventually(`${address} to load`, () => evaluate(`document.readyState === "complete" && location.href === ${JSON.stringify(address)}`));
    return evaluate;
  }

  async close() {
    const gone = new Promise((resolve) => this.#process.on("exit", resolve));
    await this.send("Browser.close").catch(() => {});
    await gone;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    this.#capture.close();
  }
}
