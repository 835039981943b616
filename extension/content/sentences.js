// The strip of sentences below a text's verdict, brought in only when there are several. It must never judge.

(() => {
  const { extras, styles, tell } = globalThis.sottoVerdict;
  const { counted, make, text } = globalThis.sottoSurface;

  // A side is told by height too, so that colour is never needed: positive above, negative below, neutral between.
  styles.sentences = `
    .strip { display: flex; gap: 2px; margin-top: 14px; }
    .strip button { flex: 1 1 0; min-width: 10px; height: 20px; padding: 0; border-radius: 4px; border: 0;
      background: linear-gradient(currentColor 0 0) no-repeat center; }
    .strip .good { background-position-y: top; } .strip .bad { background-position-y: bottom; }
    .strip .good, .strip .bad { background-size: 100% 60%; } .strip .calm { background-size: 100% 25%; }
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
    /** @type {Record<string, number>} */
    const counts = {};
    for (const { sentiment } of list) counts[sentiment] = (counts[sentiment] ?? 0) + 1;
    // Alike in every language, whatever its plurals are.
    const told = Object.entries(counts).sort(([, a], [, b]) => b - a).map(([sentiment, n]) => `${text(sentiment)} ${n}`).join(", ");
    const reading = make("p", { class: "sentence", tabindex: "0", "aria-live": "polite" }, counted("sentencesHint", list.length, told));
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
        class: `paint ${tone}`, title: name, "aria-label": name, "aria-pressed": "false",
        style: { "flex-grow": Math.max(1, sentence.end - sentence.start) }, onclick,
      });
      return button;
    });
    return [make("div", { class: "strip", role: "group", "aria-label": text("sentences") }, ...buttons), reading];
  };
})();
