// Puts verdicts, as the scripts of content/ draw them, into Sotto's own pages. It comes with the pages' Rust, which says what is shown
// where (src/web/pages/verdict.rs): after the first paint. It must never judge, and what it was told goes with the page.

import "../content/surface.js";
import "../content/verdict.js";
import "../content/sentences.js";
import "../content/scores.js";
import "../content/why.js";
import "../content/wrong.js";

const { make, text } = globalThis.sottoSurface;
const { draw, foot, styles } = globalThis.sottoVerdict;

const sheet = new CSSStyleSheet();
sheet.replaceSync(Object.values(styles).join(""));
document.adoptedStyleSheets.push(sheet);

/**
 * Connections under which reasons are asked for, by the place for these.
 * @type {WeakMap<HTMLElement, chrome.runtime.Port>}
 */
const asking = new WeakMap();

/**
 * Draws a view into a live region and the line below it behind that. A text's verdict can be explained in the element that the
 * region's `data-why` names.
 * @param {HTMLElement} into
 * @param {View} view
 * @param {string} said the text that was judged; empty where it is not known
 */
export function show(into, view, said) {
  const drawing = draw(view, { said, moved: () => {}, cancel: null });
  // What is not done yet is not read out: it changes many times a second.
  into.ariaBusy = String(view.kind === "busy");
  into.replaceChildren(...drawing.body);
  if (into.nextElementSibling?.matches(".foot")) into.nextElementSibling.remove();
  if (drawing.copy) into.after(make("div", { class: "foot row" }, ...foot(drawing, ...corrected(into, drawing.wrong))));
  const reasons = document.getElementById(into.dataset.why ?? "");
  if (!reasons) return;
  asking.get(reasons)?.disconnect();
  asking.delete(reasons);
  reasons.replaceChildren(...(drawing.why ? [explanation(reasons, said, drawing.why)] : []));
}

/**
 * The button that says a verdict is wrong, where that can be said.
 * @param {HTMLElement} into
 * @param {Drawing["wrong"]} verdict
 */
function corrected(into, verdict) {
  if (!verdict) return [];
  const button = make("button", { class: "bare", onclick: () => {
    button.disabled = true;
    void globalThis.sottoWrong.correct(into, verdict, { newId: () => `page-${crypto.randomUUID()}`, moved: () => {} });
  } }, text("wrong"));
  return [button];
}

/**
 * Asks for the reasons when it is opened; again only where none came.
 * @param {HTMLElement} reasons
 * @param {string} said
 * @param {Sentiment} towards the verdict that is explained
 */
function explanation(reasons, said, towards) {
  const words = make("div", { class: "explained" });
  const told = make("p", { class: "summary", role: "status", "data-part": "said" });
  const details = make("details", { class: "why", ontoggle: async () => {
    if (!details.open || asking.has(reasons) || words.hasChildNodes()) return;
    const id = `page-${crypto.randomUUID()}`;
    const port = chrome.runtime.connect({ name: id });
    asking.set(reasons, port);
    const isWanted = () => details.isConnected;
    /** @param {(why: WhyVerdict) => void} hear */
    const listen = (hear) => port.onMessage.addListener((/** @type {ToPage} */ heard) =>
      heard.sotto === "progress" && heard.id === id && heard.view.kind === "why" && hear(heard.view.why));
    await globalThis.sottoWhy.explain({ words, told }, said, { towards, request: { id }, port, listen, isWanted, moved: () => {} });
    if (isWanted()) asking.delete(reasons);
  } }, make("summary", {}, text("why")), words, told);
  return details;
}
