// Finds the picture a person right-clicked and hands over its pixels, or, where the page may not read them, its place
// in the visible tab. It must never load anything: a picture is read where it already is.

(() => {
  if (globalThis.sottoPicture) return;
  globalThis.sottoPicture = true;

  const LONGER_SIDE_MAX = 2048;

  chrome.runtime.onMessage.addListener((message, sender, sendResponse) => {
    if (sender.id !== chrome.runtime.id || message?.sotto !== "findPicture") return;
    sendResponse(answer(message.source));
  });

  function answer(source) {
    const element = find(source);
    if (!element) return {};
    const rect = visibleRect(element);
    const whole = element.getBoundingClientRect();
    globalThis.sottoSubject = { rect: whole };
    const picture = pixels(element);
    if (picture) return { picture };
    const offset = frameOffset();
    if (!rect || !offset) return {};
    // A capture has device pixels; a pinch zoom magnifies it further and moves its corner.
    const view = offset.top.visualViewport;
    const scale = devicePixelRatio * (view?.scale ?? 1);
    const left = (rect.left + offset.x - (view?.offsetLeft ?? 0)) * scale;
    const top = (rect.top + offset.y - (view?.offsetTop ?? 0)) * scale;
    const crop = {
      x: Math.round(left),
      y: Math.round(top),
      width: Math.round((rect.right - rect.left) * scale),
      height: Math.round((rect.bottom - rect.top) * scale),
    };
    const partlyVisible = rect.right - rect.left < whole.width - 1 || rect.bottom - rect.top < whole.height - 1;
    return { crop, partlyVisible };
  }

  /** The element with this source; among several the one under the pointer, then the one most in view. */
  function find(source) {
    const candidates = [];
    for (const root of roots(document)) {
      for (const element of root.querySelectorAll("img, input[type=image], image, video")) {
        if ([element.currentSrc, element.src, element.href?.baseVal, element.poster].some((address) => same(address, source))) {
          candidates.push(element);
        }
      }
    }
    const area = (element) => {
      const rect = visibleRect(element);
      return rect ? (rect.right - rect.left) * (rect.bottom - rect.top) : 0;
    };
    return candidates.find((element) => element.matches(":hover")) ?? candidates.sort((a, b) => area(b) - area(a))[0];
  }

  function same(address, source) {
    if (typeof address !== "string" || !address) return false;
    return address === source || new URL(address, document.baseURI).href === source;
  }

  function* roots(root) {
    yield root;
    for (const element of root.querySelectorAll("*")) {
      const inner = element.shadowRoot ?? shadowOf(element);
      if (inner) yield* roots(inner);
    }
  }

  function shadowOf(element) {
    try {
      return chrome.dom?.openOrClosedShadowRoot(element) ?? null;
    } catch {
      return null;
    }
  }

  /** The picture's own pixels; null where the page may not read them, or there are none yet. */
  function pixels(element) {
    const width = element.naturalWidth ?? element.videoWidth ?? 0;
    const height = element.naturalHeight ?? element.videoHeight ?? 0;
    if (!width || !height) return null;
    const scale = Math.min(1, LONGER_SIDE_MAX / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    try {
      context.drawImage(element, 0, 0, canvas.width, canvas.height);
      return context.getImageData(0, 0, canvas.width, canvas.height);
    } catch {
      return null;
    }
  }

  /** The part of an element that neither the viewport nor a clipping ancestor hides; null where nothing is left. */
  function visibleRect(element) {
    const box = element.getBoundingClientRect();
    const rect = {
      left: Math.max(0, box.left),
      top: Math.max(0, box.top),
      right: Math.min(document.documentElement.clientWidth, box.right),
      bottom: Math.min(document.documentElement.clientHeight, box.bottom),
    };
    for (let parent = element.parentElement; parent; parent = parent.parentElement) {
      if (parent === document.body || parent === document.documentElement) break;
      if (getComputedStyle(parent).overflow === "visible") continue;
      const clip = parent.getBoundingClientRect();
      rect.left = Math.max(rect.left, clip.left);
      rect.top = Math.max(rect.top, clip.top);
      rect.right = Math.min(rect.right, clip.right);
      rect.bottom = Math.min(rect.bottom, clip.bottom);
    }
    return rect.right - rect.left >= 1 && rect.bottom - rect.top >= 1 ? rect : null;
  }

  /** Where this frame stands in the tab; null inside a frame of another origin, which can't know. */
  function frameOffset() {
    let [x, y, view] = [0, 0, window];
    while (view !== view.parent) {
      let frame = null;
      try {
        frame = view.frameElement;
      } catch {
        return null;
      }
      if (!frame) return null;
      const rect = frame.getBoundingClientRect();
      x += rect.left + frame.clientLeft;
      y += rect.top + frame.clientTop;
      view = view.parent;
    }
    return { x, y, top: view };
  }
})();
