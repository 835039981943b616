// What only the screen shows of a protected page: a film of another site, its poster. It is captured when it is in view. It must never
// keep a capture, which the background alone sees.

globalThis.sottoScreen ??= ({ isCurrent, mark, send, sideMin, waitWithPatience }) => {
  const { frameInTab, placeOf, viewOfTab } = globalThis.sottoPixels;

  /** Browsers allow two captures a second. */
  const CAPTURE_EVERY_MS = 600;
  const CAPTURED_AT_ONCE = 24; // tables.js: SPOTS_MAX
  /** Where things are is not looked at in each frame, in browsers that know how. */
  const LOOK_EVERY_MS = 100;

  /** @type {{ element: Element, picture: Guarded, faint: boolean, resolve: (verdict: PictureVerdict | null) => void }[]} */
  const forScreen = [];
  let capturedAt = 0;
  let capturing = false;

  /**
   * By what the tab shows, where nothing else can be had (a film of another site, its poster): for a moment with a tenth of its
   * contrast where it is held back. Null where it is not in view, or nobody may capture the tab.
   * @param {Element} element
   * @param {Guarded} picture
   * @returns {Promise<PictureVerdict | null>}
   */
  function verdictOnScreen(element, picture) {
    // A film under a lock is black to everybody who captures it.
    if (!isCurrent(element, picture) || /** @type {HTMLMediaElement} */ (element).mediaKeys) return Promise.resolve(null);
    // Nobody is kept waiting while it is out of view.
    if (picture.state === "waiting") picture.readyAt = Number.POSITIVE_INFINITY;
    return new Promise((resolve) => {
      whenSeen(element, () => {
        if (picture.readyAt === Number.POSITIVE_INFINITY) picture.readyAt = performance.now();
        waitWithPatience();
        forScreen.push({ element, picture, faint: picture.mark !== "fine", resolve });
        if (!capturing) void capture();
      });
    });
  }

  /** @type {Map<Element, () => void>} */
  const waiting = new Map();
  const inView = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting, intersectionRect: seen, boundingClientRect: box } of entries) {
      if (!isIntersecting || (seen.width * seen.height < (box.width * box.height) / 2 && seen.height < innerHeight / 2)) continue;
      const hear = waiting.get(target);
      forget(target);
      hear?.();
    }
  }, /** @type {IntersectionObserverInit} */ ({ threshold: [0, 0.25, 0.5, 0.75, 1], delay: LOOK_EVERY_MS }));

  /**
   * Calls `hear` once, when most of an element is in view; whoever waited for it before does not any more.
   * @param {Element} element
   * @param {() => void} hear
   */
  function whenSeen(element, hear) {
    waiting.set(element, hear);
    inView.observe(element);
  }

  /** @param {Element} element */
  function forget(element) {
    inView.unobserve(element);
    waiting.delete(element);
  }

  function stop() {
    inView.disconnect();
    waiting.clear();
  }

  async function capture() {
    capturing = true;
    while (forScreen.length) {
      await pause(Math.max(0, capturedAt + CAPTURE_EVERY_MS - Date.now()));
      // Those that are shown already are captured as they are, and not together with others.
      const { faint } = forScreen[0];
      const together = forScreen.filter((one) => one.faint === faint).slice(0, CAPTURED_AT_ONCE);
      for (const one of together) forScreen.splice(forScreen.indexOf(one), 1);
      const verdicts = await captured(together, faint).catch(() => null);
      together.forEach(({ resolve }, place) => resolve(verdicts?.[place] ?? null));
    }
    capturing = false;
  }

  /**
   * @param {typeof forScreen} together
   * @param {boolean} faint
   */
  async function captured(together, faint) {
    const [frame, view] = [frameInTab(), viewOfTab()];
    const wanted = together.filter(({ element, picture }) => isCurrent(element, picture));
    if (document.hidden || !frame || "index" in frame || !view || !wanted.length) return null;
    const before = wanted.map(({ picture }) => picture.mark);
    try {
      if (faint) for (const { element, picture } of wanted) mark(element, picture, "peek");
      // Painted by the second frame from now.
      if (faint) for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
      const spots = wanted.map(({ element }) => {
        const { left, top, right, bottom } = placeOf(/** @type {PictureElement} */ (element))?.rect ?? { left: 0, top: 0, right: 0, bottom: 0 };
        const [x, y] = [(frame.x + left * frame.zoom - view.left) * view.pinch, (frame.y + top * frame.zoom - view.top) * view.pinch];
        return { x, y, width: (right - left) * frame.zoom * view.pinch, height: (bottom - top) * frame.zoom * view.pinch };
      });
      const isInView = spots.map(({ width, height }) => width >= sideMin && height >= sideMin);
      if (!isInView.includes(true)) return null;
      capturedAt = Date.now();
      const reply = await send({ ask: "inView", spots: spots.filter((_, place) => isInView[place]), viewWidth: view.width, faint });
      const verdicts = reply?.answer === "inView" ? [...reply.verdicts] : [];
      const found = new Map(wanted.filter((_, place) => isInView[place]).map(({ picture }) => [picture, verdicts.shift() ?? null]));
      return together.map(({ picture }) => found.get(picture) ?? null);
    } finally {
      wanted.forEach(({ element, picture }, place) => picture.mark === "peek" && isCurrent(element, picture) && mark(element, picture, before[place]));
    }
  }

  /** @param {number} ms */
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  return { forget, stop, verdictOnScreen, whenSeen };
};
