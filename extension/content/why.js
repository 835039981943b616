// The words that pushed a text's verdict: asked for and shown, on a card when a person there asks why, and on Sotto's own pages
// (pages/verdicts.js). It must never judge.

globalThis.sottoWhy ??= (() => {
  const { make, text } = globalThis.sottoSurface;

  // Direction is told by the line (whole or dashed) and strength by its thickness, so that colour is never needed.
  globalThis.sottoVerdict.styles.why = `
    .words { padding: 8px 10px; border-radius: 8px; background: var(--soft); max-height: 12em; overflow: auto; line-height: 1.9;
      white-space: pre-line; }
    .explained mark { background: none; color: inherit; text-decoration: underline; text-underline-offset: 3px; border-radius: 3px; }
    .explained .good { text-decoration-color: palette(--good-paint); } .explained .bad { text-decoration-color: palette(--bad-paint); }
    .explained .calm { text-decoration-color: palette(--calm-paint); } .explained .even { text-decoration-color: palette(--even-paint); }
    .explained .against { text-decoration-style: dashed; }
    .explained .s1 { text-decoration-thickness: 1px; } .explained .s2 { text-decoration-thickness: 2px; }
    .explained .s3 { text-decoration-thickness: 4px; font-weight: 650; }
    mark.good:is(.s2, .s3) { background: palette(--good-soft); }
    mark.bad:is(.s2, .s3) { background: palette(--bad-soft); }
    .legend { margin-top: 6px; font-size: 12px; color: var(--quiet); }
    .summary { margin-top: 6px; }
    @media (forced-colors: active) {
      .explained mark[class] { color: CanvasText; background: Canvas; text-decoration-color: CanvasText; }
    }
  `;
  /** So many words of each direction are named in the sentence below the text. */
  const N_NAMED = 4;
  /**
   * What pushes are told of, for each verdict: towards it, and away from it; or, where it names no way, to either side.
   * @type {Record<Sentiment, { towards: string, against: string, legend: [string, string], told: [string, string] }>}
   */
  const SIDES = {
    positive: { towards: "good", against: "even against", legend: ["positive", "whyAway"], told: ["whyPositive", "whyAgainst"] },
    neutral: { towards: "calm", against: "even against", legend: ["neutral", "whyAway"], told: ["whyNeutral", "whyAgainst"] },
    negative: { towards: "bad", against: "even against", legend: ["negative", "whyAway"], told: ["whyNegative", "whyAgainst"] },
    mixed: { towards: "good", against: "bad against", legend: ["positive", "negative"], told: ["whyPositive", "whyNegative"] },
    unclear: { towards: "good", against: "bad against", legend: ["positive", "negative"], told: ["whyPositive", "whyNegative"] },
  };

  return { explain };

  /**
   * Asks which words pushed the verdict on a text, and shows what is known of them as it comes: the text with its words marked, and
   * below it the same in one sentence, in a live region. The port, once closed, gives the request up.
   * @type {SottoWhy["explain"]}
   */
  async function explain({ words, told }, said, { towards, request, port, listen, isWanted, moved }) {
    /**
     * @param {Element[]} content
     * @param {string} sentence
     */
    const show = (content, sentence) => {
      if (!isWanted()) return;
      words.replaceChildren(...content);
      told.textContent = sentence;
      moved();
    };
    /** @param {WhyVerdict} why */
    const hear = (why) => show(drawn(why, said, towards), sentenceOf(why, said, towards));
    show([], text("whyLooking"));
    listen(hear);
    const reply = await answerTo({ ...request, ask: "why", text: said, towards }, isWanted);
    if (!isWanted()) return;
    port.disconnect();
    if (reply.answer === "why") hear(reply);
    else if (reply.answer === "refused") show([], text(`refused_${reply.reason}`));
  }

  /**
   * A background that was stopped in the middle is asked once more: the message starts it again.
   * @param {WhyRequest} message
   * @param {() => boolean} isWanted
   * @returns {Promise<Reply | Pick<Answered<"refused">, "answer" | "reason">>}
   */
  async function answerTo(message, isWanted) {
    for (let attempt = 0; attempt < 2 && isWanted(); attempt += 1) {
      /** @type {Reply | null} */
      const reply = await chrome.runtime.sendMessage(message).catch(() => null);
      if (reply) return reply;
    }
    return { answer: "refused", reason: "internal" };
  }

  /**
   * @param {WhyVerdict} why
   * @param {string} said
   * @param {Sentiment} verdict
   * @returns {Element[]}
   */
  function drawn(why, said, verdict) {
    const { towards, against, legend } = SIDES[verdict];
    /** @type {Child[]} */
    const parts = [];
    let at = 0;
    for (const word of why.words) {
      parts.push(said.slice(at, word.start));
      parts.push(make("mark", { class: `${word.push > 0 ? towards : against} s${word.strength}` }, said.slice(word.start, word.end)));
      at = word.end;
    }
    parts.push(said.slice(at, why.end), why.end < said.length ? "…" : "");
    return [
      // A long text scrolls, and whoever uses no mouse must reach it.
      make("p", { class: "words", tabindex: "0", role: "group", "aria-label": text("why"), dir: "auto" }, ...parts),
      make("p", { class: "legend", "aria-hidden": "true" },
        make("mark", { class: `${towards} s2` }, text(legend[0])), " · ", make("mark", { class: `${against} s2` }, text(legend[1])),
        ` · ${text("whyLegend")}`),
    ];
  }

  /**
   * @param {WhyVerdict} why
   * @param {string} said
   * @param {Sentiment} verdict
   * @returns {string}
   */
  function sentenceOf(why, said, verdict) {
    if (!why.complete) return text("whyLooking");
    const told = summary(why.words, said, verdict);
    return why.partly ? `${told} ${text("whyPartly")}` : told;
  }

  /**
   * The strongest words of each direction in one sentence, strongest first: the same as the lines, for any reader.
   * @param {PushedWord[]} words
   * @param {string} said
   * @param {Sentiment} verdict
   */
  function summary(words, said, verdict) {
    /** @param {1 | -1} sign */
    const named = (sign) => {
      const found = words.filter((word) => word.push * sign > 0 && word.strength > 1);
      const strongest = found.sort((a, b) => Math.abs(b.push) - Math.abs(a.push)).slice(0, N_NAMED);
      return [...new Set(strongest.map(({ start, end }) => text("quoted", said.slice(start, end))))].join(", ");
    };
    const [towards, against] = [named(1), named(-1)];
    const { told } = SIDES[verdict];
    if (!towards && !against) return text("whyNone");
    return [towards && text(told[0], towards), against && text(told[1], against)].filter(Boolean).join(" ");
  }
})();

// On a card, whose person asked for it.
(() => {
  const { sottoCard } = globalThis;
  const card = sottoCard?.open();
  if (!sottoCard || !card?.host || card.why.disabled) return;
  const { changes, dress, open, place } = sottoCard;
  card.why.disabled = true;
  card.why.setAttribute("aria-expanded", "true");
  const words = globalThis.sottoSurface.make("div", { class: "explained" });
  // A live region that stood there empty from the start: one that comes with its words would not be read out.
  const told = /** @type {HTMLElement} */ (card.below.firstChild);
  told.className = "summary";
  card.below.className = "body";
  told.before(words);
  dress(card);
  // A card that closes closes this too, and with it gives up the request.
  card.port = chrome.runtime.connect({ name: card.request });
  globalThis.sottoWhy.explain({ words, told }, card.subject.text ?? "", {
    towards: /** @type {Sentiment} */ (card.towards),
    request: { id: `${card.request}/${Math.random()}`, card: card.request },
    port: card.port,
    listen: (hear) => (changes.why = ({ why }) => hear(why)),
    isWanted: () => open() === card,
    moved: place,
  });
})();
