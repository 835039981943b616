// The card beside a selection or picture: shows the views that the background sends, as verdict.js draws them, and nothing else.
// It must never judge, and it leaves nothing behind when it closes.

(() => {
  if (globalThis.sottoCard) return;
  const { make, mark, move, ofPage, open, restyle, text, watch } = globalThis.sottoSurface;
  const { draw, foot, styles } = globalThis.sottoVerdict;

  const QUIET_MS = 300;
  const EDGE = 8;
  const GAP = 10;
  /** A card with less room than this goes to a corner instead. */
  const LEAST_ROOM = 140;
  /** A page that takes the card away so often gets no card: the popup has its verdict then. */
  const MOST_RETURNS = 3;
  const STYLE = `
    .sheet { width: min(340px, calc(100vw - 16px)); max-height: calc(100vh - 16px); overflow: auto; }
    header, footer { padding: 8px; padding-inline-start: 14px; }
    header h2 { flex: 1; color: var(--quiet); font-weight: 500; font-size: 13px; }
    .body { padding: 2px 14px 12px; }
    footer { border-top: 1px solid var(--line); }
    [hidden] { display: none; }
  `;

  /** What views change on a card that stands, by their kind; why.js adds the words that pushed a verdict. */
  const changes = { busy };
  globalThis.sottoCard = { changes, dress, place, open: () => card };

  /** The open card; null when there is none. */
  let card = null;

  chrome.runtime.onMessage.addListener((message, sender) => {
    if (sender.id !== chrome.runtime.id || message?.sotto !== "card") return;
    const { request, view } = message;
    // The first word about a request has no figures yet; a later one must not bring back a card that was closed.
    if (view.kind === "busy" && view.percent === null && view.read === null) return begin(request, view);
    if (!card || (request && card.request !== request)) return;
    (changes[view.kind] ?? show)(view);
  });

  function busy(view) {
    if (card.settled) return;
    card.progress = view;
    if (card.host) fill(view);
  }

  /** A new card waits a moment before it shows, so that a quick answer does not flicker. */
  function begin(request, progress) {
    const subject = globalThis.sottoSubject ?? {};
    close();
    const focusBefore = ofPage("activeElement");
    card = { request, subject, focusBefore, settled: false, progress, nReturns: 0 };
    const mine = card;
    card.timer = setTimeout(() => mine === card && !card.host && fill(card.progress), QUIET_MS);
    // The port closes by itself when the browser stops the background: then no answer will come. Closed from this side
    // it gives up the request that it is named after.
    card.port = chrome.runtime.connect({ name: request });
    card.port.onDisconnect.addListener(() => {
      if (mine === card && !card.settled) show({ kind: "refused", reason: "internal" });
    });
    if ("CloseWatcher" in globalThis) {
      // Escape on a page that lets no key event through to us.
      card.watcher = new CloseWatcher();
      card.watcher.onclose = close;
    }
    listen(addEventListener);
  }

  function listen(change) {
    change("keydown", onKey, true);
    change("pointerdown", onPointer, true);
    change("scroll", onMove, { capture: true, passive: true });
    change("resize", onMove);
    for (const event of ["pagehide", "popstate", "hashchange"]) change(event, close, true);
    globalThis.navigation?.[change === addEventListener ? "addEventListener" : "removeEventListener"]("currententrychange", close);
  }

  function show(view) {
    card.settled = true;
    clearTimeout(card.timer);
    card.port.disconnect();
    fill(view);
  }

  function fill(view) {
    if (!card.host && !build()) return close();
    dress();
    const drawing = draw(view, { said: card.subject.text ?? "", moved: place, cancel: close });
    card.body.replaceChildren(...drawing.body);
    card.footer.replaceChildren(...foot(drawing, card.why));
    card.footer.hidden = !drawing.copy;
    card.why.hidden = !drawing.why;
    // Before the card is moved: both need it laid out, and one layout serves them.
    if (card.settled && !card.subject.editable) card.sheet.focus({ preventScroll: true });
    place();
  }

  /** What is brought in later brings styles of its own. */
  function dress() {
    restyle(card.host, STYLE + Object.values(styles).join(""));
  }

  function build() {
    card.body = make("div", { class: "body", id: "body", role: "status" });
    // why.js, brought in when it is asked for, has its place here.
    card.below = make("div", {}, make("p", { role: "status" }));
    card.why = make("button", { class: "bare", type: "button", "aria-expanded": "false", onclick: () => ask({ ask: "bringWhy" }) }, text("why"));
    card.footer = make("footer", { class: "foot row" });
    const closeButton = make("button", { class: "bare", type: "button", "aria-label": text("close"), onclick: close }, "✕");
    card.sheet = make(
      "section",
      { class: "sheet", role: "dialog", "aria-labelledby": "title", "aria-describedby": "body", tabindex: -1 },
      make("header", { class: "row" }, mark(), make("h2", { id: "title" }, text("cardTitle")), closeButton),
      card.body,
      card.below,
      card.footer,
    );
    card.host = open(card.sheet, STYLE, card.subject.element);
    if (!card.host) return false;
    // The browser itself hides the card then, on a page that lets no click through to us.
    closeButton.popoverTargetElement = card.host;
    closeButton.popoverTargetAction = "hide";
    const mine = card;
    watch(card.host, close, () => mine === card && comesBack());
    return true;
  }

  /** The page removed the card: it comes back where it was, but fights with no page for ever. */
  function comesBack() {
    if (card.nReturns++ < MOST_RETURNS) return true;
    const said = card.subject.text;
    close();
    if (said) ask({ ask: "textInPopup", text: said });
  }

  function ask(request) {
    return chrome.runtime.sendMessage({ id: `${card?.request}/${Math.random()}`, ...request });
  }

  function onMove() {
    if (card.host) place();
  }

  /** Below the subject where there is room, else above, beside it, or in a corner: never over it if there is a way. */
  function place() {
    const { host, sheet, subject } = card;
    sheet.style.maxHeight = "";
    const { width, height } = sheet.getBoundingClientRect();
    // Without the scrollbars, whichever side they are on.
    const [right, bottom] = [visualViewport.width - width - EDGE, visualViewport.height - height - EDGE];
    const clamp = (value, most) => Math.max(EDGE, Math.min(value, most));
    const rect = subject.where?.() ?? subject.rect;
    if (!rect || rect.bottom < 0 || rect.top > bottom + height) return move(host, right, EDGE);
    const along = clamp(sheet.dir === "rtl" ? rect.right - width : rect.left, right);
    const below = Math.max(EDGE, rect.bottom + GAP);
    const roomBelow = bottom + height - below;
    const roomAbove = rect.top - GAP - EDGE;
    if (height <= roomBelow) return move(host, along, below);
    if (height <= roomAbove) return move(host, along, rect.top - GAP - height);
    if (rect.right + GAP <= right) return move(host, rect.right + GAP, clamp(rect.top, bottom));
    if (rect.left - GAP - width >= EDGE) return move(host, rect.left - GAP - width, clamp(rect.top, bottom));
    const room = Math.max(roomBelow, roomAbove);
    if (room < LEAST_ROOM) return move(host, right, bottom);
    sheet.style.maxHeight = `${room}px`;
    move(host, along, room === roomBelow ? below : EDGE);
  }

  function close() {
    if (!card) return;
    const { host, port, timer, focusBefore, watcher } = card;
    const hadFocus = host && ofPage("activeElement") === host;
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

  function onKey(event) {
    if (event.key !== "Escape" || !event.isTrusted) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  }

  function onPointer(event) {
    if (event.isTrusted && card.host && !event.composedPath().includes(card.host)) close();
  }
})();
