// Tries the ways to the network for the page "How good is it?", and says what became of each. It is the one file
// of the package that may name them (tests/supply/silence.test.js). What it says is what the browser did: it knows no answer, and what
// nothing refused it calls a way out.

/** No name that ends like this leads anywhere, by RFC 2606: were a way open, nobody would be called but whoever is asked for names. */
const HOST = "silence.example";
/** A way that has not been refused after this was not. */
const PATIENCE_MS = 1_000;
/** The policy's word comes by an event of its own, a little before or after the request fails. */
const GRACE_MS = 200;

/**
 * How to begin a request to an address. Elements are put into a place that nobody sees; what is returned is waited for, and where
 * that is nothing, as long as there is patience. `needs` is the name that a browser without this way lacks.
 * @typedef {{ needs?: string, scheme?: string, begin: (address: string, place: HTMLElement) => unknown }} Way
 * @type {Record<string, Way>}
 */
const WAYS = {
  fetch: { begin: (address) => fetch(address, { mode: "no-cors" }) },
  xhr: { needs: "XMLHttpRequest", begin: (address) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.send();
    return ended(request);
  } },
  websocket: { needs: "WebSocket", scheme: "wss", begin: (address) => ended(new WebSocket(address)) },
  eventsource: { needs: "EventSource", begin: (address) => ended(new EventSource(address)) },
  beacon: { begin: (address) => void navigator.sendBeacon(address, "x") },
  webtransport: { needs: "WebTransport", begin: (address) => new WebTransport(address).ready },
  webrtc: { needs: "RTCPeerConnection", scheme: "stun", begin: (address) => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: address.replaceAll("/", "") }] });
    peer.createDataChannel("x");
    return peer.createOffer().then((offer) => peer.setLocalDescription(offer));
  } },
  image: { begin: (address, place) => ended(put(place, "img", { src: address })) },
  media: { begin: (address, place) => ended(put(place, "audio", { src: address })) },
  font: { needs: "FontFace", begin: (address) => new FontFace("x", `url(${address})`).load() },
  stylesheet: { begin: (address, place) => ended(put(place, "link", { rel: "stylesheet", href: address })) },
  script: { begin: (address, place) => ended(put(place, "script", { src: address })) },
  worker: { needs: "Worker", begin: (address) => ended(new Worker(address)) },
  frame: { begin: (address, place) => void put(place, "iframe", { src: address }) },
  object: { begin: (address, place) => void put(place, "object", { data: address }) },
  form: { begin: (address, place) => {
    // Were it open, it would lead a frame away, and not this page.
    put(place, "iframe", { name: "silence" });
    put(place, "form", { action: address, method: "post", target: "silence" }).submit();
  } },
};

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {HTMLElement} place
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} properties
 */
function put(place, tag, properties) {
  const element = Object.assign(document.createElement(tag), properties);
  place.append(element);
  return element;
}

/**
 * Settled when it came or failed, whichever it is.
 * @param {EventTarget} target
 */
const ended = (target) => new Promise((resolve) => {
  for (const event of ["load", "open", "loadeddata", "message", "error"]) target.addEventListener(event, resolve);
});

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * What became of one way.
 * @param {string} name
 * @param {Way} way
 * @returns {ReturnType<typeof sottoSilence.tried>}
 */
async function tried(name, { needs, scheme = "https", begin }) {
  if (needs && !(needs in globalThis)) return { way: name, outcome: "absent", detail: "" };
  const host = `${name}.${HOST}`;
  let directive = "";
  let refusedAs = "";
  const place = document.createElement("div");
  // Not hidden: what is not drawn at all is not asked for either.
  place.className = "unseen";
  place.inert = true;
  document.body.append(place);
  const heard = new AbortController();
  const refused = new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) => {
      // Of a socket some browsers tell the scheme alone.
      if (!blockedURI.includes(host) && blockedURI !== scheme) return;
      directive = effectiveDirective;
      resolve(undefined);
    }, { signal: heard.signal });
  });
  const begun = (async () => {
    try {
      if ((await begin(`${scheme}://${host}/`, place)) === undefined) await pause(PATIENCE_MS);
    } catch (/** @type {any} */ problem) {
      refusedAs = String(problem?.name ?? problem);
    }
  })();
  // Whoever throws before anything is under way has refused it.
  const refusedAtOnce = refusedAs;
  await Promise.race([refused, begun.then(() => pause(GRACE_MS)), pause(PATIENCE_MS)]);
  heard.abort();
  place.remove();
  if (directive) return { way: name, outcome: "policy", detail: directive };
  if (refusedAtOnce) return { way: name, outcome: "refused", detail: refusedAtOnce };
  return { way: name, outcome: "out", detail: refusedAs };
}

globalThis.sottoSilence = {
  ways: () => Object.keys(WAYS),
  tried: (name) => tried(name, /** @type {Way} */ (WAYS[name])),
};
