// Reads and clicks what stands in Sotto's closed shadow roots. Page scripts can't; the browser's debugger can, and clicks by
// real coordinates, so that they are trusted.

import { eventually } from "./browser.js";

/**
 * Runs `work` with a debugger session and our hosts on the page: popovers with a closed shadow root, in document order. Of a frame
 * of another site it is that frame's own session, which tells places from the frame's own corner.
 */
async function withHosts(target, work) {
  const page = pageOf(target);
  const own = target === page ? null : await sessionOf(target).catch(() => null);
  const session = own ?? (await sessionOf(page));
  try {
    const { root } = await session.send("DOM.getDocument", { depth: -1, pierce: true });
    return await work(findAll(root, isHost), session, own ? await cornerOf(target) : { x: 0, y: 0 });
  } finally {
    // Or the page would tell of every change from now on, also while a bench measures. Nobody waits for it.
    session.send("DOM.disable").catch(() => {});
  }
}

/** Sessions by page or frame: tests ask many times a second, and to attach takes the browser longer than to answer. */
const sessions = new WeakMap();

function sessionOf(target) {
  if (!sessions.has(target)) {
    const forget = () => sessions.delete(target);
    const session = pageOf(target).context().newCDPSession(target);
    sessions.set(target, session);
    // A frame that another site's page takes over is another to the debugger.
    session.then((session) => session.once("close", forget), forget);
  }
  return sessions.get(target);
}

/** Most of this takes a page or one of its frames. */
const pageOf = (target) => target.page?.() ?? target;

const cornerOf = async (frame) =>
  (await frame.frameElement()).evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: left + element.clientLeft, y: top + element.clientTop };
  });

/** How many things of ours stand on the page. */
export const countHosts = (page) => withHosts(page, (hosts) => hosts.length);

/** All the words we show, in order, joined by spaces. Style sheets are not words, and what is hidden is not shown. */
export function shadowText(page) {
  return withHosts(page, (hosts) => {
    const words = [];
    for (const host of hosts) {
      walk(host, (node) => {
        if (node.nodeName === "STYLE" || attribute(node, "hidden") !== null) return false;
        if (node.nodeType === 3 && node.nodeValue.trim()) words.push(node.nodeValue.trim());
        return true;
      });
    }
    return words.join(" ");
  });
}

/** Clicks the one button whose name matches, with the mouse, once it is shown. */
export async function clickInShadow(page, name) {
  await pageOf(page).mouse.click(...(await pointInShadow(page, name)));
}

/** The middle of the one button whose name matches, once it is shown: a slow machine may still be drawing it. */
export async function pointInShadow(page, name) {
  let last = "";
  const point = () => withHosts(page, async (hosts, session, corner) => {
    const buttons = hosts.flatMap((host) => findAll(host, (node) => node.nodeName === "BUTTON" && name.test(nameOf(node))));
    last = `${buttons.length} of that name`;
    if (buttons.length !== 1) return null;
    // What is hidden has no box.
    const box = await session.send("DOM.getBoxModel", { nodeId: buttons[0].nodeId }).catch(() => null);
    if (!box) last += ", hidden";
    const [left, top, , , right, bottom] = box?.model.border ?? [];
    return box && [corner.x + (left + right) / 2, corner.y + (top + bottom) / 2];
  });
  return eventually(`one button ${name} in what Sotto shows`, point).catch((error) => {
    throw new Error(`${error.message}; there are ${last}`);
  });
}

/** Where our first host stands in the viewport, in CSS pixels; null when there is none. */
export function shadowBox(page) {
  return withHosts(page, async ([host], session) => {
    if (!host) return null;
    const { model } = await session.send("DOM.getBoxModel", { nodeId: host.nodeId });
    return { left: model.border[0], top: model.border[1], width: model.width, height: model.height };
  });
}

function isHost(node) {
  return attribute(node, "popover") !== null && (node.shadowRoots ?? []).some((root) => root.shadowRootType === "closed");
}

/** A node's attribute, which the debugger tells as a list of names and values in turn; null without it. */
export function attribute(node, name) {
  const index = (node.attributes ?? []).findIndex((text, place) => place % 2 === 0 && text === name);
  return index < 0 ? null : node.attributes[index + 1];
}

function nameOf(button) {
  const label = attribute(button, "aria-label");
  if (label !== null) return label;
  const words = [];
  walk(button, (node) => {
    if (node.nodeType === 3) words.push(node.nodeValue.trim());
    return true;
  });
  return words.join(" ");
}

function childrenOf(node) {
  return [...(node.shadowRoots ?? []), ...(node.children ?? []), ...(node.contentDocument ? [node.contentDocument] : [])];
}

function walk(node, visit) {
  if (visit(node)) childrenOf(node).forEach((child) => walk(child, visit));
}

/** The nodes below one, in document order, itself and what is in shadow roots and frames included. */
export function findAll(node, wanted) {
  const found = [];
  walk(node, (candidate) => {
    if (wanted(candidate)) found.push(candidate);
    return true;
  });
  return found;
}
