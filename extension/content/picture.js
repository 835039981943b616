// Finds the picture that a person right-clicked and hands over its pixels, or, where the page may not read them, its place in
// the visible tab. It must never guess: where no picture was under the pointer, it says so.

(() => {
  if (globalThis.sottoPicture) return;
  globalThis.sottoPicture = true;
  const { cornerOfIndex, frameInTab, parentOf, pixelsOf, placeOf, roots, shadowOf, viewOfTab } = globalThis.sottoPixels;

  chrome.runtime.onMessage.addListener((/** @type {Heard | undefined} */ message, sender, sendResponse) => {
    if (sender.id !== chrome.runtime.id) return;
    if (message?.sotto === "findPicture") sendResponse(answer(message.source));
    if (message?.sotto === "findFrame") sendResponse(frameAt(message.index));
  });

  /**
   * @param {number} index
   * @returns {FoundFrame}
   */
  const frameAt = (index) => ({ frame: cornerOfIndex(index), view: viewOfTab() });

  /**
   * @param {string | null | undefined} source
   * @returns {FoundPicture & { picture?: Pixels }}
   */
  function answer(source) {
    // A browser may name the address that others led to, or one that the page has left since.
    const element = (source && bySource(source)) || underPointer();
    if (!element) return { found: false };
    globalThis.sottoSubject = { rect: element.getBoundingClientRect() };
    const verdict = globalThis.sottoScan?.verdictUnderCover(element);
    if (verdict) return { found: true, verdict };
    const picture = pixelsOf(element);
    if (picture) return { found: true, picture };
    const place = placeOf(element);
    return place ? { found: true, ...place, frame: frameInTab(), view: viewOfTab() } : { found: true };
  }

  /**
   * The element with this source; among several the one under the pointer, then the one most in view.
   * @param {string} source
   */
  function bySource(source) {
    const candidates = /** @type {PictureElement[]} */ ([]);
    for (const root of roots()) {
      for (const element of /** @type {NodeListOf<PictureElement>} */ (root.querySelectorAll("img, input[type=image], image, video"))) {
        if ([element.currentSrc, element.src, element.href?.baseVal, element.poster].some((address) => same(address, source))) {
          candidates.push(element);
        }
      }
    }
    /** @param {PictureElement} element */
    const area = (element) => {
      const rect = placeOf(element)?.rect;
      return rect ? (rect.right - rect.left) * (rect.bottom - rect.top) : 0;
    };
    const pointed = globalThis.sottoPointer?.last()?.element;
    return candidates.find((element) => element === pointed)
      ?? candidates.find((element) => element.matches(":hover"))
      ?? candidates.sort((a, b) => area(b) - area(a))[0];
  }

  /**
   * @param {unknown} address
   * @param {string} source
   */
  function same(address, source) {
    if (typeof address !== "string" || !address) return false;
    return address === source || new URL(address, document.baseURI).href === source;
  }

  /** What has a picture at the place of the last right click; before the first that we could see, what the pointer is over. */
  function underPointer() {
    const last = globalThis.sottoPointer?.last();
    const stack = last ? stackAt(last.x, last.y) : chainOf(hovered());
    return /** @type {PictureElement | undefined} */ (stack.find(hasPicture)) ?? null;
  }

  /**
   * From the topmost element at a point to the bottom one.
   * @param {number} x
   * @param {number} y
   * @param {Document | ShadowRoot} root
   * @returns {Element[]}
   */
  function stackAt(x, y, root = document) {
    return root.elementsFromPoint(x, y).flatMap((element) => {
      const inner = shadowOf(element);
      return inner ? [...stackAt(x, y, inner).filter((found) => found.getRootNode() === inner), element] : [element];
    });
  }

  function hovered() {
    let root = /** @type {Document | ShadowRoot | null} */ (document);
    let found = /** @type {Element | null} */ (null);
    while (root) {
      found = [...root.querySelectorAll(":hover")].pop() ?? found;
      root = found && found.getRootNode() === root ? shadowOf(found) : null;
    }
    return found;
  }

  /** @param {Element | null} element */
  function chainOf(element) {
    const chain = /** @type {Element[]} */ ([]);
    for (; element; element = parentOf(element)) chain.push(element);
    return chain;
  }

  /** @param {Element} element */
  function hasPicture(element) {
    if (element.matches("img, canvas, video, input[type=image], image")) return true;
    return [null, "::before", "::after"].some((part) => /url\(/.test(getComputedStyle(element, part).backgroundImage));
  }
})();
