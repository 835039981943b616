// Films that a browser records, for tests.

/**
 * The bytes of a film of two seconds: the house, and from `from` to `to` (of its length) the false alarm.
 * @param {Page} page of the fixtures' server, which has the pictures
 * @param {[from: number, to: number]} alarm
 * @param {string} [type]
 */
export async function recordFilm(page, alarm, type = "video/webm") {
  const bytes = await page.evaluate(async ([house, bad, [from, to], type]) => {
    /** @param {string} address */
    const load = async (address) => createImageBitmap(await (await fetch(address)).blob());
    const [fine, alarm] = [await load(house), await load(bad)];
    const canvas = Object.assign(document.createElement("canvas"), { width: 224, height: 224 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const lengthMs = 2_000;
    const audio = new AudioContext();
    const tracks = type.startsWith("audio")
      ? audio.createMediaStreamDestination().stream
      : canvas.captureStream(20);
    const recorder = new MediaRecorder(tracks, { mimeType: type, videoBitsPerSecond: 4_000_000 });
    const parts = /** @type {Blob[]} */ ([]);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    const began = performance.now();
    while (performance.now() - began < lengthMs) {
      const share = (performance.now() - began) / lengthMs;
      context.drawImage(share >= from && share < to ? alarm : fine, 0, 0, 224, 224);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    recorder.stop();
    await stopped;
    await audio.close();
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  }, /** @type {const} */ (["/pictures/house.jpg", "/false_alarm.png", alarm, type]));
  return Uint8Array.from(bytes);
}
