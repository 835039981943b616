// Photographs as a camera makes them, for tests and benches: soft hills under enough grain to fill a JPEG, made where there is a canvas.

/**
 * The bytes of one; each seed gives another.
 * @param {Page} page any page that may use a canvas
 * @param {number} seed
 */
export async function photograph(page, seed, width = 4000, height = 3000) {
  const base64 = await page.evaluate(async ([number, width, height]) => {
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
    for (let hill = 0; hill < 12; hill += 1) {
      context.fillStyle = `hsl(${90 + ((number * 37 + hill * 23) % 120)} 40% ${75 - hill * 4}%)`;
      context.beginPath();
      context.ellipse((hill * 977 + number * 331) % width, height, width * 0.45, height * (0.867 - hill * 0.063), 0, 0, 7);
      context.fill();
    }
    const pixels = context.getImageData(0, 0, width, height);
    let state = number + 1;
    for (let place = 0; place < pixels.data.length; place += 4) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const grain = (state >>> 27) - 16;
      for (let channel = 0; channel < 3; channel += 1) pixels.data[place + channel] += grain;
    }
    context.putImageData(pixels, 0, 0);
    const blob = await context.canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
    const address = /** @type {string} */ (await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.readAsDataURL(blob);
    }));
    return address.slice(address.indexOf(",") + 1);
  }, /** @type {const} */ ([seed, width, height]));
  return Buffer.from(base64, "base64");
}
