// Every way that a script in a browser has to make a request by itself, and a server that counts what arrives. Each attempt is
// sent as text into the context under test, so it knows nothing but its arguments.

import { createSocket } from "node:dgram";
import { createServer } from "node:http";

/**
 * Where requests of a context go to.
 * @typedef {{ http: string, ws: string, udp: string }} Target
 */

/**
 * Those that need a document fail where there is none.
 * @type {Record<string, (to: Target) => unknown>}
 */
export const ATTEMPTS = {
  fetch: (to) => fetch(`${to.http}/fetch`, { mode: "no-cors" }),
  fetchLater: (to) => fetchLater(`${to.http}/fetchLater`, { activateAfter: 0 }),
  xhr: (to) => {
    const request = new XMLHttpRequest();
    request.open("GET", `${to.http}/xhr`);
    request.send();
  },
  websocket: (to) => new WebSocket(`${to.ws}/websocket`),
  eventsource: (to) => new EventSource(`${to.http}/eventsource`),
  beacon: (to) => navigator.sendBeacon(`${to.http}/beacon`, "x"),
  webtransport: (to) => new WebTransport(`https://${to.udp}/webtransport`).ready,
  webrtc: async (to) => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:${to.udp}` }] });
    peer.createDataChannel("x");
    await peer.setLocalDescription(await peer.createOffer());
  },
  import: (to) => import(`${to.http}/import.js`),
  worker: (to) => new Worker(`${to.http}/worker.js`),
  blobworker: (to) => new Worker(URL.createObjectURL(new Blob([`fetch("${to.http}/blobworker", { mode: "no-cors" })`]))),
  script: (to) => document.head.append(Object.assign(document.createElement("script"), { src: `${to.http}/script.js` })),
  img: (to) => Object.assign(new Image(), { src: `${to.http}/img` }),
  audio: (to) => new Audio(`${to.http}/audio`).load(),
  font: (to) => new FontFace("x", `url(${to.http}/font)`).load(),
  css: (to) => {
    document.head.append(Object.assign(document.createElement("style"), { textContent: `@import "${to.http}/css";` }));
  },
  stylesheet: (to) => document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${to.http}/stylesheet` })),
  prefetch: (to) => document.head.append(Object.assign(document.createElement("link"), { rel: "prefetch", href: `${to.http}/prefetch` })),
  preload: (to) => document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "image", href: `${to.http}/preload` })),
  speculation: (to) => {
    const rules = { prefetch: [{ source: "list", urls: [`${to.http}/speculation`] }] };
    document.head.append(Object.assign(document.createElement("script"), { type: "speculationrules", textContent: JSON.stringify(rules) }));
  },
  iframe: (to) => document.body.append(Object.assign(document.createElement("iframe"), { src: `${to.http}/iframe` })),
  object: (to) => document.body.append(Object.assign(document.createElement("object"), { data: `${to.http}/object` })),
  form: (to) => {
    const frame = Object.assign(document.createElement("iframe"), { name: "sink" });
    const form = Object.assign(document.createElement("form"), { action: `${to.http}/form`, method: "post", target: "sink" });
    document.body.append(frame, form);
    form.submit();
  },
  ping: (to) => {
    const link = Object.assign(document.createElement("a"), { href: "#here", ping: `${to.http}/ping` });
    document.body.append(link);
    link.click();
  },
};

/**
 * Makes every attempt in a context of Playwright's (page or worker); returns what each said, for the message of a failure.
 * @param {{ evaluate(script: string): Promise<any> }} context
 * @param {Target} to
 * @returns {Promise<Record<string, string>>}
 */
export function attemptAll(context, to) {
  const sources = Object.fromEntries(Object.entries(ATTEMPTS).map(([name, attempt]) => [name, String(attempt)]));
  const run = `(async (sources, to) => {
    const said = {};
    for (const [name, attempt] of Object.entries(sources)) {
      const soon = new Promise((resolve) => setTimeout(resolve, 100, "under way"));
      try {
        said[name] = String(await Promise.race([attempt(to), soon]));
      } catch (error) {
        said[name] = String(error);
      }
    }
    return said;
  })({${Object.entries(sources).map(([name, source]) => `${name}: ${source}`).join(",")}}, ${JSON.stringify(to)})`;
  return context.evaluate(run);
}

/** A server that answers everything and remembers it, each context below a path and a UDP port of its own. */
export async function startSink() {
  const hits = /** @type {Map<string, Set<string>>} */ (new Map());
  /**
   * @param {string} context
   * @param {string} name
   */
  const hit = (context, name) => hits.get(context)?.add(name);
  const http = createServer((request, response) => {
    const [, context, name = ""] = (request.url ?? "").split("/");
    hit(context, name.replace(".js", ""));
    response.writeHead(200, { "content-type": name.endsWith(".js") ? "text/javascript" : "text/html", "access-control-allow-origin": "*" }).end("");
  });
  http.on("upgrade", (request, socket) => {
    const [, context, name] = (request.url ?? "").split("/");
    hit(context, name);
    socket.destroy();
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = /** @type {Listening} */ (http.address());
  const sockets = /** @type {import("node:dgram").Socket[]} */ ([]);
  return {
    /**
     * Where a new context's attempts go.
     * @param {string} context
     */
    async place(context) {
      hits.set(context, new Set());
      // STUN packets start with two zero bits and bear this cookie; what else comes by UDP is the first packet of QUIC.
      const socket = createSocket("udp4", (packet) => hit(context, packet.readUInt32BE(4) === 0x2112a442 ? "webrtc" : "webtransport"));
      await new Promise((resolve) => socket.bind(0, "127.0.0.1", () => resolve(null)));
      sockets.push(socket);
      return { http: `http://127.0.0.1:${port}/${context}`, ws: `ws://127.0.0.1:${port}/${context}`, udp: `127.0.0.1:${socket.address().port}` };
    },
    /**
     * Names of the attempts of a context that arrived.
     * @param {string} context
     */
    arrived: (context) => [...(hits.get(context) ?? [])].filter((name) => name in ATTEMPTS).sort(),
    close: () => {
      sockets.forEach((socket) => socket.close());
      http.closeAllConnections();
      http.close();
    },
  };
}
