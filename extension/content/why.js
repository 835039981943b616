// The words that pushed a text's verdict, asked for and shown on its card; brought in when a person asks why. It must
// never judge.

(() => {
  const { ask, changes, dress, extras, open, place } = globalThis.sottoCard;
  const { make, text } = globalThis.sottoSurface;

  // Direction is told by the line (whole or dashed) and strength by its thickness, so that colour is never needed.
  extras.styles.why = `
    .below { padding: 0 14px 12px; }
    .words { padding: 8px 10px; border-radius: 8px; background: var(--soft); max-height: 12em; overflow: auto; line-height: 1.9;
      white-space: pre-line; }
    .words mark, .legend mark { background: none; color: inherit; text-decoration: underline; text-underline-offset: 3px; border-radius: 3px; }
    mark.good { text-decoration-color: #23986f; }
    mark.bad { text-decoration-color: #d4553f; text-decoration-style: dashed; }
    mark.s1 { text-decoration-thickness: 1px; } mark.s2 { text-decoration-thickness: 2px; }
    mark.s3 { text-decoration-thickness: 4px; font-weight: 650; }
    mark.good.s2 { background: var(--good-soft); } mark.good.s3 { background: var(--good-soft); }
    mark.bad.s2 { background: var(--bad-soft); } mark.bad.s3 { background: var(--bad-soft); }
    .legend { margin-top: 6px; font-size: 12px; color: var(--quiet); }
    .summary { margin-top: 6px; }
    @media (forced-colors: active) { .below mark[class] { color: CanvasText; background: Canvas; text-decoration-color: CanvasText; } }
  `;

  explain(open());

  async function explain(card) {
    if (!card || card.why.disabled) return;
    card.why.disabled = true;
    card.why.setAttribute("aria-expanded", "true");
    card.below.className = "below";
    say(card, make("p", { class: "summary" }, text("whyLooking")));
    changes.why = ({ why }) => open() === card && show(card, why);
    // A card that closes closes this too, and with it gives up the request.
    card.port = chrome.runtime.connect({ name: card.request });
    const request = { ask: "why", card: card.request, text: card.subject.text };
    const { answer, reason } = await ask(request).catch(() => ({ answer: "refused", reason: "internal" }));
    if (open() !== card) return;
    card.port.disconnect();
    if (answer === "refused") say(card, make("p", { class: "summary" }, text(`refused_${reason}`)));
  }

  function say(card, ...content) {
    card.below.replaceChildren(...content);
    dress();
    place();
  }

  function show(card, why) {
    const said = card.subject.text ?? "";
    const side = ({ push }) => (push > 0 ? "good" : "bad");
    const parts = [];
    let at = 0;
    for (const word of why.words) {
      parts.push(said.slice(at, word.start));
      parts.push(make("mark", { class: `${side(word)} s${word.strength}` }, said.slice(word.start, word.end)));
      at = word.end;
    }
    parts.push(said.slice(at, why.end), why.end < said.length ? "…" : "");
    say(
      card,
      // A long text scrolls, and whoever uses no mouse must reach it.
      make("p", { class: "words", tabindex: "0", role: "group", "aria-label": text("why") }, ...parts),
      make("p", { class: "legend", "aria-hidden": "true" },
        make("mark", { class: "good s2" }, text("positive")), " · ", make("mark", { class: "bad s2" }, text("negative")),
        ` · ${text("whyLegend")}`),
      make("p", { class: "summary" }, why.complete ? summary(why.words, said, side) : text("whyLooking")),
      why.complete && why.partly ? make("p", { class: "legend" }, text("whyPartly")) : "",
    );
  }

  /** The strongest words of each direction in one sentence, strongest first: the same as the lines, for any reader. */
  function summary(words, said, side) {
    const named = (wanted) => {
      const found = words.filter((word) => side(word) === wanted && word.strength > 1);
      const strongest = found.sort((a, b) => Math.abs(b.push) - Math.abs(a.push)).slice(0, 4);
      return [...new Set(strongest.map(({ start, end }) => `“${said.slice(start, end)}”`))].join(", ");
    };
    const [good, bad] = [named("good"), named("bad")];
    if (!good && !bad) return text("whyNone");
    return [good && text("whyPositive", good), bad && text("whyNegative", bad)].filter(Boolean).join(" ");
  }
})();
