// What the upload guard says: a quiet line while it checks, a notice when it could not, and the dialog that shows which
// files it would not upload. Only a person's own clicks count. It must never touch a file input.

globalThis.sottoDialog ??= (() => {
  const { counted, make, mark, move, open, percent, text } = globalThis.sottoSurface;

  const NOTICE_MS = 6000;
  /** For each character that there is to read, beside it. */
  const NOTICE_CHARACTER_MS = 30;
  /** How often the dialog comes back after the page took it away or covered it, before the files stay where they are. */
  const COMEBACKS_MAX = 20;
  const LINE_STYLE = `
    .sheet { display: flex; align-items: center; gap: 10px; padding: 10px 14px; max-width: min(380px, calc(100vw - 32px));
      max-height: calc(100vh - 32px); overflow: auto; }
    p + p { margin-top: 6px; }
  `;
  const DIALOG_STYLE = `
    .sheet { padding: 0; margin: auto; width: min(460px, calc(100vw - 32px)); max-height: calc(100vh - 32px);
      overflow: auto; }
    button.main { background: var(--ink); border-color: var(--ink); color: var(--paper); }
    button.main:hover { opacity: .88; }
    .sheet::backdrop { background: palette(--veil); }
    header { display: flex; align-items: center; gap: 8px; padding: 16px 20px 0; }
    h2 { font-size: 17px; }
    .intro { padding: 6px 20px 12px; color: var(--quiet); }
    ul { list-style: none; padding: 0 20px; display: grid; gap: 10px; }
    li { display: grid; grid-template-columns: 72px 1fr auto; gap: 12px; align-items: center; padding: 8px;
      border: 1px solid var(--line); border-radius: 10px; }
    .preview { width: 72px; height: 72px; border-radius: 6px; overflow: hidden; background: var(--soft); }
    .preview span { display: grid; place-items: center; height: 100%; color: var(--quiet); font-size: 22px; }
    canvas { display: block; width: 100%; height: 100%; object-fit: cover; filter: blur(14px); }
    .shown canvas { filter: none; }
    .name { font-weight: 600; }
    .why { color: var(--bad); font-size: 13px; }
    .fine { color: var(--good); }
    .wrong { margin: 2px -8px -4px; font-size: 13px; }
    footer { display: flex; flex-wrap: wrap; gap: 8px; padding: 16px 20px 20px; }
    footer .bare { flex-basis: 100%; text-align: start; margin: 2px -8px -8px; }
  `;
  const PREVIEW_SIDE = 144;

  /** What is said in the corner, a paragraph each: whatever is said at the same time stands in one place. */
  const words = make("div");
  let corner = /** @type {HTMLElement | null} */ (null);
  /** Those that stay a while, all until the last of them was read. */
  const notices = /** @type {Set<HTMLElement>} */ (new Set());
  let leaving = 0;

  /**
   * A line in the corner; returns the function that takes it away.
   * @param {string} message
   */
  function line(message, { lasting = false } = {}) {
    const said = make("p", {}, message);
    // Several picks may have the same to say.
    for (const notice of notices) if (lasting && notice.textContent === message) remove(notice);
    words.append(said);
    if (lasting) notices.add(said);
    // Anew, so that it lies above what came meanwhile, and comes back where the page took it away.
    corner?.remove();
    corner = open(make("div", { class: "sheet", role: "status" }, mark(), words), LINE_STYLE);
    place();
    if (lasting) {
      clearTimeout(leaving);
      const n = [...notices].reduce((sum, { textContent }) => sum + textContent.length, 0);
      leaving = setTimeout(() => notices.forEach(remove), NOTICE_MS + n * NOTICE_CHARACTER_MS);
    }
    return () => remove(said);
  }

  /** @param {HTMLElement} said */
  function remove(said) {
    said.remove();
    notices.delete(said);
    if (words.hasChildNodes()) place();
    else corner?.remove();
  }

  function place() {
    if (!corner) return;
    const { width, height } = corner.getBoundingClientRect();
    move(corner, innerWidth - width - 16, innerHeight - height - 16);
  }

  /**
   * Asks what to do with files over the threshold. Answers "keep" (default), "upload", "allow", or "gone" where the page
   * did not let the dialog stand.
   * @param {Flagged[]} flagged
   * @param {(flagged: Flagged) => Promise<boolean>} saidWrong keeps that Sotto is wrong about one of them
   * @returns {Promise<Decision>}
   */
  function ask(flagged, saidWrong) {
    return new Promise((resolve) => {
      /** @param {Decision} decision */
      const finish = (decision) => {
        leave();
        host?.remove();
        resolve(decision);
      };
      /**
       * @param {string} label
       * @param {Decision} decision
       * @param {string} kind
       */
      const button = (label, decision, kind) =>
        make("button", { class: kind, onclick: () => finish(decision) }, label);
      const keep = button(counted("keep", flagged.length), "keep", "main");
      const dialog = make(
        "dialog",
        { class: "sheet", "aria-labelledby": "title", "aria-describedby": "intro" },
        make("header", {}, mark(), make("h2", { id: "title" }, title(flagged))),
        make("p", { class: "intro", id: "intro" }, text("guardIntro", location.hostname)),
        make("ul", {}, ...flagged.map((one) => row(one, async () => {
          const isKept = await saidWrong(one);
          // Nothing is left to ask about.
          if (flagged.every(({ said }) => said)) finish("upload");
          return isKept;
        }))),
        make("footer", {}, keep, button(text("uploadAnyway"), "upload", ""), ...(chrome.extension?.inIncognitoContext ? [] : [button(text("allowHere"), "allow", "bare")])),
      );
      dialog.addEventListener("cancel", (event) => event.isTrusted && finish("keep"));
      let host = /** @type {HTMLElement | null} */ (null);
      let leave = () => {};
      let nComebacks = -1;
      const stand = () => {
        leave();
        host?.remove();
        nComebacks += 1;
        host = nComebacks <= COMEBACKS_MAX ? open(dialog, DIALOG_STYLE) : null;
        if (!host) return finish("gone");
        // A dialog that was taken out of the page still takes itself for open.
        dialog.removeAttribute("open");
        dialog.showModal();
        keep.focus();
        leave = watchOver(host, stand);
      };
      stand();
    });
  }

  /** @param {Flagged[]} flagged */
  function title(flagged) {
    const perhaps = flagged.every(({ verdict }) => verdict.doubtful) ? "Perhaps" : "";
    const what = flagged.some(({ verdict }) => verdict.frames?.total === 0) ? "File" : "";
    return counted(`guardTitle${perhaps}${what}`, flagged.length);
  }

  /**
   * Calls `back` once when the page removes, hides or covers the host; returns what ends the watch.
   * @param {HTMLElement} host
   * @param {() => void} back
   */
  function watchOver(host, back) {
    const ends = new AbortController();
    const touched = () => {
      ends.abort();
      // After the page's own script, so that the two don't answer each other within one.
      setTimeout(back);
    };
    const observer = new MutationObserver(touched);
    observer.observe(host, { attributes: true });
    // Whoever takes an ancestor away takes the host with it.
    const gone = new MutationObserver(() => host.isConnected || touched());
    gone.observe(document, { childList: true, subtree: true });
    // What comes into the top layer later lies above: a page could show other words over our buttons. Our own line stands in a corner.
    /** @param {ToggleEvent} event */
    const above = (event) => event.target !== host && event.target !== corner && event.newState === "open" && touched();
    addEventListener("toggle", above, { capture: true, signal: ends.signal });
    addEventListener("fullscreenchange", touched, { capture: true, signal: ends.signal });
    host.addEventListener("beforetoggle", (event) => event.newState === "closed" && touched(), { signal: ends.signal });
    ends.signal.addEventListener("abort", () => {
      observer.disconnect();
      gone.disconnect();
    });
    return () => ends.abort();
  }

  /**
   * @param {Flagged} flagged
   * @param {() => Promise<boolean>} saidWrong
   */
  function row({ file, verdict }, saidWrong) {
    const canvas = make("canvas", { width: PREVIEW_SIDE, height: PREVIEW_SIDE, "aria-hidden": "true" });
    // A film can't be shown without playing it in the page.
    const isFilm = verdict.frames?.total === 0;
    if (!isFilm) void drawPreview(canvas, file);
    const [over] = verdict.over;
    const why = make("p", { class: "why" });
    const wrong = make("button", { class: "bare wrong", "aria-label": `${text("wrong")}: ${file.name}`, onclick: async () => {
      wrong.disabled = true;
      const isKept = await saidWrong();
      wrong.remove();
      why.textContent = text(isKept ? "said_fine" : "refused_internal");
      if (isKept) why.classList.add("fine");
    } }, text("wrong"));
    const seen = over === undefined ? { name: "OpenNsfw", probability: verdict.second.share } : verdict.classes[over];
    why.append(verdict.said ? text("said_unsuitable") : `${text(`class${seen.name}`)} · ${percent(seen.probability)}`);
    const reveal = make("button", { "aria-pressed": "false", onclick: () => {
      const shown = item.classList.toggle("shown");
      reveal.setAttribute("aria-pressed", String(shown));
      reveal.textContent = text(shown ? "blur" : "reveal");
    } }, text("reveal"));
    const item = make("li", {},
      make("div", { class: "preview" }, isFilm ? make("span", { "aria-hidden": "true" }, "▶") : canvas),
      make("div", {}, make("p", { class: "name" }, file.name), why, verdict.correctAs ? wrong : ""),
      isFilm ? "" : reveal);
    return item;
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {File} file
   */
  async function drawPreview(canvas, file) {
    try {
      const bitmap = await createImageBitmap(file);
      const side = Math.min(bitmap.width, bitmap.height);
      const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
      canvas.getContext("2d")?.drawImage(bitmap, left, top, side, side, 0, 0, PREVIEW_SIDE, PREVIEW_SIDE);
      bitmap.close();
    } catch {
      // The page's browser can't draw it; the name still says which file it is.
    }
  }

  return { ask, line };
})();
