// Pictures that a service worker can't decode by itself: moving ones, of which it would see the first frame only, films, and SVG. Where
// there is a document (the event page, or the page that nobody sees) they become plain pixels. And photographs, which become no
// larger than they need to be. It must never load anything: an SVG is shown as a picture, in which browsers run no script and
// fetch no address.

import { framesInPage } from "./unseen.js";

/** Of a moving picture this many frames are looked at, spread over its length. */
const FRAMES_MAX = 8;
/** Of a film, spread over its length. */
const FILM_FRAMES_MAX = 16;
/** What was seen of a film by then is what there is: whoever uploads it does not wait for ever. */
const FILM_MS_MAX = 3_500;
/** Pixels on the longer side: enough for the net, little enough to send. */
const SIDE_MAX = 512;

/**
 * A picture's frames; the total of a film is 0.
 * @typedef {{ total: number, frames: ImageData[] }} Frames
 * @param {Blob} blob
 * @param {string} type
 * @returns {Promise<Frames>}
 */
export async function framesOf(blob, type) {
  if ("document" in globalThis) return framesHere(blob, type);
  const reply = await framesInPage(blob, type);
  if (!reply?.frames) throw new Error(reply?.error ?? "the picture could not be decoded");
  return reply;
}

/**
 * A JPEG of this size, drawn with no side longer than `sideMax`. Where there is an ImageDecoder it is decoded at a fraction of its
 * size, but twice as large as it is drawn: at less, scores move more than by another way of drawing. A service worker has none.
 * @param {Blob} blob
 * @param {number} width
 * @param {number} height
 * @param {number} sideMax
 * @returns {Promise<OffscreenCanvasRenderingContext2D>}
 */
export async function shrunk(blob, width, height, sideMax) {
  const scale = sideMax / Math.max(width, height);
  if ("ImageDecoder" in globalThis) {
    const [desiredWidth, desiredHeight] = [width, height].map((side) => Math.ceil(side * Math.min(1, 2 * scale)));
    const data = await blob.arrayBuffer();
    const decoder = new ImageDecoder({ type: "image/jpeg", data, colorSpaceConversion: "none", desiredWidth, desiredHeight });
    // What it refuses the other way may know, or say better what is wrong.
    const image = await decoder.decode().then((decoded) => decoded.image, () => null);
    decoder.close();
    if (image) {
      const drawn = contextOf(image, image.displayWidth, image.displayHeight, sideMax);
      image.close();
      return drawn;
    }
  }
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", resizeWidth: Math.ceil(width * Math.min(1, scale)) });
  const drawn = contextOf(bitmap, bitmap.width, bitmap.height, sideMax);
  bitmap.close();
  return drawn;
}

/**
 * @param {Blob} blob
 * @param {string} type
 * @returns {Promise<Frames>}
 */
export const framesHere = (blob, type) => (type === "video" ? filmed(blob) : type === "image/svg+xml" ? drawn(blob) : decoded(blob, type));

/**
 * A film is never played: it is set to one place after another, the middle first, so that whatever time there is goes to places that
 * lie far apart.
 * @param {Blob} blob
 * @returns {Promise<Frames>}
 */
async function filmed(blob) {
  const video = document.createElement("video");
  const address = URL.createObjectURL(blob);
  const late = AbortSignal.timeout(FILM_MS_MAX);
  /** @param {string} name */
  const event = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true, signal: late });
    video.addEventListener("error", () => reject(new Error(video.error?.message || "the film can't be read")), { once: true });
    late.addEventListener("abort", () => reject(new Error("the film could not be read in time")));
  });
  /** @param {number} seconds */
  const seek = (seconds) => {
    const there = event("seeked");
    video.currentTime = seconds;
    return there;
  };
  const frames = /** @type {ImageData[]} */ ([]);
  try {
    video.muted = true;
    video.preload = "auto";
    video.src = address;
    await event("loadeddata");
    // A recorder may not have known how long it would record.
    if (!Number.isFinite(video.duration)) await seek(Number.MAX_SAFE_INTEGER);
    if (!video.videoWidth) throw new Error("the file has sound and no picture");
    // Where even then nobody knows, it ends where the last place is.
    const seconds = Number.isFinite(video.duration) ? video.duration : video.currentTime;
    for (const share of places(FILM_FRAMES_MAX)) {
      await seek(share * seconds);
      frames.push(pixelsOf(video, video.videoWidth, video.videoHeight));
    }
  } catch (problem) {
    // Some of it is more than nothing, where only time was lacking.
    if (!frames.length || !late.aborted) throw problem;
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
  return { total: 0, frames };
}

/**
 * Shares of a length, each in the middle of a part, every second time between those before: 8, 4, 12, 2, 6 …
 * @param {number} n a power of two
 */
function places(n) {
  const bits = Math.log2(n);
  return Array.from({ length: n }, (_, index) => {
    let mirrored = 0;
    for (let bit = 0; bit < bits; bit += 1) mirrored |= ((index >> bit) & 1) << (bits - 1 - bit);
    return (((mirrored + n / 2) % n) + 0.5) / n;
  });
}

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
  const context = contextOf(source, width, height, SIDE_MAX);
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @param {number} sideMax
 */
function contextOf(source, width, height, sideMax) {
  const scale = Math.min(1, sideMax / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context;
}
