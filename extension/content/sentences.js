// The strip of sentences below a text's verdict, brought in only when there are several. It must never judge.

(() => {
  const { extras, place } = globalThis.sottoCard;
  const { make, percent, text } = globalThis.sottoSurface;
  const TONES = { positive: "good", negative: "bad", unclear: "even" };

  extras.styles.sentences = `
    .strip { display: flex; gap: 2px; margin-top: 14px; }
    .strip button { flex: 1 1 0; min-width: 10px; height: 20px; padding: 0; border-radius: 4px; border: 0; }
    .strip .good { background: #23986f; } .strip .bad { background: #d4553f; } .strip .even { background: #d9a93a; }
    .strip [aria-pressed=true] { box-shadow: 0 0 0 2px var(--paper), 0 0 0 4px var(--ink); }
    .sentence { margin-top: 8px; padding: 8px 10px; border-radius: 8px; background: var(--soft); max-height: 7.5em;
      overflow: auto; }
  `;

  /** One segment per sentence, as wide as the sentence is long; pressing one reads it out below. */
  extras.sentences = (list, said) => {
    const reading = make("p", { class: "sentence", tabindex: "0", "aria-live": "polite" }, text("sentencesHint", list.length));
    const buttons = list.map((sentence, index) => {
      const label = text(sentence.sentiment);
      const share = percent(sentence.sentiment === "negative" ? 1 - sentence.positive : sentence.positive);
      const words = said.slice(sentence.start, sentence.end).trim();
      const name = text("sentenceName", index + 1, `${label} ${share}`);
      const onclick = () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        reading.replaceChildren(make("strong", { class: TONES[sentence.sentiment] }, `${label} ${share}`), ` ${words}`);
        place();
      };
      const button = make("button", {
        class: `paint ${TONES[sentence.sentiment]}`, type: "button", title: name, "aria-label": name, "aria-pressed": "false",
        style: { "flex-grow": Math.max(1, sentence.end - sentence.start) }, onclick,
      });
      return button;
    });
    return [make("div", { class: "strip", role: "group", "aria-label": text("sentences") }, ...buttons), reading];
  };
})();
