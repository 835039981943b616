// The pixels that the net is about to see: the service worker writes down what it reads of every canvas.

/**
 * From now on, in this life of the worker.
 * @param {Sotto} sotto
 */
export async function watchPixels(sotto) {
  const worker = await sotto.worker();
  await worker.evaluate(() => {
    const { prototype } = OffscreenCanvasRenderingContext2D;
    const nativeRead = (self.nativeRead ??= prototype.getImageData);
    prototype.getImageData = function (...given) {
      const pixels = nativeRead.apply(this, given);
      // As text: numbers by the hundred thousand are slow to hand over.
      self.lastSeen = { width: pixels.width, height: pixels.height, base64: new Uint8Array(pixels.data.buffer).toBase64() };
      return pixels;
    };
  });
  return {
    forget: () => worker.evaluate(() => void (self.lastSeen = null)),
    /**
     * What was read last, or null; `at` gives a pixel's three colours.
     * @returns {Promise<{ width: number, height: number, at(x: number, y: number): number[] } | null>}
     */
    async last() {
      const seen = await worker.evaluate(() => self.lastSeen ?? null);
      if (!seen) return null;
      const { width, height, base64 } = seen;
      const data = Buffer.from(base64, "base64");
      /**
       * @param {number} x
       * @param {number} y
       */
      const at = (x, y) => {
        const place = (Math.floor(y) * width + Math.floor(x)) * 4;
        return [...data.subarray(place, place + 3)];
      };
      return { width, height, at };
    },
  };
}
