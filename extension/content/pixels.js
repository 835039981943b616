// What can be had of a picture on a page: its own pixels where the page may read them, else the place in the tab where it is
// painted, to the pixel. It must never load anything: a picture is read where it already is.

globalThis.sottoPixels ??= (() => {
  const LONGER_SIDE_MAX = 1024; // tables.js: PICTURE_SIDE_MAX

  /**
   * @param {Document | ShadowRoot} root
   * @returns {Generator<Document | ShadowRoot, void, undefined>}
   */
  function* roots(root = document) {
    yield root;
    for (const element of root.querySelectorAll("*")) {
      const inner = shadowOf(element);
      if (inner) yield* roots(inner);
    }
  }

  /**
   * @param {Element} element
   * @returns {ShadowRoot | null}
   */
  function shadowOf(element) {
    try {
      return chrome.dom?.openOrClosedShadowRoot(element) ?? element.openOrClosedShadowRoot ?? element.shadowRoot;
    } catch {
      return element.shadowRoot;
    }
  }

  /**
   * @param {Element} element
   * @returns {Element | null}
   */
  const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? /** @type {Partial<ShadowRoot>} */ (element.getRootNode()).host ?? null;

  /**
   * Width and height of what an element paints, before any style; zero where there is nothing yet, or nothing of its own.
   * @param {PictureElement} element
   */
  function naturalSize(element) {
    if (element instanceof HTMLCanvasElement) return [element.width, element.height];
    return [element.naturalWidth ?? element.videoWidth ?? 0, element.naturalHeight ?? element.videoHeight ?? 0];
  }

  /**
   * The picture's own pixels, in a plain object that can be sent; null where the page may not read them, or there are none yet.
   * @param {PictureElement} element
   */
  function pixelsOf(element, sideMax = LONGER_SIDE_MAX) {
    const [width, height] = naturalSize(element);
    if (!width || !height) return null;
    const scale = Math.min(1, sideMax / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    try {
      context.drawImage(/** @type {HTMLImageElement} */ (element), 0, 0, canvas.width, canvas.height);
      const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height);
      // A WebGL canvas may give nothing outside its own frame: what it shows is then on the screen alone.
      const blank = element instanceof HTMLCanvasElement && !new Uint32Array(data.buffer).some(Boolean);
      return blank ? null : { width, height, data };
    } catch {
      return null;
    }
  }

  /**
   * Where an element's picture is painted, in CSS pixels of this frame: `rect` is what can be seen of it. Where it is turned or
   * skewed and all in view, `upright` is its size and the matrix that brings it back. Null where nothing is in view.
   * @param {PictureElement} element
   * @returns {Place | null}
   */
  function placeOf(element) {
    const bounds = element.getBoundingClientRect();
    const { box, cut } = paintedBox(element);
    const turn = linearOf(element, box.layout, bounds);
    const middle = { x: (bounds.left + bounds.right) / 2, y: (bounds.top + bounds.bottom) / 2 };
    /**
     * @param {DOMMatrix} turn
     * @param {number} x
     * @param {number} y
     */
    const at = (turn, x, y) => {
      const [dx, dy] = [x - box.layout.width / 2, y - box.layout.height / 2];
      return { x: middle.x + turn.a * dx + turn.c * dy, y: middle.y + turn.b * dx + turn.d * dy };
    };
    const corners = turn
      ? [at(turn, box.left, box.top), at(turn, box.right, box.top), at(turn, box.right, box.bottom), at(turn, box.left, box.bottom)]
      : [{ x: bounds.left, y: bounds.top }, { x: bounds.right, y: bounds.bottom }];
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
    const whole = { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
    const rect = clipped(element, whole);
    if (!rect) return null;
    const inView = rect.left <= whole.left + 1 && rect.top <= whole.top + 1 && rect.right >= whole.right - 1 && rect.bottom >= whole.bottom - 1;
    const straight = !turn || (Math.abs(turn.b) < 1e-4 && Math.abs(turn.c) < 1e-4 && turn.a > 0 && turn.d > 0);
    /** @type {TurnedBox | null} */
    const upright = inView && turn && !straight ? { corner: corners[0], turn: [turn.a, turn.b, turn.c, turn.d], width: box.right - box.left, height: box.bottom - box.top } : null;
    return { rect, upright, partlyVisible: cut || !inView };
  }

  /**
   * The part of an element's layout box that its picture fills, and whether some of the picture lies outside it.
   * @typedef {{ width: number, height: number }} Size
   * @param {PictureElement} element
   * @returns {{ box: Edges & { layout: Size }, cut: boolean }}
   */
  function paintedBox(element) {
    const bounds = element.getBoundingClientRect();
    const layout = { width: element.offsetWidth ?? bounds.width, height: element.offsetHeight ?? bounds.height };
    const all = { left: 0, top: 0, right: layout.width, bottom: layout.height, layout };
    const [width, height] = naturalSize(element);
    if (!width || !height || element.offsetWidth === undefined) return { box: all, cut: false };
    const style = getComputedStyle(element);
    /** @param {"Left" | "Top" | "Right" | "Bottom"} name */
    const side = (name) => (parseFloat(style[`padding${name}`]) || 0) + (parseFloat(style[`border${name}Width`]) || 0);
    const content = { left: side("Left"), top: side("Top"), right: layout.width - side("Right"), bottom: layout.height - side("Bottom") };
    const [roomX, roomY] = [content.right - content.left, content.bottom - content.top];
    const [contain, cover] = [Math.min(roomX / width, roomY / height), Math.max(roomX / width, roomY / height)];
    /** @type {Record<string, number | undefined>} */
    const scales = { contain, cover, none: 1, "scale-down": Math.min(1, contain) };
    const scale = scales[style.objectFit];
    const [paintedX, paintedY] = scale ? [width * scale, height * scale] : [roomX, roomY];
    const [shiftX, shiftY] = style.objectPosition.split(" ").map((part, axis) => {
      const spare = axis ? roomY - paintedY : roomX - paintedX;
      return part.endsWith("%") ? (parseFloat(part) / 100) * spare : part.endsWith("px") ? parseFloat(part) : spare / 2;
    });
    const box = {
      left: content.left + Math.max(0, shiftX), top: content.top + Math.max(0, shiftY),
      right: Math.min(content.right, content.left + shiftX + paintedX), bottom: Math.min(content.bottom, content.top + shiftY + paintedY), layout,
    };
    return { box, cut: box.right - box.left < paintedX - 1 || box.bottom - box.top < paintedY - 1 };
  }

  /**
   * How transforms turn and stretch an element. Moving aside is left out: the middle of the bounding box is the middle of the
   * element whatever turned it. Null for what is no plane picture any more (perspective), or not understood.
   * @param {Element} element
   * @param {Size} layout
   * @param {DOMRect} bounds
   */
  function linearOf(element, { width, height }, bounds) {
    let turn = new DOMMatrix();
    for (let node = /** @type {Element | null} */ (element); node; node = parentOf(node)) {
      const { transform, rotate, scale, perspective } = getComputedStyle(node);
      if (perspective !== "none") return null;
      const own = new DOMMatrix();
      if (rotate !== "none") own.rotateSelf(/^-?[\d.]+deg$/.test(rotate) ? parseFloat(rotate) : NaN);
      if (scale !== "none") own.scaleSelf(...scale.split(" ").map(Number));
      if (transform !== "none") own.multiplySelf(new DOMMatrix(transform));
      if (!own.is2D) return null;
      turn = own.multiply(turn);
    }
    const [wide, high] = [Math.abs(turn.a) * width + Math.abs(turn.c) * height, Math.abs(turn.b) * width + Math.abs(turn.d) * height];
    return Math.abs(wide - bounds.width) < 1.5 && Math.abs(high - bounds.height) < 1.5 ? turn : null;
  }

  /**
   * What neither the viewport nor a clipping ancestor hides; null where nothing is left.
   * @param {Element} element
   * @param {Edges} whole
   * @returns {Edges | null}
   */
  function clipped(element, whole) {
    const { clientWidth, clientHeight } = document.scrollingElement ?? document.documentElement;
    const rect = { left: Math.max(0, whole.left), top: Math.max(0, whole.top), right: Math.min(clientWidth, whole.right), bottom: Math.min(clientHeight, whole.bottom) };
    for (let parent = parentOf(element); parent; parent = parentOf(parent)) {
      if (parent === document.body || parent === document.documentElement) break;
      if (getComputedStyle(parent).overflow === "visible") continue;
      const clip = parent.getBoundingClientRect();
      rect.left = Math.max(rect.left, clip.left + parent.clientLeft);
      rect.top = Math.max(rect.top, clip.top + parent.clientTop);
      // Neither borders nor scroll bars show what is inside.
      rect.right = Math.min(rect.right, clip.left + parent.clientLeft + parent.clientWidth);
      rect.bottom = Math.min(rect.bottom, clip.top + parent.clientTop + parent.clientHeight);
    }
    return rect.right - rect.left >= 1 && rect.bottom - rect.top >= 1 ? rect : null;
  }

  /**
   * Where this frame stands in the tab: its corner, and how large one of its pixels is there. A frame of another site can't know;
   * it says which of the tab's frames it is, for somebody who can look.
   * @returns {FramePlace | null}
   */
  function frameInTab() {
    let [x, y, zoom, view] = [0, 0, 1, /** @type {Window} */ (window)];
    while (view !== view.parent) {
      let frame = null;
      try {
        frame = view.frameElement;
      } catch {
        // Another site's.
      }
      if (!frame) return view === window && view.parent === top ? { index: Array.from({ length: view.parent.length }, (_, place) => view.parent[place]).indexOf(window) } : null;
      const inner = cornerOf(/** @type {HTMLElement} */ (frame));
      [x, y, zoom] = [inner.x + x * inner.zoom, inner.y + y * inner.zoom, zoom * inner.zoom];
      view = view.parent;
    }
    return { x, y, zoom };
  }

  /**
   * @param {HTMLElement} frame
   * @returns {Corner}
   */
  function cornerOf(frame) {
    const { left, top, width } = frame.getBoundingClientRect();
    const zoom = frame.offsetWidth ? width / frame.offsetWidth : 1;
    const style = getComputedStyle(frame);
    /** @param {"Left" | "Top"} side */
    const inset = (side) => (frame[`client${side}`] + (parseFloat(style[`padding${side}`]) || 0)) * zoom;
    return { x: left + inset("Left"), y: top + inset("Top"), zoom };
  }

  /**
   * The corner of a frame of this document, by its place in the list of frames.
   * @param {number} index
   */
  function cornerOfIndex(index) {
    for (const root of roots()) {
      for (const frame of /** @type {NodeListOf<HTMLIFrameElement>} */ (root.querySelectorAll("iframe, frame"))) if (frame.contentWindow && frame.contentWindow === window[index]) return cornerOf(frame);
    }
    return null;
  }

  /**
   * What a capture of the tab shows: so many CSS pixels across, magnified and moved by a pinch. Null in a frame of another site,
   * which can't know.
   */
  function viewOfTab() {
    try {
      const { innerWidth: width, visualViewport: view } = /** @type {Window & { visualViewport: VisualViewport }} */ (top);
      return { width, pinch: view.scale, left: view.offsetLeft, top: view.offsetTop };
    } catch {
      return null;
    }
  }

  return { cornerOfIndex, frameInTab, parentOf, pixelsOf, placeOf, roots, shadowOf, viewOfTab };
})();
