// Pictures that a service worker can't decode by itself: moving ones, of which it would see the first frame only, and SVG. Where
// there is a document (the event page, or the offscreen page that the worker opens for as long as it needs one) they become
// plain pixels. It must never load anything: an SVG is shown as a picture, in which browsers run no script and fetch no address.

/** Of a moving picture this many frames are looked at, spread over its length. */
const FRAMES_MAX = 8;
/** Pixels on the longer side: enough for the net, little enough to send. */
const SIDE_MAX = 512;
const PAGE = "pages/offscreen.html";

/** How many ask at the moment: with the last one the offscreen page goes. */
let nAsking = 0;
/** The page, opening or open; or the end of the last one. */
let page = Promise.resolve();

/**
 * A picture's frames.
 * @typedef {{ total: number, frames: ImageData[] }} Frames
 * @param {Blob} blob
 * @param {string} type
 * @returns {Promise<Frames>}
 */
export async function framesOf(blob, type) {
  if ("document" in globalThis) return framesHere(blob, type);
  nAsking += 1;
  // There can be one such page at a time, so the next opens after the last is closed.
  if (nAsking === 1) page = page.then(open);
  try {
    await page;
    /** @type {ToOffscreen & { picture: Blob }} */
    const message = { sotto: "frames", type, picture: blob };
    const reply = await chrome.runtime.sendMessage(message);
    if (!reply?.frames) throw new Error(reply?.error ?? "the picture could not be decoded");
    return reply;
  } finally {
    nAsking -= 1;
    if (!nAsking) page = page.then(close, close);
  }
}

const open = () => chrome.offscreen.createDocument({ url: PAGE, reasons: ["BLOBS"], justification: "Decodes moving pictures and SVG." });
// Rejects when the page is gone already.
const close = () => chrome.offscreen.closeDocument().catch(() => {});

/**
 * @param {Blob} blob
 * @param {string} type
 * @returns {Promise<Frames>}
 */
export const framesHere = (blob, type) => (type === "image/svg+xml" ? drawn(blob) : decoded(blob, type));

/**
 * @param {Blob} blob
 * @param {string} type
 */
async function decoded(blob, type) {
  const decoder = new ImageDecoder({ type, data: await blob.arrayBuffer(), colorSpaceConversion: "none" });
  try {
    await decoder.tracks.ready;
    await decoder.completed;
    // Once the tracks are known one is selected.
    const total = /** @type {ImageTrack} */ (decoder.tracks.selectedTrack).frameCount;
    const frames = [];
    for (const frameIndex of spread(total)) {
      const { image } = await decoder.decode({ frameIndex });
      frames.push(pixelsOf(image, image.displayWidth, image.displayHeight));
      image.close();
    }
    return { total, frames };
  } finally {
    decoder.close();
  }
}

/**
 * Up to `FRAMES_MAX` places from the first to the last.
 * @param {number} total
 */
function spread(total) {
  const n = Math.min(total, FRAMES_MAX);
  return Array.from({ length: n }, (_, index) => Math.round((index * (total - 1)) / Math.max(1, n - 1)));
}

/** @param {Blob} blob */
async function drawn(blob) {
  const address = URL.createObjectURL(new Blob([blob], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    return { total: 1, frames: [pixelsOf(image, image.naturalWidth || SIDE_MAX, image.naturalHeight || SIDE_MAX)] };
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 */
function pixelsOf(source, width, height) {
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
