// A verdict as a person sees it, drawn the same wherever that is: on the card of a web page and on Sotto's own pages. It must
// never judge, ask anybody, or know where it stands.

globalThis.sottoVerdict ??= (() => {
  const { counted, make, percent, text } = globalThis.sottoSurface;
  /**
   * Of each way that a text can go, in the order of the scale.
   * @type {Partial<Record<Sentiment, Tone>>}
   */
  const TONES = { negative: "bad", neutral: "calm", positive: "good" };
  const WAYS = /** @type {[Way, Tone][]} */ (Object.entries(TONES));

  /**
   * By the file that draws what they are for.
   * @type {SottoVerdict["styles"]}
   */
  const styles = {
    verdict: `
      .row { display: flex; align-items: center; justify-content: space-between; gap: 8px; }
      .verdict { font-size: 20px; }
      .label { font-weight: 650; }
      .good { color: var(--good); } .bad { color: var(--bad); } .even { color: var(--even); } .calm { color: var(--calm); }
      .meaning, .ends, .foot { color: var(--quiet); }
      .meaning { margin-top: 2px; }
      .scale { display: flex; gap: 2px; height: 8px; margin: 12px 0 4px; }
      .scale span { border-radius: 3px; background: currentColor; }
      .ends, .foot { font-size: 12px; }
      .foot span { flex: 1; }
      p + progress { width: 100%; height: 6px; margin-top: 8px; accent-color: var(--accent); }
    `,
  };
  /**
   * What a view becomes, by its kind; scores.js adds pictures.
   * @type {Record<string, AnyDrawer["draw"]>}
   */
  const kinds = { busy, text: judged, refused };
  /**
   * What is shown below a text's verdict; sentences.js adds the strip.
   * @type {SottoVerdict["extras"]}
   */
  const extras = { sentences: () => [] };
  return { draw: (view, around) => kinds[view.kind](view, around), elapsed, extras, foot, kinds, styles, tell };

  /**
   * The line below a drawing, with what its place adds to it.
   * @param {Drawing} drawing
   * @param {...Element} more
   * @returns {Element[]}
   */
  function foot({ note = "", copy = "" }, ...more) {
    const button = make("button", { class: "bare", onclick: async () => {
      await navigator.clipboard.writeText(copy).catch(() => {});
      button.textContent = text("copied");
    } }, text("copy"));
    return [make("span", {}, note), ...more, button];
  }

  /**
   * A sentiment in words. What is unclear or mixed has no share to be sure of.
   * @param {TextVerdict | SentenceVerdict} verdict
   * @returns {Told}
   */
  function tell({ sentiment, shares }) {
    const tone = TONES[sentiment];
    return { label: text(sentiment), share: tone ? percent(shares[/** @type {Way} */ (sentiment)]) : "", tone: tone ?? "even" };
  }

  /**
   * @param {number} ms
   * @returns {string}
   */
  function elapsed(ms) {
    return text("elapsed", Math.max(1, Math.round(ms)));
  }

  /**
   * @param {ViewOf<"busy">} view
   * @param {Surroundings} around
   * @returns {Drawing}
   */
  function busy({ percent: loaded, read }, { cancel }) {
    const value = (loaded ?? read ?? -1) / 100;
    const key = value < 0 ? "reading" : loaded === null ? "readingShare" : "loadingModel";
    return {
      body: [
        make("p", {}, text(key, percent(value))),
        make("progress", { "aria-label": text("reading"), ...(value < 0 ? {} : { value }) }),
        read === null || !cancel ? "" : make("button", { onclick: cancel }, text("cancel")),
      ],
    };
  }

  /**
   * @param {ViewOf<"text">} view
   * @param {Surroundings} around
   * @returns {Drawing}
   */
  function judged({ verdict }, around) {
    const { label, share, tone } = tell(verdict);
    const { claim, said, sentiment, shares } = verdict;
    const shown = WAYS.filter(([way]) => shares[way]);
    const meaning = share ? text(`${claim}Meaning`, share) : text(`${sentiment}Meaning`, ...Object.values(shares).map(percent));
    return {
      body: [
        said ? make("p", { class: "label" }, text(`said_${said}`)) : "",
        make("p", { class: "verdict row" }, make("span", { class: `label ${tone}` }, label), make("span", {}, share)),
        make("p", { class: "meaning" }, verdict.truncated ? `${meaning} ${text("truncated")}` : meaning),
        make("div", { class: "scale paint", "aria-hidden": "true" },
          ...shown.map(([way, tone]) => make("span", { class: tone, style: { "flex-grow": shares[way] } }))),
        make("div", { class: "ends row", "aria-hidden": "true" }, ...shown.map(([way]) => make("span", {}, text(way)))),
        ...extras.sentences(verdict.sentences, around),
      ],
      note: elapsed(verdict.elapsedMs) + (verdict.nWindows > 1 ? ` · ${counted("parts", verdict.nWindows)}` : ""),
      copy: [label, share, "(Sotto)"].filter(Boolean).join(" "),
      wrong: verdict.correctAs && verdict,
      why: around.said && claim !== "rated" && sentiment,
    };
  }

  /**
   * @param {ViewOf<"refused"> | Broken["view"]} view
   * @returns {Drawing}
   */
  function refused({ reason }) {
    return { body: [make("p", {}, text(`refused_${reason}`))] };
  }
})();
