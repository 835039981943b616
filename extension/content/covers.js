// What stands over the covered pictures of a protected page: why, and a button to see it. Brought in with the first one that is
// covered. It must never mark a picture itself: protect.js does.

globalThis.sottoCovers ??= (() => {
  const { make, ofPage, open, percent, text, watch } = globalThis.sottoSurface;

  const STYLE = `
    .covers { all: unset; }
    .chip {
      position: absolute; transform: translate(-50%, -50%); display: flex; flex-direction: column; align-items: center; gap: 6px;
      width: max-content; padding: 8px 10px; border-radius: 12px; font-size: 13px; text-align: center; animation: none;
    }
    .chip[hidden] { display: none; }
    .chip .row { display: flex; flex-wrap: wrap; justify-content: center; gap: 6px; }
    .chip .all { display: none; }
    .chip.wide .all { display: block; }
    .chip.small { padding: 2px; border-radius: 10px; }
    .chip.small .row + .why, .chip.small .why:has(+ .row) { display: none; }
    .chip.tiny:not(:has(.row)) { display: none; }
    .chip.tiny button { padding: 0 5px; font-size: 11px; }
  `;
  /** Room for the reason; for the second button; for a button of full size. */
  const [ROOMY, WIDE, TINY] = [150, 260, 80];

  const LISTEN = { capture: true, passive: true };
  /** Nobody else's work waits longer for ours: what is left is done in the next frame. */
  const SLICE_MS = 4;

  const chips = /** @type {Map<Element, { chip: HTMLElement, name: number, isSeen: boolean }>} */ (new Map());
  const list = make("div", { class: "covers", role: "region", "aria-label": text("coveredRegion") });
  const sizes = new ResizeObserver(placeSoon);
  /** Of which pictures something is in view or nearly, whatever scrolls or cuts them. */
  const inView = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const one = chips.get(target);
      if (one) one.isSeen = isIntersecting;
    }
    placeSoon();
  }, /** @type {IntersectionObserverInit} */ ({ rootMargin: "50%", delay: 100 }));
  let host = /** @type {HTMLElement | null} */ (null);
  /** Hears in the next frame, between layout and paint: places are known then without asking for them. One step in each. */
  const beforePaint = new ResizeObserver(() => {
    beforePaint.disconnect();
    if (isStale) follow();
    else if (chips.size && !host) show();
    else return place();
    placeSoon();
  });

  /** Words for why a picture is covered. @param {Guarded} picture */
  function reason({ verdict, film }) {
    if (!verdict) return text(film ? "coveredFilmUnjudged" : "coveredUnjudged");
    if (verdict.said) return text("said_unsuitable");
    const first = verdict.classes[verdict.over[0]];
    const share = percent(first?.probability ?? verdict.second.share);
    if (!first) return text(verdict.doubtful ? "coveredDoubtfulUnsuitable" : "coveredUnsuitable", share);
    return text(verdict.doubtful ? "coveredDoubtful" : "coveredBecause", text(`class${first.name}`), share);
  }

  /** @param {Guarded} picture */
  function chipFor(picture) {
    const why = reason(picture);
    const isMarked = picture.mark === "outline";
    const show = make("button", { "aria-label": text(isMarked ? "coveredUnmarkThis" : "coveredShowThis", why), onclick: () => revealed(picture.name) }, text(isMarked ? "coveredUnmark" : "coveredShow"));
    const all = make("button", { class: "bare all", onclick: () => revealed(null) }, text("coveredShowAll"));
    const buttons = globalThis.sottoProtect?.isSealed() ? [] : [make("div", { class: "row" }, show, all)];
    return make("div", { class: "sheet chip", role: "group", "aria-label": why, hidden: "" }, make("span", { class: "why" }, why), ...buttons);
  }

  /** By the keyboard one after the other: the next one has the focus then. @param {number | null} name */
  function revealed(name) {
    globalThis.sottoProtect?.reveal(name);
    follow();
    list.querySelector("button")?.focus();
  }

  let wasSealed = false;
  let isStale = true;

  function followSoon() {
    isStale = true;
    placeSoon();
  }

  function follow() {
    isStale = false;
    const isSealed = globalThis.sottoProtect?.isSealed() ?? false;
    const covered = globalThis.sottoProtect?.covered() ?? new Map();
    for (const [element, { chip }] of chips) {
      if (covered.has(element)) continue;
      chip.remove();
      for (const observer of [sizes, inView]) observer.unobserve(element);
      chips.delete(element);
    }
    const end = performance.now() + SLICE_MS;
    for (const [element, picture] of covered) {
      if (performance.now() > end) {
        requestAnimationFrame(followSoon);
        break;
      }
      const before = chips.get(element);
      if (before && before.name === picture.name && before.chip.ariaLabel === reason(picture) && isSealed === wasSealed) continue;
      before?.chip.remove();
      const chip = chipFor(picture);
      chips.set(element, { chip, name: picture.name, isSeen: before?.isSeen ?? false });
      list.append(chip);
      for (const observer of [sizes, inView]) observer.observe(element);
    }
    wasSealed = isSealed;
    if (!chips.size && host) hide();
  }

  function show() {
    host = open(list, STYLE);
    if (!host) return;
    // It goes along with the page when that is scrolled.
    for (const [name, value] of [["position", "absolute"], ["left", "0"], ["top", "0"], ["width", "0"], ["height", "0"], ["overflow", "visible"]]) host.style.setProperty(name, value, "important");
    const standing = host;
    watch(host, () => standing === host && standing.showPopover(), () => standing === host);
    sizes.observe(/** @type {Element} */ (ofPage("documentElement")));
  }

  function hide() {
    const gone = host;
    host = null;
    sizes.disconnect();
    gone?.remove();
  }

  function placeSoon() {
    beforePaint.observe(/** @type {Element} */ (ofPage("documentElement")));
  }

  /** After it, chips whose pictures did not go along show that they must be moved while the page scrolls. */
  let wasScrolled = false;

  /** Each chip over the middle of its picture. */
  function place() {
    if (!host) return;
    const { left, top } = host.getBoundingClientRect();
    const places = [...chips].map(([element, { chip, isSeen }]) => ({ chip, isSeen, box: element.getBoundingClientRect() }));
    for (const { chip, isSeen, box } of places) {
      const { width, height } = box;
      const isInView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      // The keyboard comes to those out of view as well; what scrolls inside the page may have others out of sight.
      chip.hidden = !width || !height || (isInView && !isSeen);
      if (chip.hidden) continue;
      chip.classList.toggle("small", width < ROOMY || height < 70);
      chip.classList.toggle("tiny", width < TINY || height < 40);
      chip.classList.toggle("wide", width >= WIDE && height >= 110);
      chip.style.maxWidth = `${Math.max(40, width - 12)}px`;
      const [x, y] = [box.left + width / 2 - left, box.top + height / 2 - top];
      if (wasScrolled && chip.style.top && Math.abs(parseFloat(chip.style.top) - y) + Math.abs(parseFloat(chip.style.left) - x) > 1) {
        addEventListener("scroll", again, LISTEN);
      }
      [chip.style.left, chip.style.top] = [`${x}px`, `${y}px`];
    }
    wasScrolled = false;
  }

  const again = () => host && placeSoon();
  for (const type of ["resize", "load", "transitionend"]) addEventListener(type, again, LISTEN);
  // What scrolls inside the page. The page itself takes all along, but for what it keeps in place.
  ofPage("documentElement")?.addEventListener("scroll", again, LISTEN);
  addEventListener("scrollend", () => {
    wasScrolled = true;
    again();
  }, LISTEN);
  if (globalThis.sottoProtect) globalThis.sottoProtect.onChange = followSoon;
  followSoon();
  return /** @type {const} */ (true);
})();
