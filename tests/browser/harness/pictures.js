// Pages full of pictures, no two of which are the same: one that was judged a moment ago is known by its bytes.

let nShown = 0;

/**
 * Fills a page with so many pictures of a few photographs, each with a corner of its own.
 * @param {Page} page of the fixtures' server, which has the pictures
 * @param {number} n
 */
export async function showDifferent(page, n) {
  await page.evaluate(async ([n, first]) => {
    document.body.replaceChildren();
    const names = ["coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png", "hills_progressive.jpg"];
    const bitmaps = await Promise.all(names.map(async (name) => createImageBitmap(await (await fetch(`/pictures/${name}`)).blob())));
    await Promise.all(Array.from({ length: n }, async (_, index) => {
      const bitmap = /** @type {ImageBitmap} */ (bitmaps[index % bitmaps.length]);
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
      context.drawImage(bitmap, 0, 0);
      const number = first + index;
      context.fillStyle = `rgb(${number & 255} ${(number >> 8) & 255} ${index % 7})`;
      context.fillRect(0, 0, 8, 8);
      const image = document.body.appendChild(document.createElement("img"));
      image.width = 200;
      image.src = URL.createObjectURL(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 }));
      await image.decode();
    }));
  }, /** @type {const} */ ([n, nShown]));
  nShown += n;
}
