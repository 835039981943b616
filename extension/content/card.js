// The card beside a selection or picture: shows the views that the background sends, nothing else. It must never
// judge, and it leaves nothing behind when it closes.

(() => {
  if (globalThis.sottoCard) return;
  const { make, mark, move, ofPage, open, percent, restyle, text, watch } = globalThis.sottoSurface;

  const QUIET_MS = 300;
  const EDGE = 8;
  const GAP = 10;
  /** A card with less room than this goes to a corner instead. */
  const LEAST_ROOM = 140;
  /** A page that takes the card away so often gets no card: the popup has its verdict then. */
  const MOST_RETURNS = 3;
  const STYLE = `
    .sheet { width: min(340px, calc(100vw - 16px)); max-height: calc(100vh - 16px); overflow: auto; }
    header, footer, .verdict, .ends { display: flex; align-items: center; justify-content: space-between; gap: 8px; }
    header { padding-block: 10px 6px; padding-inline: 14px 8px; }
    header h2 { flex: 1; color: var(--quiet); font-weight: 500; font-size: 13px; }
    .body { padding: 2px 14px 12px; }
    .verdict { font-size: 20px; font-variant-numeric: tabular-nums; }
    .label { font-weight: 650; }
    .good { color: var(--good); } .bad { color: var(--bad); } .even { color: var(--even); }
    .meaning { color: var(--quiet); margin-top: 2px; }
    .scale { position: relative; height: 8px; border-radius: 4px; margin: 12px 0 4px;
      background: linear-gradient(to var(--to, right), #d4553f, #e9cf8a 50%, #23986f); }
    [dir=rtl] { --to: left; }
    .needle { position: absolute; top: -3px; width: 4px; height: 14px; margin-inline-start: -2px; border-radius: 2px;
      background: var(--ink); box-shadow: 0 0 0 2px var(--paper); }
    .ends, footer { font-size: 12px; color: var(--quiet); }
    progress { width: 100%; height: 6px; margin-top: 8px; accent-color: var(--accent); }
    footer { padding-block: 6px 8px; padding-inline: 14px 8px; border-top: 1px solid var(--line); }
    footer span { flex: 1; }
    [hidden] { display: none; }
  `;

  /** What a view becomes, by its kind; scores.js adds pictures. */
  const bodies = { text: textBody, refused: refusedBody };
  /** What views change on a card that stands, by their kind; why.js adds the words that pushed a verdict. */
  const changes = { busy };
  /** What is shown below a text's verdict; sentences.js adds the strip. */
  const extras = { sentences: () => [], styles: {} };
  globalThis.sottoCard = { ask, bodies, changes, dress, extras, place, open: () => card };

  /** The open card; null when there is none. */
  let card = null;

  chrome.runtime.onMessage.addListener((message, sender) => {
    if (sender.id !== chrome.runtime.id || message?.sotto !== "card") return;
    const { request, view } = message;
    // The first word about a request has no figures yet; a later one must not bring back a card that was closed.
    if (view.kind === "busy" && view.percent === null && view.read === null) return begin(request);
    if (!card || (request && card.request !== request)) return;
    (changes[view.kind] ?? show)(view);
  });

  function busy({ percent: loaded, read }) {
    if (card.settled) return;
    card.progress = { loaded, read };
    if (card.host) fill(busyBody(card.progress));
  }

  /** A new card waits a moment before it shows, so that a quick answer does not flicker. */
  function begin(request) {
    const subject = globalThis.sottoSubject ?? {};
    close();
    const focusBefore = ofPage("activeElement");
    card = { request, subject, focusBefore, settled: false, progress: { loaded: null, read: null }, nReturns: 0 };
    const mine = card;
    card.timer = setTimeout(() => mine === card && !card.host && fill(busyBody(card.progress)), QUIET_MS);
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
    const parts = bodies[view.kind](view);
    fill(parts.body, parts.note, parts.copy, parts.why);
  }

  function fill(body, note = "", copy = null, why = false) {
    if (!card.host && !build()) return close();
    dress();
    card.body.replaceChildren(...body);
    card.note.textContent = note;
    card.copyText = copy;
    card.footer.hidden = !copy;
    card.why.hidden = !why;
    // Before the card is moved: both need it laid out, and one layout serves them.
    if (card.settled && !card.subject.editable) card.sheet.focus({ preventScroll: true });
    place();
  }

  /** Extras bring styles of their own when they come. */
  function dress() {
    restyle(card.host, STYLE + Object.values(extras.styles).join(""));
  }

  function build() {
    card.body = make("div", { class: "body", id: "body", role: "status" });
    // why.js, brought in when it is asked for, has its place here.
    card.below = make("div", { role: "status" });
    card.note = make("span");
    card.why = make("button", { class: "bare", type: "button", "aria-expanded": "false", onclick: () => ask({ ask: "bringWhy" }) }, text("why"));
    card.copy = make("button", { class: "bare", type: "button", onclick: copyVerdict }, text("copy"));
    card.footer = make("footer", {}, card.note, card.why, card.copy);
    const closeButton = make("button", { class: "bare", type: "button", "aria-label": text("close"), onclick: close }, "✕");
    card.sheet = make(
      "section",
      { class: "sheet", role: "dialog", "aria-labelledby": "title", "aria-describedby": "body", tabindex: -1 },
      make("header", {}, mark(), make("h2", { id: "title" }, text("cardTitle")), closeButton),
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

  async function copyVerdict() {
    await navigator.clipboard.writeText(card.copyText).catch(() => {});
    if (card) card.copy.textContent = text("copied");
  }

  const TONES = { positive: "good", negative: "bad" };

  function busyBody({ loaded, read }) {
    const value = (loaded ?? read ?? -1) / 100;
    const key = value < 0 ? "reading" : loaded === null ? "readingShare" : "loadingModel";
    return [
      make("p", {}, text(key, percent(value))),
      make("progress", { "aria-label": text("reading"), max: 1, value: value < 0 ? null : value }),
      read === null ? "" : make("button", { type: "button", onclick: close }, text("cancel")),
    ];
  }

  function textBody({ verdict }) {
    const { sentiment, positive, model } = verdict;
    const label = text(sentiment);
    // An unclear or mixed verdict has no side to be sure of, so it shows how positive the text reads.
    const share = percent(sentiment === "negative" ? 1 - positive : positive);
    const meaning = text(`${model.startsWith("own-") ? "own" : sentiment}Meaning`, share);
    return {
      body: [
        make("p", { class: "verdict" }, make("span", { class: `label ${TONES[sentiment] ?? "even"}` }, label), make("span", {}, share)),
        make("p", { class: "meaning" }, verdict.truncated ? `${meaning} ${text("truncated")}` : meaning),
        make("div", { class: "scale paint", "aria-hidden": "true" },
          make("span", { class: "needle", style: { "inset-inline-start": `${positive * 100}%` } })),
        make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, text("negative")), make("span", {}, text("positive"))),
        ...extras.sentences(verdict.sentences, card.subject.text ?? ""),
      ],
      note: text("elapsed", Math.ceil(verdict.elapsedMs)) + (verdict.nWindows > 1 ? ` · ${text("parts", verdict.nWindows)}` : ""),
      copy: `${label}, ${share} (Sotto)`,
      why: Boolean(card.subject.text),
    };
  }

  function refusedBody({ reason }) {
    return { body: [make("p", {}, text(`refused_${reason}`))] };
  }
})();
