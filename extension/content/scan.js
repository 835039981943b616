// Looks through the pictures of a page on a person's wish: the readable ones at once, the largest first, the others as they come
// into view. What is over a threshold is blurred or outlined until the person reveals it. It must never judge, load or keep
// anything; its last expression is what has been counted so far.

globalThis.sottoScan ??= (() => {
  const { frameInTab, pixelsOf, placeOf, roots, viewOfTab } = globalThis.sottoPixels;

  const WANTED = "img, input[type=image], image, canvas, video";
  /** Smaller than this on a side is decoration. */
  const SIDE_MIN = 48;
  /** Enough for the net, and little to hand over. */
  const SIDE_MAX = 512;
  const AT_ONCE = 4;
  /** Browsers allow two captures a second. */
  const CAPTURE_EVERY_MS = 600;
  const CAPTURED_AT_ONCE = 24; // tables.js: SPOTS_MAX
  /** A tab that the browser does not show to us is asked for so often, ever later; then the next move of the person is waited for. */
  const CAPTURES_REFUSED_MAX = 4;
  const QUIET_MS = 150;
  /** A background that is busy, or was stopped in the middle, is asked again after this, but not for ever. */
  const AGAIN_MS = 500;
  const TRIES_MAX = 5;
  const TELL_EVERY_MS = 250;
  /**
   * On elements of the page, where no custom property of ours is known: the build puts the colour in.
   * @type {Record<string, Record<string, string>>}
   */
  const MARKS = {
    warn: { outline: "4px solid palette(--alarm)", "outline-offset": "-4px" },
    blur: { filter: "blur(28px)", "clip-path": "inset(0)" },
  };
  MARKS.block = MARKS.blur;

  /**
   * Each picture by its element: `waiting` (for its turn), `asked`, `unread` (not in view yet), `fine`, `over`, `shown`, or `failed`
   * (could not be judged). `before` is what stood in its style where the mark now does.
   * @typedef {"waiting" | "asked" | "unread" | "fine" | "over" | "shown" | "failed"} State
   * @typedef {{ address: string, state: State, area: number, before: [string, string, string][] | null, nTries: number, verdict?: PictureVerdict | null }} Picture
   */
  const pictures = /** @type {Map<PictureElement, Picture>} */ (new Map());
  let running = false;
  let mark = MARKS.blur;
  let nAtWork = 0;
  let capturedAt = 0;
  let nRefused = 0;
  let captureTimer = /** @type {number | null} */ (null);
  let lookTimer = /** @type {number | null} */ (null);
  // biome-ignore lint/correctness/noUnusedVariables: `??=` reads it.
  let tellTimer = /** @type {number | null} */ (null);
  let off = /** @type {AbortController | null} */ (null);
  const name = newName();
  let nAsked = 0;
  let connection = /** @type {chrome.runtime.Port | null} */ (null);

  chrome.runtime.onMessage.addListener((/** @type {Heard | undefined} */ message, sender, sendResponse) => {
    if (sender.id !== chrome.runtime.id || message?.sotto !== "scan") return;
    sendResponse(true);
    if (message.wish === "start") start(message.action);
    if (message.wish === "stop") stop();
    if (message.wish === "undo") undo();
  });

  /** @param {Action | undefined} action */
  function start(action) {
    mark = MARKS[action ?? "blur"] ?? MARKS.blur;
    if (running) return;
    running = true;
    off = new AbortController();
    const watch = new MutationObserver(lookSoon);
    watch.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["src", "srcset"] });
    off.signal.addEventListener("abort", () => watch.disconnect());
    // A picture's `load` never comes as far as the window.
    for (const event of ["load", "scroll"]) document.addEventListener(event, lookSoon, { capture: true, passive: true, signal: off.signal });
    addEventListener("resize", lookSoon, { signal: off.signal });
    for (const event of ["scroll", "resize", "visibilitychange", "focus"]) addEventListener(event, moved, { capture: true, passive: true, signal: off.signal });
    look();
  }

  function stop() {
    running = false;
    off?.abort();
    for (const timer of [captureTimer, lookTimer]) clearTimeout(timer ?? undefined);
    [captureTimer, lookTimer] = [null, null];
    connection?.disconnect();
    connection = null;
    tell();
  }

  function undo() {
    for (const [element, picture] of pictures) unmark(element, picture);
    pictures.clear();
    stop();
  }

  /** The person moved: what was refused may be granted now. */
  function moved() {
    nRefused = 0;
    lookSoon();
  }

  function lookSoon() {
    lookTimer ??= setTimeout(look, QUIET_MS);
  }

  function look() {
    lookTimer = null;
    for (const root of roots()) for (const element of /** @type {NodeListOf<PictureElement>} */ (root.querySelectorAll(WANTED))) meet(element);
    for (const [element, picture] of pictures) {
      if (element.isConnected) continue;
      unmark(element, picture);
      pictures.delete(element);
    }
    void work();
    captureSoon();
    tell();
  }

  /** @param {PictureElement} element */
  function meet(element) {
    const { width, height } = element.getBoundingClientRect();
    const address = element.currentSrc ?? element.href?.baseVal ?? "";
    const known = pictures.get(element);
    if (known && known.address === address) return;
    if (known) unmark(element, known);
    pictures.delete(element);
    const there = element.complete !== false && (element.naturalWidth ?? element.videoWidth ?? 1) > 0;
    if (width < SIDE_MIN || height < SIDE_MIN || !there) return;
    pictures.set(element, { address, state: "waiting", area: width * height, before: null, nTries: 0 });
  }

  /** @param {State} state */
  const inState = (state) => [...pictures].filter(([, picture]) => picture.state === state);

  /** Judges what waits, some at a time, and lets the page have its turn between two. */
  async function work() {
    while (running && nAtWork < AT_ONCE) {
      const [next] = inState("waiting").sort(([, a], [, b]) => b.area - a.area);
      if (!next) return;
      const [element, picture] = next;
      picture.state = "asked";
      nAtWork += 1;
      const pixels = pixelsOf(element, SIDE_MAX);
      if (pixels) void judge(element, picture, pixels).finally(() => void ((nAtWork -= 1), work()));
      else {
        nAtWork -= 1;
        picture.state = "unread";
        captureSoon();
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /**
   * @param {PictureElement} element
   * @param {Picture} picture
   * @param {Pixels} pixels
   */
  async function judge(element, picture, pixels) {
    const reply = await send({ ask: "picture", urgency: "scan", picture: pixels }).catch(() => null);
    const refusal = reply?.answer === "refused" ? reply.reason : null;
    const isBusy = !reply || refusal === "outOfMemory" || refusal === "internal";
    // Given up when the scan was stopped: should it go on, this picture has its turn again.
    if (refusal === "cancelled" || (isBusy && (picture.nTries += 1) < TRIES_MAX)) {
      if (running) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      picture.state = "waiting";
    } else settle(element, picture, reply?.answer === "picture" ? reply : null);
  }

  /**
   * @param {PictureElement} element
   * @param {Picture} picture
   * @param {PictureVerdict | null} verdict
   */
  function settle(element, picture, verdict) {
    if (pictures.get(element) !== picture) return;
    // What could not be judged is not called fine.
    picture.state = verdict ? (verdict.unsuitable ? "over" : "fine") : "failed";
    picture.verdict = verdict;
    if (picture.state === "over") cover(element, picture);
    tell();
  }

  function captureSoon() {
    if (!running || captureTimer || nRefused > CAPTURES_REFUSED_MAX || !inState("unread").length) return;
    captureTimer = setTimeout(captureView, Math.max(0, capturedAt + CAPTURE_EVERY_MS * 2 ** nRefused - Date.now()));
  }

  /** One capture for all that is in view, or most of it; what is not waits until the person scrolls there. */
  async function captureView() {
    captureTimer = null;
    const frame = frameInTab();
    const view = viewOfTab();
    if (!running || document.hidden || !frame || "index" in frame || !view) return;
    const inView = [];
    for (const [element, picture] of inState("unread")) {
      const place = placeOf(element);
      if (!place || inView.length >= CAPTURED_AT_ONCE) continue;
      const { left, top, right, bottom } = place.rect;
      const shown = (right - left) * (bottom - top);
      if (shown < picture.area / 2 && shown < (innerWidth * innerHeight) / 2) continue;
      /**
       * @param {number} at
       * @param {number} corner
       * @param {number} moved
       */
      const inTab = (at, corner, moved) => (corner + at * frame.zoom - moved) * view.pinch;
      const [x, y] = [inTab(left, frame.x, view.left), inTab(top, frame.y, view.top)];
      const spot = { x, y, width: inTab(right, frame.x, view.left) - x, height: inTab(bottom, frame.y, view.top) - y };
      if (spot.width > 0 && spot.height > 0) inView.push({ element, picture, spot });
    }
    if (!inView.length) return;
    capturedAt = Date.now();
    // Another capture meanwhile must not ask for them again: it would show them covered.
    for (const { picture } of inView) picture.state = "asked";
    const reply = await send({ ask: "inView", spots: inView.map(({ spot }) => spot), viewWidth: view.width }).catch(() => null);
    const isRead = reply?.answer === "inView";
    nRefused = isRead ? 0 : nRefused + 1;
    inView.forEach(({ element, picture }, place) => {
      if (isRead) settle(element, picture, reply.verdicts[place]);
      else picture.state = "unread";
    });
    captureSoon();
  }

  /**
   * @param {PictureElement} element
   * @param {Picture} picture
   */
  function cover(element, picture) {
    picture.before = Object.keys(mark).map((name) => [name, element.style.getPropertyValue(name), element.style.getPropertyPriority(name)]);
    for (const [name, value] of Object.entries(mark)) element.style.setProperty(name, value, "important");
  }

  /**
   * @param {PictureElement} element
   * @param {Picture} picture
   */
  function unmark(element, picture) {
    for (const [name, value, priority] of picture.before ?? []) element.style.setProperty(name, value, priority);
    picture.before = null;
  }

  // A person's click on a covered picture shows it, and is no click on the page. Marks outlive a scan that was stopped.
  addEventListener("click", (event) => {
    if (!event.isTrusted) return;
    const at = /** @type {PictureElement[]} */ ([...event.composedPath(), ...document.elementsFromPoint(event.clientX, event.clientY)]);
    const element = at.find((candidate) => pictures.get(candidate)?.state === "over" && pictures.get(candidate)?.before);
    const picture = element && pictures.get(element);
    if (!picture) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    unmark(element, picture);
    picture.state = "shown";
  }, true);

  function counts() {
    /** @param {State[]} states */
    const n = (...states) => [...pictures.values()].filter(({ state }) => states.includes(state)).length;
    return { found: pictures.size, judged: n("fine", "over", "shown"), over: n("over", "shown"), unread: n("unread"), failed: n("failed"), running };
  }

  /** Tells the background that there is something new, not more often than anybody can read. */
  function tell() {
    tellTimer ??= setTimeout(() => {
      tellTimer = null;
      send({ ask: "scanned" }).catch(() => {});
    }, TELL_EVERY_MS);
  }

  function newName() {
    return crypto.getRandomValues(new Uint32Array(2)).join("-");
  }

  /**
   * Whatever is asked is given up when this document goes away, or looks no further: the connection closes.
   * @param {FrameAsk} request
   * @returns {Promise<Reply | undefined>}
   */
  function send(request) {
    const asked = chrome.runtime.sendMessage({ id: `${name}/${(nAsked += 1)}`, ...request });
    if (running && !connection) {
      connection = chrome.runtime.connect({ name });
      connection.onDisconnect.addListener(() => (connection = null));
    }
    return asked;
  }

  /**
   * What was found of a picture that a cover hides: seen through it, the picture would be another.
   * @param {PictureElement} element
   */
  const verdictUnderCover = (element) => (pictures.get(element)?.before ? pictures.get(element)?.verdict : null);

  return { counts, verdictUnderCover };
})();
globalThis.sottoScan.counts();
