// Hears every request of a browser under test, twice: at a proxy that everything must pass and that leads to the fixtures
// alone, and from the debugger, which says who asked. Whoever closes the browser learns of a request that the extension made
// or tried, and of one that any page or worker made to anywhere but the fixtures.

import { createServer, request as httpRequest } from "node:http";
import { connect } from "node:net";

/** Ports of this machine that a browser under test may reach. */
const fixturePorts = new Set();

/**
 * `serve` calls this: the proxy leads to the port from now on.
 * @param {number} port
 */
export const letThrough = (port) => fixturePorts.add(Number(port));

const OWN = "chrome-extension://";
/** @param {unknown} address */
const isOwn = (address) => typeof address === "string" && address.startsWith(OWN);
/**
 * What never leaves the browser.
 * @param {string} address
 */
const staysInside = (address) => /^(chrome-extension|chrome|devtools|blob|data|about):/.test(address);

export async function startCapture() {
  const capture = new Capture();
  await capture.listen();
  return capture;
}

/** @typedef {import("node:http").IncomingMessage} Incoming */

class Capture {
  /** Requests that passed the proxy to a fixture. */
  #nToFixtures = 0;
  /** Requests, made or refused by the policy, whose asker is an extension. */
  #byExtension = /** @type {Set<string>} */ (new Set());
  /** Requests that the proxy did not let through, by host and port. */
  #refused = /** @type {Map<string, string>} */ (new Map());
  /** Hosts and ports outside the fixtures that some page, frame or worker asked for, as the debugger heard. */
  #asked = /** @type {Set<string>} */ (new Set());
  #closed = false;
  flags = /** @type {string[]} */ ([]);
  #proxy = createServer((request, response) => this.#forward(request, response));

  async listen() {
    this.#proxy.on("connect", (request, socket) => this.#tunnel(request, socket));
    await new Promise((resolve) => this.#proxy.listen(0, "127.0.0.1", () => resolve(null)));
    this.#proxy.unref();
    this.flags = [
      `--proxy-server=http://127.0.0.1:${/** @type {Listening} */ (this.#proxy.address()).port}`,
      // Loopback passes the proxy too; without this Chromium goes there directly.
      "--proxy-bypass-list=<-loopback>",
    ];
  }

  /** @param {URL} address */
  #mayPass({ hostname, port }) {
    return ["127.0.0.1", "localhost"].includes(hostname) && fixturePorts.has(Number(port));
  }

  /**
   * @param {Incoming} request
   * @param {import("node:http").ServerResponse} response
   */
  #forward(request, response) {
    const address = new URL(request.url ?? "");
    const { origin, referer } = request.headers;
    if (isOwn(origin) || isOwn(referer)) this.#byExtension.add(`${request.method} ${address} (its headers say so)`);
    if (!this.#mayPass(address)) {
      this.#refused.set(placeOf(address), `${request.method} ${address}`);
      response.writeHead(502).end();
      return;
    }
    this.#nToFixtures += 1;
    const { hostname, port } = address;
    const path = address.pathname + address.search;
    const onward = httpRequest({ hostname, port, path, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.on("error", () => onward.destroy());
    request.pipe(onward);
  }

  /**
   * A WebSocket or an encrypted connection. No fixture has one.
   * @param {Incoming} request
   * @param {import("node:stream").Duplex} socket
   */
  #tunnel(request, socket) {
    const address = new URL(`http://${request.url}`);
    if (!this.#mayPass(address)) {
      this.#refused.set(placeOf(address), `CONNECT ${request.url}`);
      // A browser that is being closed may not wait to hear the refusal.
      socket.on("error", () => socket.destroy());
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return;
    }
    this.#nToFixtures += 1;
    const onward = connect(Number(address.port), address.hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on("error", () => [onward, socket].forEach((other) => other.destroy()));
  }

  /**
   * Listens to all of a context's pages and service workers, those that come later included.
   * @param {BrowserContext} context
   */
  watch(context) {
    context.on("request", (request) => this.#consider(request.url(), askerOf(request)));
    context.on("console", (said) => this.#considerRefusal(said.page()?.url(), said.text()));
    context.on("page", (page) => this.#watchScripts(context, page));
    context.on("serviceworker", (worker) => this.#watchPolicy(worker));
    context.pages().forEach((page) => this.#watchScripts(context, page));
    context.serviceWorkers().forEach((worker) => this.#watchPolicy(worker));
  }

  /**
   * What the policy refuses in a page is no request, only a line in the console; it counts as one.
   * @param {string | undefined} asker
   * @param {string} text
   */
  #considerRefusal(asker, text) {
    const refused = /'([^']*)' violates the following Content Security Policy/.exec(text);
    if (refused && isOwn(asker)) this.#byExtension.add(`${refused[1]} asked by ${asker}, refused by its policy`);
  }

  /**
   * The same in a service worker, whose console the debugger does not pass on. A worker that dies is watched in its next life.
   * @param {import("playwright-core").Worker} worker
   */
  async #watchPolicy(worker) {
    while (!this.#closed) {
      try {
        const address = await worker.evaluate(() => new Promise((resolve) => {
          self.addEventListener("securitypolicyviolation", ({ blockedURI }) => resolve(blockedURI), { once: true });
        }));
        if (isOwn(worker.url())) this.#byExtension.add(`${address} asked by ${worker.url()}, refused by its policy`);
      } catch {
        // Either the worker's life is over, and the next turn waits for another, or the browser's.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /**
   * @param {string} address
   * @param {string} asker
   */
  #consider(address, asker) {
    if (staysInside(address)) return;
    this.#asked.add(placeOf(new URL(address)));
    if (isOwn(asker)) this.#byExtension.add(`${address} asked by ${asker}`);
  }

  /**
   * A content script's request looks like the page's own but for the scripts on its stack.
   * @param {BrowserContext} context
   * @param {Page} page
   */
  async #watchScripts(context, page) {
    /** @param {Page | Frame} target */
    const listen = async (target) => {
      try {
        const session = await context.newCDPSession(target);
        session.on("Network.requestWillBeSent", ({ request, initiator }) => this.#consider(request.url, scriptOf(initiator)));
        await session.send("Network.enable");
      } catch {
        // A frame in its page's own process is heard through the page; a target that closed says nothing more.
      }
    };
    page.on("frameattached", listen);
    await listen(page);
  }

  /** Ends the proxy, prints the tally and throws when there is anything in it that must not be. */
  close() {
    this.#closed = true;
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    const refused = [...this.#refused];
    // Chromium's own (its updates, its accounts) go to its maker, and no page or worker asked for them. The first request of a
    // tab that an extension opens is not heard by the debugger either, so it is its place that tells.
    const elsewhere = refused.filter(([place]) => this.#asked.has(place) || !OF_CHROMIUM.test(place));
    const nOfChromium = refused.length - elsewhere.length;
    console.log(`network tally: ${this.#byExtension.size} by the extension, ${elsewhere.length} elsewhere, ` +
      `${this.#nToFixtures} by pages to fixtures, ${nOfChromium} of Chromium's own refused`);
    const wrong = [...this.#byExtension].map((line) => `by the extension: ${line}`);
    wrong.push(...elsewhere.map(([, line]) => `to somewhere else: ${line}`));
    if (wrong.length) throw new Error(`requests that must not be:\n${wrong.join("\n")}`);
  }
}

const OF_CHROMIUM = /^([^:]+\.)?(google|googleapis|gstatic|gvt1)\.com:(80|443)$/;

/** @type {Record<string, string>} */
const DEFAULT_PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443" };
/** @param {URL} address */
const placeOf = ({ protocol, hostname, port }) => `${hostname}:${port || DEFAULT_PORTS[protocol]}`;

/**
 * The address of the service worker or frame that made a request.
 * @param {import("playwright-core").Request} request
 */
function askerOf(request) {
  const worker = request.serviceWorker();
  if (worker) return worker.url();
  try {
    return request.frame().url();
  } catch {
    // A page that is only just being opened has no frame yet, and no script to ask with.
    return "";
  }
}

/**
 * The extension's script on a request's stack, if there is one.
 * @typedef {{ callFrames: { url: string }[], parent?: Stack }} Stack
 * @param {{ url?: string, stack?: Stack }} initiator
 */
function scriptOf(initiator) {
  for (let stack = initiator.stack; stack; stack = stack.parent) {
    const own = stack.callFrames.find(({ url }) => isOwn(url));
    if (own) return own.url;
  }
  return initiator.url ?? "";
}
