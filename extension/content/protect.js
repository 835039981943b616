// A protected page: its pictures are out of sight (held.css) until they were judged, and those that are warned of stay covered
// until the person wants to see them. Registered for protected sites alone. It looks for whatever may paint a picture, asks
// the background about those that are near the view, and marks what may be seen. Its parts: behind.js (what styles paint), films.js,
// screen.js (what only a capture shows). It must never judge, load or keep anything, and never let a page mark anything itself.

globalThis.sottoProtect ??= (() => {
  const { pixelsOf, shadowOf } = globalThis.sottoPixels;

  /** On what paints a picture; on what has pictures behind its content; on the root, by early.css. */
  const [MARK, BACK, OFF] = ["data-sotto", "data-sotto-back", "data-sotto-off"];
  const WANTED = 'img, input[type="image" i], image, canvas, video, object[type^="image/" i], embed[type^="image/" i]';
  const FRAMES = "iframe, frame";
  const WATCHED = [MARK, BACK, "src", "srcset", "sizes", "href", "xlink:href", "data", "poster", "style", "class", "type", "media"];
  /** Smaller than this on a side is decoration. */
  const SIDE_MIN = 48;
  /** Enough for the net, and little to hand over. */
  const SIDE_MAX = 512;
  const AT_ONCE = 24;
  /** What has no verdict by then goes by the person's rule. */
  const PATIENCE_MS = 3000;
  /** The background was stopped in the middle, or is busy. */
  const AGAIN_MS = 400;
  const TRIES_MAX = 20;
  /** Of what says nothing when it has come (a background, a picture button), and of what has only just come. */
  const [SILENT_AGAIN_MS, JUST_COME_AGAIN_MS] = [[120, 300, 700, 1500, 3000], [150]];
  /** What held.css says: shadow roots have it from the moment they are found, before the browser puts it everywhere. */
  const HELD = `@held;`;
  /** While a page comes it takes a moment to save it: the first few that are in view and stand still are read by their pixels. */
  const [READ_AT_ONCE, STILL] = [3, /\.jpe?g([?#]|$)/i];
  /** Nobody else's work waits longer for ours. */
  const SLICE_MS = 4;
  /** So many at once are looked for in the whole page. */
  const MANY = 8;
  const SWEEP_AFTER_MS = 3000;
  /** Where things are is looked at ten times a second, not in each frame: a browser that does not know this looks in each. */
  const NOW_AND_THEN = /** @type {IntersectionObserverInit} */ ({ delay: 100 });
  const TELL_EVERY_MS = 250;

  /** @type {Map<Element, Guarded>} */
  const known = new Map();
  /** Elements with pictures behind them: what stands in for their pictures until all were judged. @type {Map<Element, Guarded>} */
  const backs = new Map();
  /** @type {WeakSet<Node>} */
  const watchedRoots = new WeakSet();
  const watched = /** @type {(Document | ShadowRoot)[]} */ ([]);
  let rule = /** @type {SiteRule | null} */ (null);
  let on = false;
  /** Nobody was here before, in this document. */
  let isNew = document.readyState === "loading";
  let isAsking = false;
  /** What is to happen here may be another since it was asked last. */
  let mayBeOther = false;
  /** Without a passphrase nobody may see what is covered. */
  let sealed = false;
  let nNamed = 0;
  let nAsked = 0;
  const ask = { queue: /** @type {[Element, Guarded][]} */ ([]), nUnder: 0 };
  const name = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let connection = /** @type {chrome.runtime.Port | null} */ (null);
  let patienceTimer = 0;
  let sweepTimer = 0;
  // biome-ignore lint/correctness/noUnusedVariables: `||=` reads it.
  let tellTimer = 0;
  let framesTimer = 0;
  let nReadAtOnce = 0;
  /** Until when shadow roots may be looked for at once. */
  let followedTo = Number.POSITIVE_INFINITY;
  /** The person wants to see all of this page. */
  let allShown = false;

  const changes = new MutationObserver(follow);
  const near = new IntersectionObserver(seen, { rootMargin: "150% 50%", ...NOW_AND_THEN });
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const { width, height } = target.getBoundingClientRect();
      if (width < SIDE_MIN || height < SIDE_MIN) continue;
      sizes.unobserve(target);
      // It was too small to matter, and is not any more.
      for (const map of [known, backs]) {
        const picture = map.get(target);
        if (picture?.state === "small") begin(target, picture);
      }
    }
  });
  const isBack = (/** @type {Guarded} */ picture) => picture.address.startsWith("url(");

  // ---- Beginning and end ----

  function start() {
    on = true;
    watch(document);
  }

  /**
   * Asks what is to happen here; the site of the tab decides. One after the other: each puts the browser's style there, and what two
   * had put there one could not take away.
   */
  async function obey() {
    mayBeOther = true;
    if (isAsking) return;
    isAsking = true;
    try {
      while (mayBeOther) {
        mayBeOther = false;
        await askForRule();
      }
    } finally {
      isAsking = false;
    }
  }

  async function askForRule() {
    let reply;
    for (let tries = 0; !reply && tries < TRIES_MAX; tries += 1) {
      const first = isNew;
      isNew = false;
      reply = await send({ ask: "protected", first }).catch(() => null);
      if (reply?.answer === "refused" && reply.reason === "internal") reply = null;
      if (!reply) await pause(AGAIN_MS);
    }
    const now = reply?.answer === "protected" ? reply.rule : null;
    if (!now) return release();
    const before = rule;
    rule = now;
    sealed = reply?.answer === "protected" && reply.sealed;
    if (!on) start();
    document.documentElement?.removeAttribute(OFF);
    if (before && JSON.stringify(before) !== JSON.stringify(now)) again();
    else pump();
    protect.onChange?.();
  }

  /** The site is not protected (any more): everything is as if nobody had been here. */
  function release() {
    on = false;
    rule = null;
    document.documentElement?.setAttribute(OFF, "");
    changes.disconnect();
    near.disconnect();
    sizes.disconnect();
    for (const part of [screen, behind]) part.stop();
    for (const [element] of known) element.removeAttribute(MARK);
    for (const [element] of backs) element.removeAttribute(BACK);
    for (const root of watched.splice(0)) {
      watchedRoots.delete(root);
      if (sheet && root instanceof ShadowRoot) root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== sheet);
      for (const frame of root.querySelectorAll(`:is(${FRAMES})[${MARK}]`)) frame.removeAttribute(MARK);
      for (const type of EVENTS) root.removeEventListener(type, heard, true);
    }
    known.clear();
    backs.clear();
    ask.queue.length = 0;
    for (const timer of [patienceTimer, sweepTimer, framesTimer]) clearTimeout(timer);
    patienceTimer = sweepTimer = framesTimer = 0;
    connection?.disconnect();
    connection = null;
    changed();
  }

  /** The rule is another: what was said by the old one is asked again. */
  function again() {
    for (const map of [known, backs]) {
      for (const [element, picture] of map) if (picture.state !== "loading" && picture.state !== "small") begin(element, picture);
    }
    changed();
  }

  chrome.runtime.onMessage.addListener((/** @type {Heard | undefined} */ message, sender) => {
    if (sender.id !== chrome.runtime.id) return;
    if (message?.sotto === "protectionChanged") void obey();
    if (message?.sotto === "reveal") reveal(message.picture);
  });

  // ---- What comes into the page ----

  const EVENTS = ["load", "error", "loadeddata", "emptied", "playing", "pointerover", "focusin", "focusout", "animationstart"];

  /** @param {Document | ShadowRoot} root */
  function watch(root) {
    if (watchedRoots.has(root)) return;
    watchedRoots.add(root);
    watched.push(root);
    if (root instanceof ShadowRoot) hold(root);
    changes.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: WATCHED });
    // A picture's `load` comes no further than its root.
    for (const type of EVENTS) root.addEventListener(type, heard, { capture: true, passive: true });
    come(root.children);
  }

  let sheet = /** @type {CSSStyleSheet | null} */ (null);

  /** @param {ShadowRoot} root */
  function hold(root) {
    if (rule && !rule.held) return;
    try {
      if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(HELD);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    } catch {
      // Firefox refuses constructed sheets from a content script; there the browser's own has to be quick.
    }
  }

  /** @param {Event} event */
  function heard(event) {
    const { type, target } = event;
    if (!(target instanceof Element) || !on) return;
    if (type === "pointerover" || type.startsWith("focus")) return behind.pointed(type.slice(0, 5), event.composedPath());
    if (type === "animationstart") return behind.soon(target);
    if (target.matches(FRAMES)) return frameCame(target);
    if (target instanceof HTMLLinkElement) return lookBehindAll();
    if (!target.matches(WANTED)) return;
    const picture = meet(target);
    if (!picture) return;
    if (target instanceof HTMLVideoElement) {
      if (type === "emptied") begin(target, { ...picture, address: addressOf(target) });
      else void films.film(target, picture);
    } else if (type === "error") settle(target, picture, null, true);
    else if (picture.state === "loading") ready(target, picture);
  }

  /** @param {MutationRecord[]} records */
  function follow(records) {
    if (!on) return;
    followedTo = performance.now() + SLICE_MS;
    const added = /** @type {Element[]} */ ([]);
    for (const { type, target, attributeName, addedNodes } of records) {
      // To look for what came unseen there must be something that somebody else did.
      if (attributeName !== MARK && attributeName !== BACK) sweepSoon();
      if (type === "childList") for (const node of addedNodes) if (node instanceof Element) added.push(node);
      if (type !== "attributes" || !(target instanceof Element)) continue;
      if (attributeName === MARK || attributeName === BACK) keepMarks(target);
      else if (attributeName === "style" || attributeName === "class") {
        // Styles move things sixty times a second; only what may paint a picture is looked at.
        if (attributeName === "class" || backs.has(target) || target.getAttribute("style")?.includes("url(")) behind.soon(target);
      } else if (target.matches(WANTED)) anew(target);
      else if (target.localName === "source") for (const element of target.parentElement?.querySelectorAll(WANTED) ?? []) anew(element);
      else if (target.matches(FRAMES)) frameCame(target);
    }
    come(added);
  }

  /** Elements came, each with all below it. @param {Iterable<Element>} elements */
  function come(elements) {
    const all = [...elements];
    // What is copied brings our marks along, and what a page wrote itself never had ours. To look through everything once is quicker
    // than to look at each of many.
    for (const place of all.length > MANY ? watched : all) {
      if (place instanceof Element) checkMarks(place);
      for (const element of place.querySelectorAll(`[${MARK}], [${BACK}], ${FRAMES}`)) checkMarks(element);
    }
    for (const element of all) {
      // The rest is out of sight and can wait for its slice; but into shadow roots no style reaches before the browser has it.
      if (!rule && performance.now() < followedTo) for (const host of [element, ...element.getElementsByTagName("*")]) lookInside(host);
      behind.soon(element);
    }
  }

  /** @param {Element} element */
  function checkMarks(element) {
    keepMarks(element);
    if (element.matches(FRAMES)) frameCame(element);
  }

  /** Only these, and elements of a page's own, can have a shadow root. */
  const HOSTS = new Set(["article", "aside", "blockquote", "body", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "main", "nav", "p", "section", "span"]);

  /** @param {Element} element */
  function lookInside(element) {
    const root = (HOSTS.has(element.localName) || element.localName.includes("-")) && shadowOf(element);
    if (root) watch(root);
  }

  /** Puts back what only this script may say. @param {Element} element */
  function keepMarks(element) {
    const isFrame = element.matches(FRAMES);
    const mark = isFrame ? (allowedFrames.has(element) ? "fine" : null) : known.get(element)?.mark ?? null;
    put(element, MARK, mark);
    put(element, BACK, backs.get(element)?.mark ?? null);
  }

  /**
   * @param {Element} element
   * @param {string} attribute
   * @param {string | null} value
   */
  function put(element, attribute, value) {
    if (element.getAttribute(attribute) === value) return;
    if (value === null) element.removeAttribute(attribute);
    else element.setAttribute(attribute, value);
  }

  function sweepSoon() {
    sweepTimer ||= setTimeout(sweep, SWEEP_AFTER_MS);
  }

  /** What goes is forgotten; shadow roots that came unseen are found. */
  function sweep() {
    sweepTimer = 0;
    if (!on) return;
    for (const map of [known, backs]) {
      for (const [element, picture] of map) {
        if (element.isConnected) continue;
        for (const observer of [near, sizes]) observer.unobserve(element);
        screen.forget(element);
        map.delete(element);
        if (picture.state === "covered") changed();
      }
    }
    lookBehindAll();
  }

  // ---- One picture ----

  /** @param {Element} element */
  function addressOf(element) {
    const { currentSrc, src, href, data } = /** @type {PictureElement & { data?: string }} */ (element);
    if (element instanceof HTMLCanvasElement) return "canvas";
    return currentSrc || href?.baseVal || data || src || "";
  }

  /** What is known of an element, or is from now on. @param {Element} element */
  function meet(element) {
    const address = addressOf(element);
    const before = known.get(element);
    if (before && before.address === address) return before;
    begin(element, { name: before?.name ?? (nNamed += 1), address, film: element instanceof HTMLVideoElement });
    return known.get(element);
  }

  /** It will show another picture, under a name that is not known yet. @param {Element} element */
  function anew(element) {
    const before = known.get(element);
    if (before) begin(element, { ...before, address: addressOf(element) });
    else meet(element);
  }

  /**
   * From the beginning: out of sight.
   * @param {Element} element
   * @param {Pick<Guarded, "name" | "address" | "film">} was
   */
  function begin(element, { name, address, film }) {
    /** @type {Guarded} */
    const picture = { name, address, film, state: "loading", mark: null, verdict: null, soon: false, cameMs: Date.now(), readyAt: 0, nTries: 0 };
    const map = isBack(picture) ? backs : known;
    if (map.get(element)?.state === "covered") changed();
    map.set(element, picture);
    near.unobserve(element);
    if (allShown) {
      picture.state = "shown";
      return mark(element, picture, "fine");
    }
    if (isBack(picture)) {
      mark(element, picture, held() ? "wait" : null);
      return ready(element, picture);
    }
    mark(element, picture, null);
    if (isThere(element)) ready(element, picture);
  }

  const keeps = () => (rule ? rule.unjudged === "cover" : Boolean(globalThis.sottoKeeps));
  const held = () => rule?.held !== false;

  /** A film may never load before somebody wants to play it: then its poster waits no longer than others do. @param {Element} element */
  const isThere = (element) => !(element instanceof HTMLImageElement) || (element.complete && element.naturalWidth > 0);

  /**
   * It has come: as soon as it is near the view it is asked about.
   * @param {Element} element
   * @param {Guarded} picture
   */
  function ready(element, picture) {
    picture.state = "waiting";
    picture.cameMs = Date.now();
    near.observe(element);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  function seen(entries) {
    if (!on) return;
    const first = /** @type {typeof ask.queue} */ ([]);
    for (const { target, isIntersecting, boundingClientRect: box } of entries) {
      if (!isIntersecting) continue;
      for (const map of [known, backs]) {
        const picture = map.get(target);
        if (picture?.state !== "waiting" || picture.readyAt) continue;
        if (box.width < SIDE_MIN || box.height < SIDE_MIN) {
          picture.state = "small";
          mark(target, picture, "fine");
          sizes.observe(target);
          continue;
        }
        picture.soon = box.top < innerHeight && box.bottom > 0;
        // Nobody is kept waiting by what is out of view.
        picture.readyAt = picture.soon ? performance.now() : Number.POSITIVE_INFINITY;
        if (!picture.soon) {
          screen.whenSeen(target, () => {
            picture.readyAt = performance.now();
            waitWithPatience();
          });
        }
        (picture.soon ? first : ask.queue).push([target, picture]);
      }
      const still = (/** @type {Guarded | undefined} */ picture) => picture?.state === "waiting" && !picture.readyAt;
      if (!still(known.get(target)) && !still(backs.get(target))) near.unobserve(target);
    }
    ask.queue.unshift(...first);
    pump();
    waitWithPatience();
  }

  /** Asks about what waits, in view or nearly. */
  function pump() {
    while (rule && on && ask.nUnder < AT_ONCE && ask.queue.length) {
      const [element, picture] = /** @type {[Element, Guarded]} */ (ask.queue.shift());
      if (!isCurrent(element, picture)) continue;
      ask.nUnder += 1;
      void judge(element, picture).finally(() => {
        ask.nUnder -= 1;
        pump();
      });
    }
  }

  /**
   * @param {Element} element
   * @param {Guarded} picture
   */
  const isCurrent = (element, picture) => on && (isBack(picture) ? backs : known).get(element) === picture && (isBack(picture) || addressOf(element) === picture.address);

  /**
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function judge(element, picture) {
    if ((picture.film ? rule?.films : rule?.pictures) === "off") return settle(element, picture, null, true);
    if (picture.film) return void films.film(element, picture);
    if (element instanceof HTMLCanvasElement) return films.canvas(element, picture);
    if (isBack(picture)) return judgeBehind(element, picture);
    const addresses = addressesOf(element, picture);
    /** @type {PictureVerdict | null} */
    let verdict = null;
    if (picture.soon && nReadAtOnce < READ_AT_ONCE && STILL.test(picture.address)) {
      nReadAtOnce += 1;
      // Off this thread; to draw it is little work then.
      await /** @type {HTMLImageElement} */ (element).decode?.().catch(() => {});
      verdict = await verdictOnPixels(element, picture);
    }
    if (!verdict) verdict = addresses.length ? await verdictOnLoaded(addresses, element, picture) : null;
    // Another picture by the same name: what the browser handed over was not this one.
    if (verdict && !isShapedLike(element, verdict)) verdict = null;
    verdict ??= await verdictOnPixels(element, picture);
    if (verdict) return isCurrent(element, picture) ? settle(element, picture, verdict, false) : undefined;
    // It may never come into view: nobody else waits for that.
    void screen.verdictOnScreen(element, picture).then((seen) => isCurrent(element, picture) && settle(element, picture, seen, false));
  }

  /**
   * By the bytes that the browser has of it.
   * @param {string[]} addresses
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function verdictOnLoaded(addresses, element, picture) {
    const pauses = element instanceof HTMLImageElement && !isBack(picture) ? JUST_COME_AGAIN_MS : SILENT_AGAIN_MS;
    for (const again of [0, ...pauses]) {
      if (again) await pause(again);
      const verdict = await verdictOn({ ask: "loaded", addresses, soon: picture.soon, cameMs: picture.cameMs }, element, picture);
      if (verdict || !isCurrent(element, picture)) return verdict;
    }
    return null;
  }

  /**
   * By its pixels, where the page may read them.
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function verdictOnPixels(element, picture) {
    if (!isCurrent(element, picture)) return null;
    const pixels = pixelsOf(/** @type {PictureElement} */ (element), SIDE_MAX);
    // To read them takes a moment, and to hand them over another: the page may go on in between.
    if (pixels) await pause(0);
    return pixels && verdictOn({ ask: "seen", film: picture.film, picture: pixels }, element, picture);
  }

  /**
   * By what names the browser's record of the page knows the picture: it goes by `src` wherever no <picture> stands around it. Where
   * one `src` stands for several pictures only the first is found, so that none is asked for.
   * @param {Element} element
   * @param {Guarded} picture
   */
  function addressesOf(element, picture) {
    if (!(element instanceof HTMLImageElement) || element.parentElement?.localName === "picture") return [picture.address];
    const src = element.src;
    if (!src || src.startsWith("data:")) return [];
    for (const [other, { address }] of known) {
      if (other instanceof HTMLImageElement && other.src === src && address !== picture.address) return [];
    }
    return [src];
  }

  /**
   * Whether a verdict is on a picture with the proportions of this one.
   * @param {Element} element
   * @param {PictureVerdict} verdict
   */
  function isShapedLike(element, { width, height }) {
    const { naturalWidth = 0, naturalHeight = 0 } = /** @type {PictureElement} */ (element);
    if (!naturalWidth || !naturalHeight) return true;
    // Sides are whole pixels, before and after it was made smaller.
    const off = Math.abs(naturalWidth * height - naturalHeight * width);
    return off <= Math.max(naturalWidth, naturalHeight) + Math.max(width, height);
  }

  /**
   * What the background says; null where there is nothing to judge by.
   * @param {FrameAsk} request
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function verdictOn(request, element, picture) {
    for (picture.nTries = 0; isCurrent(element, picture); ) {
      const reply = await send(request).catch(() => null);
      if (reply?.answer === "picture") return reply;
      const refusal = reply?.answer === "refused" ? reply.reason : null;
      const isBusy = !reply || refusal === "outOfMemory" || refusal === "internal" || refusal === "cancelled";
      if (!isBusy || (picture.nTries += 1) >= TRIES_MAX) return null;
      await pause(AGAIN_MS);
    }
    return null;
  }

  /**
   * @param {Element} element
   * @param {Guarded} picture
   * @param {PictureVerdict | null} verdict
   * @param {boolean} mayBeSeen  without a verdict, because nobody wants one or there is nothing to see
   */
  function settle(element, picture, verdict, mayBeSeen) {
    if (!on || (isBack(picture) ? backs : known).get(element) !== picture || picture.state === "shown") return;
    picture.verdict = verdict;
    const isOver = verdict ? verdict.unsuitable : !mayBeSeen && keeps();
    picture.state = isOver ? "covered" : verdict || mayBeSeen ? "fine" : "late";
    // What nobody could judge is not outlined: that would say that it was.
    mark(element, picture, isOver ? (verdict ? rule?.cover ?? "blur" : "hide") : "fine");
    if (isOver) bringCovers();
    changed();
  }

  /**
   * @param {Element} element
   * @param {Guarded} picture
   * @param {string | null} value
   */
  function mark(element, picture, value) {
    picture.mark = value;
    put(element, isBack(picture) ? BACK : MARK, value);
  }

  /** What waits too long for a verdict goes by the person's rule; a verdict that comes later still counts. */
  function waitWithPatience() {
    if (patienceTimer) return;
    const waiting = [known, backs].flatMap((map) => [...map]).filter(([, picture]) => picture.state === "waiting" && picture.readyAt && Number.isFinite(picture.readyAt));
    if (!waiting.length) return;
    const first = Math.min(...waiting.map(([, picture]) => picture.readyAt));
    patienceTimer = setTimeout(() => {
      patienceTimer = 0;
      const late = performance.now() - PATIENCE_MS + 1;
      for (const [element, picture] of waiting) {
        if (picture.state === "waiting" && picture.readyAt <= late && isCurrent(element, picture)) settle(element, picture, null, false);
      }
      waitWithPatience();
    }, Math.max(0, first + PATIENCE_MS - performance.now()));
  }

  // ---- Pictures behind what has content ----

  /** Everything: a style sheet came, or something was drawn that nobody told of. */
  function lookBehindAll() {
    for (const root of [...watched]) for (const child of root.children) behind.soon(child);
  }

  /** @param {Element} element */
  function lookBehind(element) {
    if (!on) return;
    lookInside(element);
    if (element.matches(WANTED)) meet(element);
    const address = behind.urlsOf(element);
    const before = backs.get(element);
    if (!address) {
      if (before?.state === "covered") changed();
      backs.delete(element);
      return put(element, BACK, null);
    }
    if (before?.address === address) return;
    begin(element, { name: before?.name ?? (nNamed += 1), address, film: false });
  }

  /**
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function judgeBehind(element, picture) {
    const urls = behind.urlsIn(picture.address).filter((url) => !url.startsWith("data:image/svg"));
    let worst = /** @type {PictureVerdict | null} */ (null);
    let isMissing = false;
    for (const url of urls) {
      const verdict = await verdictBehind(url, element, picture);
      if (!verdict) isMissing = true;
      else if (!worst || verdict.unsuitable) worst = verdict;
    }
    if (isCurrent(element, picture)) settle(element, picture, worst?.unsuitable || !isMissing ? worst : null, !urls.length);
  }

  /**
   * @param {string} url
   * @param {Element} element
   * @param {Guarded} picture
   */
  async function verdictBehind(url, element, picture) {
    if (url.startsWith("data:")) {
      const [, type, data] = /^data:(image\/[\w+.-]+);base64,(.*)$/s.exec(url) ?? [];
      const bytes = data && Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      return bytes ? verdictOn({ ask: "seen", film: false, picture: new Blob([bytes], { type }) }, element, picture) : null;
    }
    return verdictOnLoaded([url], element, picture);
  }

  // ---- Frames of other sites ----

  /** @type {WeakSet<Element>} */
  const allowedFrames = new WeakSet();

  /** Frames stay out of sight until our scripts are in them. @param {Element} frame */
  function frameCame(frame) {
    if (!framesTimer) framesTimer = setTimeout(() => void letFramesIn(), 50);
    if (!allowedFrames.has(frame)) put(frame, MARK, null);
  }

  async function letFramesIn() {
    framesTimer = 0;
    const frames = watched.flatMap((root) => [...root.querySelectorAll(FRAMES)]);
    await send({ ask: "frames" }).catch(() => null);
    if (!on) return;
    for (const frame of frames) {
      allowedFrames.add(frame);
      put(frame, MARK, "fine");
    }
  }

  // ---- What is covered ----

  function bringCovers() {
    if (!globalThis.sottoCovers) send({ ask: "bringCovers" }).catch(() => {});
  }

  /** Tells whoever shows what is covered here, not more often than anybody can read. */
  function changed() {
    protect.onChange?.();
    tellTimer ||= setTimeout(() => {
      tellTimer = 0;
      send({ ask: "coveredChanged" }).catch(() => {});
    }, TELL_EVERY_MS);
  }

  const covered = () => new Map([...known, ...backs].filter(([, picture]) => picture.state === "covered"));

  /** Shows one covered picture, or all of this page, whatever comes. @param {number | null | undefined} [which] */
  function reveal(which) {
    if (sealed) return;
    allShown ||= which == null;
    for (const [element, picture] of allShown ? [...known, ...backs] : covered()) {
      if (which != null && picture.name !== which) continue;
      picture.state = "shown";
      mark(element, picture, "fine");
    }
    changed();
  }

  // A person's click on a covered picture shows it, and is no click on the page.
  addEventListener("click", (event) => {
    if (!event.isTrusted || !on) return;
    const at = [...event.composedPath(), ...document.elementsFromPoint(event.clientX, event.clientY)];
    const element = at.find((candidate) => candidate instanceof Element && known.get(candidate)?.state === "covered" && known.get(candidate)?.mark !== "outline");
    const picture = element instanceof Element && known.get(element);
    if (!picture || sealed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    reveal(picture.name);
  }, true);

  /** @returns {CoveredInFrame} */
  function report() {
    const pictures = [...covered()].map(([element, { name, film, verdict }]) => {
      const { width, height } = element.getBoundingClientRect();
      const first = verdict?.classes[verdict.over[0]];
      return { picture: name, width, height, film, class: !verdict ? "" : verdict.said ? "Said" : first?.name ?? "OpenNsfw", share: first?.probability ?? verdict?.second.share ?? 0, doubtful: verdict?.doubtful ?? false };
    });
    const all = [...known.values(), ...backs.values()];
    return { pictures, judged: all.filter(({ verdict }) => verdict).length, unjudged: all.filter(({ state, verdict }) => !verdict && (state === "late" || state === "covered")).length };
  }

  /** @param {number} ms */
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /**
   * Whatever is asked is given up when this document goes away: the connection closes.
   * @param {FrameAsk} request
   * @returns {Promise<Reply | undefined>}
   */
  function send(request) {
    const asked = chrome.runtime.sendMessage({ id: `${name}/${(nAsked += 1)}`, ...request });
    if (on && !connection && request.ask !== "coveredChanged") {
      connection = chrome.runtime.connect({ name });
      connection.onDisconnect.addListener(() => (connection = null));
    }
    return asked;
  }

  const screen = globalThis.sottoScreen({ isCurrent, mark, send, sideMin: SIDE_MIN, waitWithPatience });
  const films = globalThis.sottoFilms({ areLookedAt: () => on && Boolean(rule) && rule?.films !== "off", isCurrent, settle, verdictOnPixels, verdictOnScreen: screen.verdictOnScreen });
  const behind = globalThis.sottoBehind({ look: lookBehind, sweepSoon });

  /** @type {SottoProtect} */
  const protect = { covered, isSealed: () => sealed, report, reveal, onChange: null };
  start();
  void obey();
  document.addEventListener("DOMContentLoaded", lookBehindAll);
  // Styles may be others for another size, and by night.
  addEventListener("resize", () => on && sweepSoon());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => on && lookBehindAll());
  return protect;
})();
