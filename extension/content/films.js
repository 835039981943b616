// Films and canvases of a protected page: looked at again and again. It must never mark anything but by what protect.js gives it.

globalThis.sottoFilms ??= ({ areLookedAt, isCurrent, settle, verdictOnPixels, verdictOnScreen }) => {
  /** How often a film that plays is looked at, and a canvas that is drawn anew. */
  const FILM_EVERY_MS = 500;
  const FRAME_MS = 33;
  /** Twice as seldom where only a capture of the tab shows it, and again after so many looks that saw nothing. */
  const CALM_AFTER = 6;
  const POSTER_AGAIN_MS = 120;
  /** The browser's list of what has come is full one day; then it is looked all the same. */
  const POSTER_MS_MAX = 10_000;
  const CANVAS_EVERY_MS = 1000;
  const CANVAS_SELDOM_MS = 8000;
  /** One odd frame neither covers a film nor shows it. */
  const [COVERED_AFTER, SHOWN_AFTER] = [2, 6];

  /** @type {WeakMap<Element, { picture: Guarded, under: boolean, captured: boolean, at: number, nOver: number, nFine: number }>} */
  const looks = new WeakMap();

  /**
   * A first look, and then one every half second while it plays.
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function film(element, picture) {
    if (!(element instanceof HTMLVideoElement) || !areLookedAt() || looks.get(element)?.picture === picture) return;
    if (element.readyState < 2) {
      // Nothing of it has come: what stands there is its poster, which no page may read.
      const verdict = element.poster && (await posterCame(element, picture)) ? await verdictOnScreen(element, picture) : null;
      if (isCurrent(element, picture) && element.readyState < 2 && verdict) settle(element, picture, verdict, false);
      return;
    }
    const look = { picture, under: false, captured: false, at: 0, nOver: 0, nFine: 0 };
    looks.set(element, look);
    const next = () => {
      if (!isCurrent(element, picture) || picture.state === "shown") return void looks.delete(element);
      const waitMs = () => look.at + FILM_EVERY_MS * (look.captured ? 2 : 1) * (look.nFine > CALM_AFTER ? 2 : 1) - performance.now();
      if (!look.under && waitMs() <= 0) void lookAt(element, look);
      // Not called for each frame in between.
      setTimeout(() => element.requestVideoFrameCallback(next), Math.max(waitMs(), FRAME_MS));
    };
    element.requestVideoFrameCallback(next);
    await lookAt(element, look);
  }

  /**
   * A poster says nothing when it has come, but the browser keeps a list of what did. Until then there is nothing to see, and nobody
   * is kept waiting.
   * @param {HTMLVideoElement} element
   * @param {Guarded} picture
   */
  async function posterCame(element, picture) {
    if (/^(data|blob):/.test(element.poster)) return true;
    if (picture.state === "waiting") picture.readyAt = Number.POSITIVE_INFINITY;
    const end = performance.now() + POSTER_MS_MAX;
    for (let again = POSTER_AGAIN_MS; performance.now() < end && !performance.getEntriesByName(element.poster).length; again *= 2) {
      await pause(again);
      if (!isCurrent(element, picture) || element.readyState >= 2) return false;
    }
    return true;
  }

  /**
   * @param {HTMLVideoElement | HTMLCanvasElement} element
   * @param {{ picture: Guarded, under: boolean, captured: boolean, at: number, nOver: number, nFine: number }} look
   */
  async function lookAt(element, look) {
    const { picture } = look;
    look.under = true;
    look.at = performance.now();
    // A blurred film shows the screen nothing.
    const isBlurred = picture.state === "covered" && picture.mark !== "outline";
    const read = await verdictOnPixels(element, picture);
    look.captured = !read;
    const verdict = read ?? (isBlurred ? null : await verdictOnScreen(element, picture));
    look.under = false;
    if (!isCurrent(element, picture)) return;
    const isFirst = picture.state === "waiting" || picture.state === "late";
    if (!verdict) return isFirst ? settle(element, picture, null, false) : undefined;
    [look.nOver, look.nFine] = verdict.unsuitable ? [look.nOver + 1, 0] : [0, look.nFine + 1];
    const isCovered = picture.state === "covered";
    if (isFirst || (!isCovered && look.nOver >= COVERED_AFTER) || (isCovered && (look.nFine >= SHOWN_AFTER || verdict.unsuitable))) settle(element, picture, verdict, false);
  }

  /**
   * No event tells that a canvas was drawn: it is asked for a few pixels every second, ever less often while they stay the same.
   * @param {HTMLCanvasElement} element
   * @param {Guarded} picture
   */
  function canvas(element, picture) {
    const look = { picture, under: false, captured: false, at: 0, nOver: 0, nFine: 0 };
    let before = "";
    let every = CANVAS_EVERY_MS;
    const probe = document.createElement("canvas");
    [probe.width, probe.height] = [16, 16];
    const context = /** @type {CanvasRenderingContext2D} */ (probe.getContext("2d", { willReadFrequently: true }));
    const next = () => {
      if (!isCurrent(element, picture) || picture.state === "shown") return;
      // Behind whatever the page draws in this frame: the picture of a WebGL canvas is gone after it.
      setTimeout(() => requestAnimationFrame(next), every);
      if (look.under) return;
      let now;
      try {
        context.clearRect(0, 0, 16, 16);
        context.drawImage(element, 0, 0, 16, 16);
        now = context.getImageData(0, 0, 16, 16).data.join();
      } catch {
        return settle(element, picture, null, false);
      }
      const isBlank = !/[1-9]/.test(now);
      if (isBlank && picture.state === "waiting") picture.readyAt = performance.now();
      if (now === before || isBlank) return void (every = Math.min(2 * every, CANVAS_SELDOM_MS));
      [before, every] = [now, CANVAS_EVERY_MS];
      void lookAt(element, look);
    };
    requestAnimationFrame(next);
  }

  /** @param {number} ms */
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  return { canvas, film };
};
