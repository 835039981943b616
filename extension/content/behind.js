// Pictures behind what has content, on a protected page: which elements styles may paint them on, and when that may be asked. What
// follows from it is protect.js' to say.

globalThis.sottoBehind ??= ({ look, sweepSoon }) => {
  /** On the root, for early.css. */
  const LOOKED = "data-sotto-looked";
  /** Nobody else's work waits longer for ours. */
  const SLICE_MS = 4;
  /** What the pointer comes to is looked through if it holds less than so many elements. */
  const POINTED_MAX = 150;

  /** @type {Set<Element>} */
  const inside = new Set();
  /** Themselves only, not what is in them. @type {Set<Element>} */
  const alone = new Set();
  let slicing = false;
  /** Where the pointer is, and the keyboard, from the inside out. @type {Record<string, Element[]>} */
  const pointedAt = {};
  /** Hears of an element that is there at all once, in the next frame, between layout and paint: then styles are known without asking for them. */
  const beforePaint = new ResizeObserver(() => {
    beforePaint.disconnect();
    slice();
  });

  /** All that is in an element, too. @param {Element} element */
  function soon(element, where = inside) {
    where.add(element);
    if (!slicing && document.documentElement) {
      slicing = true;
      beforePaint.observe(document.documentElement);
    }
  }

  /**
   * Before the next frame is painted where there is little, else a slice in each. Never at any other time: to ask for a style that is
   * not known yet has the browser start what waits for it, in our name (an <object>, which our own policy forbids).
   */
  function slice() {
    const end = performance.now() + SLICE_MS;
    for (const element of alone) look(element);
    alone.clear();
    for (const element of inside) {
      inside.delete(element);
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT);
      for (let node = /** @type {Node | null} */ (walker.currentNode); node; node = walker.nextNode()) {
        look(/** @type {Element} */ (node));
        if (performance.now() < end) continue;
        // The rest of this one: what follows the place where it stopped.
        for (let rest = walker.nextNode(); rest; rest = after(walker)) inside.add(/** @type {Element} */ (rest));
        break;
      }
      if (performance.now() >= end) break;
    }
    slicing = inside.size > 0;
    if (slicing) return beforePaint.observe(document.documentElement);
    if (document.readyState !== "loading") document.documentElement?.setAttribute(LOOKED, "");
  }

  /** The next element that is not below the walker's own. @param {TreeWalker} walker */
  function after(walker) {
    do if (walker.nextSibling()) return walker.currentNode;
    while (walker.parentNode());
    return null;
  }

  /**
   * Styles may paint another picture on whatever the pointer or the keyboard has come to, or left, and on what is in it: in what is
   * small enough to be looked through for that.
   * @param {string} by
   * @param {EventTarget[]} path
   */
  function pointed(by, path) {
    const now = path.filter((target) => target instanceof Element);
    const before = pointedAt[by] ?? [];
    pointedAt[by] = now;
    for (const [those, others] of /** @type {[Element[], Set<Element>][]} */ ([[now, new Set(before)], [before, new Set(now)]])) {
      for (const element of those) {
        if (others.has(element) || !element.isConnected) continue;
        const isSmall = element.getElementsByTagName("*").length < POINTED_MAX;
        soon(element, isSmall ? inside : alone);
        if (!isSmall) sweepSoon();
      }
    }
  }

  /** All addresses that styles paint on an element, as one text; empty where there are none. @param {Element} element */
  function urlsOf(element) {
    let urls = "";
    for (const part of [null, "::before", "::after"]) {
      const { backgroundImage, borderImageSource, content } = getComputedStyle(element, part);
      if (part && (content === "none" || content === "normal")) continue;
      for (const value of [backgroundImage, borderImageSource, content]) if (value.includes("url(")) for (const [url] of value.matchAll(URLS)) urls += `${url} `;
    }
    return urls.trim();
  }

  const URLS = /url\("(?:[^"\\]|\\.)*"\)/g;

  /** The addresses in what `urlsOf` gave. @param {string} urls */
  const urlsIn = (urls) => [...new Set([...urls.matchAll(URLS)].map(([url]) => url.slice(5, -2).replace(/\\(.)/g, "$1")))];

  function stop() {
    beforePaint.disconnect();
    slicing = false;
    for (const set of [inside, alone]) set.clear();
  }

  return { pointed, soon, stop, urlsIn, urlsOf };
};
