// The strip of sentences below a text's verdict, brought in only when there are several. It must never judge.

(() => {
  const { extras, styles, tell } = globalThis.sottoVerdict;
  const { make, text } = globalThis.sottoSurface;

  styles.sentences = `
    .strip { display: flex; gap: 2px; margin-top: 14px; }
    .strip button { flex: 1 1 0; min-width: 10px; height: 20px; padding: 0; border-radius: 4px; border: 0; }
    .strip .good { background: palette(--good-paint); } .strip .bad { background: palette(--bad-paint); }
    .strip .even { background: palette(--even-paint); }
    .strip [aria-pressed=true] { box-shadow: 0 0 0 2px var(--paper), 0 0 0 4px var(--ink); }
    .sentence { margin-top: 8px; padding: 8px 10px; border-radius: 8px; background: var(--soft); max-height: 7.5em;
      overflow: auto; }
    .sentence strong { font-weight: 650; }
  `;

  /**
   * One segment per sentence, as wide as the sentence is long; pressing one reads it out below.
   * @type {SottoVerdict["extras"]["sentences"]}
   */
  extras.sentences = (list, { said, moved }) => {
    if (!list.length) return [];
    const reading = make("p", { class: "sentence", tabindex: "0", "aria-live": "polite" }, text("sentencesHint", list.length));
    const buttons = list.map((sentence, index) => {
      const { label, share, tone } = tell(sentence);
      const name = text("sentenceName", index + 1, `${label} ${share}`);
      const onclick = () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        const words = make("bdi", {}, said.slice(sentence.start, sentence.end).trim());
        reading.replaceChildren(make("strong", { class: tone }, `${label} ${share}`), " ", words);
        moved();
      };
      const button = make("button", {
        class: `paint ${tone}`, type: "button", title: name, "aria-label": name, "aria-pressed": "false",
        style: { "flex-grow": Math.max(1, sentence.end - sentence.start) }, onclick,
      });
      return button;
    });
    return [make("div", { class: "strip", role: "group", "aria-label": text("sentences") }, ...buttons), reading];
  };
})();
