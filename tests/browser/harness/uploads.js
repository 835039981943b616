// Files handed to a page by the browser itself, so that the events are its own and trusted: the picker, a drag, the clipboard.

import { attribute, findAll } from "./shadow.js";

/**
 * Picks files (or one folder) for an input found by `expression`, in a page or frame, through the browser's own way.
 * @param {Page} page
 * @param {string} expression
 * @param {string[]} files
 * @param {Page | Frame} frame
 */
export async function pick(page, expression, files, frame = page) {
  const session = await page.context().newCDPSession(frame);
  try {
    const { result } = await session.send("Runtime.evaluate", { expression });
    await session.send("DOM.setFileInputFiles", { files, objectId: result.objectId });
  } finally {
    await session.detach();
  }
}

/**
 * An input in a closed shadow root, which no expression reaches.
 * @param {Page} page
 * @param {string} hostId
 * @param {string[]} files
 */
export async function pickInClosedRoot(page, hostId, files) {
  const session = await page.context().newCDPSession(page);
  try {
    const { root } = await session.send("DOM.getDocument", { depth: -1, pierce: true });
    const [host] = findAll(root, (node) => attribute(node, "id") === hostId);
    const [input] = findAll(host, (node) => node.nodeName === "INPUT");
    await session.send("DOM.setFileInputFiles", { files, nodeId: input.nodeId });
  } finally {
    await session.detach();
  }
}

/**
 * Clicks what opens a file picker, and answers the picker.
 * @param {Page} page
 * @param {string} selector
 * @param {string[]} files
 */
export async function pickAfterClick(page, selector, files) {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("Page.enable");
    await session.send("Page.setInterceptFileChooserDialog", { enabled: true });
    const opened = /** @type {Promise<{ backendNodeId?: number }>} */ (new Promise((resolve) => session.once("Page.fileChooserOpened", resolve)));
    await page.click(selector);
    const { backendNodeId } = await opened;
    await session.send("DOM.setFileInputFiles", { files, backendNodeId });
    await session.send("Page.setInterceptFileChooserDialog", { enabled: false });
  } finally {
    await session.detach();
  }
}

/**
 * Drags files from outside the browser onto a point of the viewport and lets them go there.
 * @param {Page} page
 * @param {Point} point
 * @param {string[]} files
 */
export async function drop(page, { x, y }, files) {
  const session = await page.context().newCDPSession(page);
  try {
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of /** @type {const} */ (["dragEnter", "dragOver", "drop"])) await session.send("Input.dispatchDragEvent", { type, x, y, data });
  } finally {
    await session.detach();
  }
}

/**
 * Puts a PNG on the clipboard, as a screenshot program would. The page must be of a secure origin.
 * @param {Page} page
 * @param {string} address
 */
export async function copyPicture(page, address) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(page.url()).origin });
  await page.bringToFront();
  await page.evaluate(async (source) => {
    const blob = await (await fetch(source)).blob();
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
  }, address);
}
