// Puts the person's language into a page before it is first painted, takes WebRTC out of it, then starts the page's Rust. It
// must never decide what a page shows.

// The one way to the network that Chromium's content security policy does not close (measured in 156): WebRTC's packets to
// servers it is told of. Nothing here uses it, so nothing here gets to.
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) delete /** @type {Record<string, unknown>} */ (globalThis)[name];

for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-msg]"))) {
  const text = chrome.i18n.getMessage(element.dataset.msg ?? "");
  if (text) element.textContent = text;
}
for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-msg-label]"))) {
  const text = chrome.i18n.getMessage(element.dataset.msgLabel ?? "");
  if (text) element.setAttribute(element.dataset.label ?? "aria-label", text);
}
document.documentElement.lang = chrome.i18n.getMessage("languageTag");
document.documentElement.dir = chrome.i18n.getMessage("languageDirection");

/** Once the page was painted as it is written; a page that nobody sees isn't painted, and doesn't wait. */
const painted = /** @type {Promise<void>} */ (new Promise((resolve) => {
  if (document.visibilityState === "hidden") return resolve();
  requestAnimationFrame(() => setTimeout(resolve));
}));

/** The name of the function that starts the page. */
const page = /** @type {PageName | undefined} */ (document.body.dataset.page);
if (page) {
  // biome-ignore lint/nursery/noFloatingPromises: where this fails, the console says so, and the page stays as it is written.
  painted.then(() => import("./wasm/sotto.js")).then(async (glue) => {
    const { hasSimd } = await import("../simd.js");
    if (!hasSimd) return tellMissing();
    await glue.default({ module_or_path: new URL("wasm/sotto_bg.wasm", document.baseURI) });
    await glue[page]();
    document.documentElement.dataset.started = "true";
  });
}

/** Without it nothing of Sotto's runs: the page stays as it is written, under this one sentence. */
function tellMissing() {
  const trouble = document.getElementById("trouble") ?? document.createElement("p");
  trouble.textContent = chrome.i18n.getMessage("refused_noSimd");
  trouble.className = "note bad";
  trouble.hidden = false;
  if (!trouble.isConnected) document.querySelector("main")?.prepend(trouble);
}
