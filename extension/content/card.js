// The card beside a selection or picture: shows the views that the background sends, nothing else. It must never
// judge, and it leaves nothing behind when it closes.

(() => {
  if (globalThis.sottoCard) return;
  const { make, mark, move, open, percent, restyle, text } = globalThis.sottoSurface;

  const QUIET_MS = 300;
  const EDGE = 8;
  const GAP = 10;
  const STYLE = `
    .sheet { width: min(340px, calc(100vw - 16px)); max-height: calc(100vh - 16px); overflow: auto; }
    header { display: flex; align-items: center; gap: 8px; padding-block: 10px 6px; padding-inline: 14px 8px; }
    header h2 { flex: 1; color: var(--quiet); font-weight: 500; font-size: 13px; }
    .body { padding: 2px 14px 12px; }
    .verdict { display: flex; align-items: baseline; justify-content: space-between; gap: 12px; }
    .label { font-size: 20px; font-weight: 650; letter-spacing: -.01em; }
    .share { font-size: 20px; font-variant-numeric: tabular-nums; }
    .good { color: var(--good); } .bad { color: var(--bad); } .even { color: var(--even); }
    .meaning { color: var(--quiet); margin-top: 2px; }
    .scale { position: relative; height: 8px; border-radius: 4px; margin: 12px 0 4px;
      background: linear-gradient(to right, #d4553f, #e9cf8a 50%, #23986f); }
    [dir=rtl] .scale { background: linear-gradient(to left, #d4553f, #e9cf8a 50%, #23986f); }
    .needle { position: absolute; top: -3px; width: 4px; height: 14px; margin-inline-start: -2px; border-radius: 2px;
      background: var(--ink); box-shadow: 0 0 0 2px var(--paper); }
    .ends { display: flex; justify-content: space-between; font-size: 12px; color: var(--quiet); }
    progress { width: 100%; height: 6px; margin-top: 8px; accent-color: var(--accent); }
    footer { display: flex; align-items: center; justify-content: space-between; gap: 8px; padding-block: 6px 8px; padding-inline: 14px 8px;
      border-top: 1px solid var(--line); font-size: 12px; color: var(--quiet); }
  `;

  /** What a view becomes, by its kind; scores.js adds pictures. */
  const bodies = { text: textBody, refused: refusedBody };
  /** What is shown below a text's verdict; sentences.js adds the strip. */
  const extras = { sentences: () => [], styles: {} };
  globalThis.sottoCard = { bodies, extras, place };

  /** The open card; null when there is none. */
  let card = null;

  chrome.runtime.onMessage.addListener((message, sender) => {
    if (sender.id !== chrome.runtime.id || message?.sotto !== "card") return;
    const { request, view } = message;
    // The first word about a request has no figures yet; a later one must not bring back a card that was closed.
    if (view.kind === "busy" && view.percent === null && view.read === null) return begin(request);
    if (!card || (request && card.request !== request)) return;
    if (view.kind === "busy") busy(view);
    else show(view);
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
    card = { request, subject, focusBefore: document.activeElement, settled: false, progress: { loaded: null, read: null } };
    const mine = card;
    card.timer = setTimeout(() => mine === card && !card.host && fill(busyBody(card.progress)), QUIET_MS);
    // The port closes by itself when the browser stops the background: then no answer will come. Closed from this side
    // it gives up the request that it is named after.
    card.port = chrome.runtime.connect({ name: request });
    card.port.onDisconnect.addListener(() => {
      if (mine === card && !card.settled) show({ kind: "refused", reason: "internal" });
    });
    addEventListener("keydown", onKey, true);
    addEventListener("pointerdown", onPointer, true);
    for (const event of ["pagehide", "popstate", "hashchange"]) addEventListener(event, close, true);
  }

  function show(view) {
    card.settled = true;
    clearTimeout(card.timer);
    card.port.disconnect();
    const parts = bodies[view.kind](view);
    fill(parts.body, parts.note, parts.copy);
    if (!card.subject.editable) card.sheet.focus({ preventScroll: true });
  }

  function fill(body, note = "", copy = null) {
    if (!card.host) {
      card.body = make("div", { class: "body", role: "status", "aria-live": "polite" });
      card.note = make("span");
      card.copy = make("button", { class: "bare", type: "button", onclick: copyVerdict }, text("copy"));
      card.footer = make("footer", {}, card.note, card.copy);
      const closeButton = make("button", { class: "bare", type: "button", "aria-label": text("close"), onclick: close }, "✕");
      card.sheet = make(
        "section",
        { class: "sheet", role: "dialog", "aria-labelledby": "title", tabindex: "-1" },
        make("header", {}, mark(), make("h2", { id: "title" }, text("cardTitle")), closeButton),
        card.body,
        card.footer,
      );
      card.host = open(card.sheet, STYLE);
      if (!card.host) return close();
    }
    restyle(card.host, STYLE + Object.values(extras.styles).join(""));
    card.body.replaceChildren(...body);
    card.note.textContent = note;
    card.copyText = copy;
    card.footer.hidden = !copy;
    card.footer.style.display = copy ? "" : "none";
    place();
  }

  /** Below the subject where there is room, else above, beside it, or in a corner: never over it. */
  function place() {
    const { width, height } = card.sheet.getBoundingClientRect();
    const [right, bottom] = [innerWidth - width - EDGE, innerHeight - height - EDGE];
    const clamp = (value, most) => Math.max(EDGE, Math.min(value, most));
    const rect = card.subject.rect;
    if (!rect || rect.bottom < 0 || rect.top > innerHeight) return move(card.host, right, EDGE);
    const along = clamp(text("@@bidi_dir") === "rtl" ? rect.right - width : rect.left, right);
    if (rect.bottom + GAP <= bottom) move(card.host, along, Math.max(EDGE, rect.bottom + GAP));
    else if (rect.top - GAP - height >= EDGE) move(card.host, along, rect.top - GAP - height);
    else if (rect.right + GAP <= right) move(card.host, rect.right + GAP, clamp(rect.top, bottom));
    else if (rect.left - GAP - width >= EDGE) move(card.host, rect.left - GAP - width, clamp(rect.top, bottom));
    else move(card.host, right, bottom);
  }

  function close() {
    if (!card) return;
    const { host, port, timer, focusBefore } = card;
    const hadFocus = host && document.activeElement === host;
    clearTimeout(timer);
    host?.remove();
    card = null;
    globalThis.sottoSubject = undefined;
    try {
      port.disconnect();
    } catch {
      // The extension was updated or removed while the card was open.
    }
    if (hadFocus && focusBefore?.isConnected) focusBefore.focus({ preventScroll: true });
    removeEventListener("keydown", onKey, true);
    removeEventListener("pointerdown", onPointer, true);
    for (const event of ["pagehide", "popstate", "hashchange"]) removeEventListener(event, close, true);
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

  const TONES = { positive: "good", negative: "bad", unclear: "even" };

  function busyBody({ loaded, read }) {
    const share = loaded ?? read;
    const key = share === null ? "reading" : loaded === null ? "readingShare" : "loadingModel";
    const value = share === null ? null : share / 100;
    const line = make("p", {}, share === null ? text(key) : text(key, percent(value)));
    return [line, make("progress", { "aria-label": text("reading"), max: "1", value })];
  }

  function textBody({ verdict }) {
    const tone = TONES[verdict.sentiment];
    const label = text(verdict.sentiment);
    // An unclear verdict has no side to be sure of, so it shows how positive the text reads.
    const share = percent(verdict.sentiment === "negative" ? 1 - verdict.positive : verdict.positive);
    const meaning = verdict.sentiment === "unclear" ? text("unclearMeaning", share) : text("sureMeaning", share);
    const parts = verdict.nWindows > 1 ? ` · ${text("parts", verdict.nWindows)}` : "";
    return {
      body: [
        make("p", { class: "verdict" }, make("span", { class: `label ${tone}` }, label), make("span", { class: "share" }, share)),
        make("p", { class: "meaning" }, verdict.truncated ? `${meaning} ${text("truncated")}` : meaning),
        make("div", { class: "scale paint", "aria-hidden": "true" },
          make("span", { class: "needle", style: { "inset-inline-start": `${verdict.positive * 100}%` } })),
        make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, text("negative")), make("span", {}, text("positive"))),
        ...extras.sentences(verdict.sentences, card.subject.text ?? ""),
      ],
      note: `${text("elapsed", Math.max(1, Math.round(verdict.elapsedMs)))}${parts}`,
      copy: `${label}, ${share} (Sotto)`,
    };
  }

  function refusedBody({ reason }) {
    return { body: [make("p", {}, text(`refused_${reason}`))], note: "", copy: null };
  }
})();
