// What a page paints, frame after frame, and whether a picture was to be seen in one of them.

/**
 * Writes down every frame that a page paints from now on.
 * @param {Page} page
 */
export async function watchPainting(page) {
  const session = await page.context().newCDPSession(page);
  const frames = /** @type {string[]} */ ([]);
  session.on("Page.screencastFrame", ({ data, sessionId }) => {
    frames.push(data);
    session.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
  });
  await session.send("Page.startScreencast", { format: "png", everyNthFrame: 1 });
  return {
    frames,
    async stop() {
      await session.send("Page.stopScreencast");
      await session.detach();
      return frames;
    },
  };
}

/**
 * In which of some frames one of some pictures is seen where it stands: `pictures` are places in the page and the pictures' addresses.
 * @param {Page} page that may read those
 * @param {string[]} frames
 * @param {{ name: string, address: string, x: number, y: number, width: number, height: number }[]} pictures
 * @returns {Promise<string[]>} names, with the number of the frame
 */
export const seenIn = (page, frames, pictures) => page.evaluate(async ([frames, pictures]) => {
  /** @param {Blob} blob */
  const decode = (blob) => createImageBitmap(blob);
  /**
   * @param {ImageBitmap} bitmap
   * @param {number[]} from
   * @param {number} width
   * @param {number} height
   */
  const pixels = (bitmap, from, width, height) => {
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true }));
    const [x, y, w, h] = from;
    context.drawImage(bitmap, x, y, w, h, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  const side = 32;
  const wanted = await Promise.all(pictures.map(async (picture) => {
    const bitmap = await decode(await (await fetch(picture.address)).blob());
    return { ...picture, data: pixels(bitmap, [0, 0, bitmap.width, bitmap.height], side, side) };
  }));
  const seen = [];
  for (const [number, frame] of frames.entries()) {
    const bitmap = await decode(new Blob([Uint8Array.fromBase64(frame)]));
    for (const { name, x, y, width, height, data } of wanted) {
      if (y + height > bitmap.height || x + width > bitmap.width) continue;
      const shown = pixels(bitmap, [x, y, width, height], side, side);
      let off = 0;
      for (let place = 0; place < data.length; place += 1) off += Math.abs(data[place] - shown[place]);
      // A picture scaled by another filter is off by a few steps; grey or blurred by dozens.
      if (off / data.length < 9) seen.push(`${name} in frame ${number}`);
    }
    bitmap.close();
  }
  return seen;
}, /** @type {const} */ ([frames, pictures]));
