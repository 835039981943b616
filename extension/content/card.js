// The card beside a selection or picture: shows the views that the background sends, as verdict.js draws them, and nothing else.
// It must never judge, and it leaves nothing behind when it closes.

(() => {
  if (globalThis.sottoCard) return;
  const { make, mark, move, ofPage, open, restyle, text, watch } = globalThis.sottoSurface;
  const { draw, foot, styles } = globalThis.sottoVerdict;

  const QUIET_MS = 300;
  const EDGE = 8;
  const GAP = 10;
  /**
   * What comes in when it is asked for.
   * @type {CardPart[]}
   */
  const PARTS = ["why", "wrong"];
  /** A card with less room than this goes to a corner instead. */
  const ROOM_MIN = 140;
  /** A page that takes the card away so often gets no card: the popup has its verdict then. */
  const RETURNS_MAX = 3;
  const STYLE = `
    .sheet { width: min(340px, calc(100vw - 16px)); max-height: calc(100vh - 16px); overflow: auto; }
    header, footer { padding: 8px; padding-inline-start: 14px; }
    header h2 { flex: 1; color: var(--quiet); font-weight: 500; font-size: 13px; }
    .body { padding: 2px 14px 12px; }
    footer { border-top: 1px solid var(--line); flex-wrap: wrap; }
    [hidden] { display: none; }
  `;

  /**
   * What views change on a card that is open, by their kind; why.js adds the words that pushed a verdict.
   * @type {Record<string, AnyChange["change"]>}
   */
  const changes = { busy };
  globalThis.sottoCard = { changes, dress, place, open: () => card };

  /**
   * The open card; null when there is none.
   * @type {Card | null}
   */
  let card = null;

  chrome.runtime.onMessage.addListener((/** @type {Heard | undefined} */ message, sender) => {
    if (sender.id !== chrome.runtime.id || message?.sotto !== "card") return;
    const { request, view } = message;
    // The first word about a request has no figures yet; a later one must not bring back a card that was closed.
    if (view.kind === "busy" && view.percent === null && view.read === null) return begin(request, view);
    if (!card || (request && card.request !== request)) return;
    (changes[view.kind] ?? show)(view, card);
  });

  /**
   * @param {ViewOf<"busy">} view
   * @param {Card} mine
   */
  function busy(view, mine) {
    if (mine.settled) return;
    mine.progress = view;
    if (mine.host) fill(view, mine);
  }

  /**
   * A new card waits a moment before it shows, so that a quick answer does not flicker.
   * @param {Card["request"]} request
   * @param {ViewOf<"busy">} progress
   * @returns {undefined}
   */
  function begin(request, progress) {
    const subject = globalThis.sottoSubject ?? {};
    close();
    /** @type {Card} */
    const mine = card = {
      request, subject, focusBefore: /** @type {HTMLElement | null} */ (ofPage("activeElement")), progress, nReturns: 0,
      timer: setTimeout(() => mine === card && !card.host && fill(card.progress, card), QUIET_MS),
      // The port closes by itself when the browser stops the background: then no answer will come. Closed from this side
      // it gives up the request that it is named after.
      port: chrome.runtime.connect({ name: request }),
    };
    mine.port.onDisconnect.addListener(() => {
      if (mine === card && !card.settled) show({ kind: "refused", reason: "internal" }, card);
    });
    if ("CloseWatcher" in self) {
      // Escape on a page that lets no key event through to us.
      (mine.watcher = new CloseWatcher()).onclose = close;
    }
    listen(addEventListener);
  }

  /** @param {typeof addEventListener} change */
  function listen(change) {
    change("keydown", onKey, true);
    change("pointerdown", onPointer, true);
    change("scroll", place, true);
    change("resize", place);
    for (const event of ["pagehide", "popstate", "hashchange"]) change(event, close, true);
    self.navigation?.[/** @type {"addEventListener"} */ (change.name)]("currententrychange", close);
  }

  /**
   * @param {Shown} view
   * @param {Card} mine
   */
  function show(view, mine) {
    mine.settled = true;
    clearTimeout(mine.timer);
    mine.port.disconnect();
    fill(view, mine);
  }

  /**
   * @param {Shown} view
   * @param {Card} mine
   */
  function fill(view, mine) {
    if (!mine.host && !build(mine)) return close();
    dress(mine);
    const drawing = draw(view, { said: mine.subject.text ?? "", moved: place, cancel: close });
    mine.body.replaceChildren(...drawing.body);
    mine.footer.replaceChildren(...foot(drawing, mine.wrong, mine.why));
    mine.footer.hidden = !drawing.copy;
    mine.why.hidden = !(mine.towards = drawing.why);
    mine.wrong.hidden = !(mine.verdict = drawing.wrong);
    // Before the card is moved: both need it laid out, and one layout serves them.
    if (mine.settled && !mine.subject.editable) mine.sheet.focus({ preventScroll: true });
    place();
  }

  /**
   * What is brought in later brings styles of its own.
   * @param {StandingCard} mine
   */
  function dress(mine) {
    restyle(mine.host, STYLE + Object.values(styles).join(""));
  }

  /**
   * @param {Card} mine
   * @returns {mine is StandingCard} whether it stands now
   */
  function build(mine) {
    const body = make("div", { class: "body", id: "body", role: "status" });
    // why.js, brought in when it is asked for, has its place here.
    const below = make("div", {}, make("p", { role: "status" }));
    const [why, wrong] = PARTS.map((what) => make("button", { class: "bare", "aria-expanded": "false", onclick: () => ask({ ask: "bring", what }) }, text(what)));
    const footer = make("footer", { class: "foot row" });
    const cross = make("button", { class: "bare", "aria-label": text("close"), onclick: close }, "✕");
    const sheet = make(
      "section",
      { class: "sheet", role: "dialog", "aria-labelledby": "title", "aria-describedby": "body", tabindex: -1 },
      make("header", { class: "row" }, mark(), make("h2", { id: "title" }, text("cardTitle")), cross),
      body,
      below,
      footer,
    );
    const host = open(sheet, STYLE, mine.subject.element);
    if (!host) return false;
    Object.assign(mine, { host, sheet, body, below, footer, why, wrong });
    // The browser itself hides the card then, on a page that lets no click through to us.
    cross.popoverTargetElement = host;
    cross.popoverTargetAction = "hide";
    watch(host, close, () => mine === card && comesBack(mine));
    return true;
  }

  /**
   * The page removed the card: it comes back where it was, but fights with no page for ever.
   * @param {Card} mine
   */
  function comesBack(mine) {
    if (mine.nReturns++ < RETURNS_MAX) return true;
    const said = mine.subject.text;
    close();
    if (said) ask({ ask: "textInPopup", text: said });
  }

  /** @param {FrameAsk} request */
  function ask(request) {
    return chrome.runtime.sendMessage({ id: `${card?.request}/${Math.random()}`, ...request });
  }

  /** Below the subject where there is room, else above, beside it, or in a corner: never over it if there is a way. */
  function place() {
    if (!card?.host) return;
    const { host, sheet, subject } = card;
    sheet.style.maxHeight = "";
    const { width, height } = sheet.getBoundingClientRect();
    // Without the scrollbars, whichever side they are on.
    const view = /** @type {VisualViewport} */ (visualViewport);
    const [right, bottom] = [view.width - width - EDGE, view.height - height - EDGE];
    /**
     * @param {number} value
     * @param {number} most
     */
    const clamp = (value, most) => Math.max(EDGE, Math.min(value, most));
    const rect = subject.where?.() ?? subject.rect;
    if (!rect || rect.bottom < 0 || rect.top > bottom + height) return move(host, right, EDGE);
    const along = clamp(sheet.dir === "rtl" ? rect.right - width : rect.left, right);
    const below = Math.max(EDGE, rect.bottom + GAP);
    // How much room there is.
    const under = bottom + height - below;
    const over = rect.top - GAP - EDGE;
    if (height <= under) return move(host, along, below);
    if (height <= over) return move(host, along, rect.top - GAP - height);
    if (rect.right + GAP <= right) return move(host, rect.right + GAP, clamp(rect.top, bottom));
    if (rect.left - GAP - width >= EDGE) return move(host, rect.left - GAP - width, clamp(rect.top, bottom));
    const room = Math.max(under, over);
    if (room < ROOM_MIN) return move(host, right, bottom);
    sheet.style.maxHeight = `${room}px`;
    move(host, along, room === under ? below : EDGE);
  }

  function close() {
    if (!card) return;
    const { host, port, timer, focusBefore, watcher } = card;
    const hadFocus = ofPage("activeElement") === host;
    clearTimeout(timer);
    host?.remove();
    card = null;
    watcher?.destroy();
    globalThis.sottoSubject = undefined;
    try {
      port.disconnect();
    } catch {
      // The extension was updated or removed while the card was open.
    }
    if (hadFocus && focusBefore?.isConnected) focusBefore.focus({ preventScroll: true });
    listen(removeEventListener);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key !== "Escape" || !event.isTrusted) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  }

  /** @param {PointerEvent} event */
  function onPointer(event) {
    if (event.isTrusted && card?.host && !event.composedPath().includes(card.host)) close();
  }
})();
