// Reads and clicks what stands in Sotto's closed shadow roots. Page scripts can't; the browser's debugger can, and clicks by
// real coordinates, so that they are trusted.

import { eventually } from "./browser.js";

/**
 * @typedef {import("playwright-core").CDPSession} Session
 * @typedef {Extract<Awaited<ReturnType<typeof describeDocument>>, object>["root"]} DomNode what of a node the debugger tells
 * @typedef {Page | Frame} Target
 */

/** @param {Session} session */
const describeDocument = (session) => session.send("DOM.getDocument", { depth: -1, pierce: true });

/**
 * Runs `work` with a debugger session and our hosts on the page: popovers with a closed shadow root, in document order. Of a frame
 * of another site it is that frame's own session, which tells places from the frame's own corner.
 * @template Answer
 * @param {Target} target
 * @param {(hosts: DomNode[], session: Session, corner: Point) => Answer} work
 * @returns {Promise<Awaited<Answer>>}
 */
async function withHosts(target, work) {
  const page = pageOf(target);
  const own = isFrame(target) ? await sessionOf(target).catch(() => null) : null;
  const session = own ?? (await sessionOf(page));
  try {
    const { root } = await describeDocument(session);
    return await work(findAll(root, isHost), session, own && isFrame(target) ? await cornerOf(target) : { x: 0, y: 0 });
  } finally {
    // Or the page would tell of every change from now on, also while a bench measures. Nobody waits for it.
    session.send("DOM.disable").catch(() => {});
  }
}

/** Sessions by page or frame: tests ask many times a second, and to attach takes the browser longer than to answer. */
const sessions = /** @type {WeakMap<Target, Promise<Session>>} */ (new WeakMap());

/** @param {Target} target */
function sessionOf(target) {
  const known = sessions.get(target);
  if (known) return known;
  const forget = () => sessions.delete(target);
  const session = pageOf(target).context().newCDPSession(target);
  sessions.set(target, session);
  // A frame that another site's page takes over is another to the debugger.
  session.then((session) => session.once("close", forget), forget);
  return session;
}

/**
 * Most of this takes a page or one of its frames.
 * @param {Target} target
 * @returns {target is Frame}
 */
const isFrame = (target) => "page" in target;

/**
 * @param {Target} target
 * @returns {Page}
 */
const pageOf = (target) => (isFrame(target) ? target.page() : target);

/** @param {Frame} frame */
const cornerOf = async (frame) =>
  /** @type {import("playwright-core").ElementHandle<HTMLElement>} */ (await frame.frameElement()).evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: left + element.clientLeft, y: top + element.clientTop };
  });

/**
 * How many things of ours stand on the page.
 * @param {Target} page
 */
export const countHosts = (page) => withHosts(page, (hosts) => hosts.length);

/**
 * All the words we show, in order, joined by spaces. Style sheets are not words, and what is hidden is not shown.
 * @param {Target} page
 */
export function shadowText(page) {
  return withHosts(page, (hosts) => {
    const words = /** @type {string[]} */ ([]);
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

/**
 * Clicks the one button whose name matches, with the mouse, once it is shown.
 * @param {Target} page
 * @param {RegExp} name
 */
export async function clickInShadow(page, name) {
  await pageOf(page).mouse.click(...(await pointInShadow(page, name)));
}

/**
 * The middle of the one button whose name matches, once it is shown: a slow machine may still be drawing it.
 * @param {Target} page
 * @param {RegExp} name
 * @returns {Promise<[x: number, y: number]>}
 */
export async function pointInShadow(page, name) {
  let last = "";
  /** @type {() => Promise<[x: number, y: number] | null>} */
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

/**
 * Where our first host stands in the viewport, in CSS pixels.
 * @param {Target} page
 */
export function shadowBox(page) {
  return withHosts(page, async ([host], session) => {
    if (!host) throw new Error("nothing of ours stands on the page");
    const { model } = await session.send("DOM.getBoxModel", { nodeId: host.nodeId });
    return { left: model.border[0], top: model.border[1], width: model.width, height: model.height };
  });
}

/** @param {DomNode} node */
function isHost(node) {
  return attribute(node, "popover") !== null && (node.shadowRoots ?? []).some((root) => root.shadowRootType === "closed");
}

/**
 * A node's attribute, which the debugger tells as a list of names and values in turn; null without it.
 * @param {DomNode} node
 * @param {string} name
 */
export function attribute({ attributes = [] }, name) {
  const index = attributes.findIndex((text, place) => place % 2 === 0 && text === name);
  return index < 0 ? null : attributes[index + 1];
}

/** @param {DomNode} button */
function nameOf(button) {
  const label = attribute(button, "aria-label");
  if (label !== null) return label;
  const words = /** @type {string[]} */ ([]);
  walk(button, (node) => {
    if (node.nodeType === 3) words.push(node.nodeValue.trim());
    return true;
  });
  return words.join(" ");
}

/** @param {DomNode} node */
function childrenOf(node) {
  return [...(node.shadowRoots ?? []), ...(node.children ?? []), ...(node.contentDocument ? [node.contentDocument] : [])];
}

/**
 * @param {DomNode} node
 * @param {(node: DomNode) => boolean} visit whether to go on below
 */
function walk(node, visit) {
  if (visit(node)) childrenOf(node).forEach((child) => walk(child, visit));
}

/**
 * The nodes below one, in document order, itself and what is in shadow roots and frames included.
 * @param {DomNode} node
 * @param {(node: DomNode) => boolean} wanted
 */
export function findAll(node, wanted) {
  const found = /** @type {DomNode[]} */ ([]);
  walk(node, (candidate) => {
    if (wanted(candidate)) found.push(candidate);
    return true;
  });
  return found;
}
