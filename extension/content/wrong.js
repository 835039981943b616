// "This is wrong": says so to the background, and shows what is kept, on a card when a person there says it, and on Sotto's own pages
// (pages/verdicts.js). It must never judge, and it keeps nothing.

globalThis.sottoWrong ??= (() => {
  const { make, text } = globalThis.sottoSurface;
  /** What a text can be said to be. @type {Way[]} */
  const WAYS = ["negative", "neutral", "positive"];

  globalThis.sottoVerdict.styles.wrong = `
    .kept { margin-top: 10px; padding-top: 10px; border-top: 1px solid var(--line); }
    .kept p { font-size: 13px; }
    .choices { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 8px; }
    .choices button { font-size: 13px; padding: 3px 10px; }
  `;

  return { correct };

  /**
   * That a verdict is wrong is said at once; where a person said something of it before, they see that first.
   * @type {SottoWrong["correct"]}
   */
  async function correct(into, verdict, { newId, moved }) {
    const sentiment = "sentiment" in verdict ? verdict.sentiment : null;
    const kept = make("div", { class: "kept" });
    /** @param {Correcting} word */
    const say = async (word) => {
      const request = { id: newId(), ask: /** @type {const} */ ("correct"), of: verdict.correctAs ?? "", word };
      // A background that was stopped in the middle is asked once more: the message starts it again.
      /** @type {() => Promise<Reply | null>} */
      const send = () => chrome.runtime.sendMessage(request).catch(() => null);
      const reply = (await send()) ?? (await send());
      kept.replaceChildren(...drawn(reply));
      moved();
    };
    /** @param {string} label @param {Correcting} word */
    const button = (label, word) => make("button", { onclick: () => void say(word) }, text(label));
    /** @param {Pick<Answered<"corrected">, "answer" | "said"> | Reply | null} reply */
    const drawn = (reply) => {
      if (reply?.answer !== "corrected") return [make("p", {}, text(`refused_${reply?.answer === "refused" ? reply.reason : "internal"}`))];
      const { said } = reply;
      if (!said) return [make("p", {}, text("tookBack")), make("div", { class: "choices" }, button("wrong", "wrong"))];
      const others = sentiment ? WAYS.filter((way) => way !== sentiment && way !== said) : [];
      return [
        make("p", {}, `${text(`said_${said}`)} ${text("keptHere")}`),
        make("div", { class: "choices" }, ...others.map((way) => button(way, way)), button("takeBack", "takeBack")),
      ];
    };
    into.append(kept);
    if (!verdict.said) return say("wrong");
    kept.replaceChildren(...drawn({ answer: "corrected", said: verdict.said }));
    moved();
  }
})();

// On a card, whose person said it.
(() => {
  const { sottoCard } = globalThis;
  const card = sottoCard?.open();
  if (!sottoCard || !card?.host || card.wrong.disabled || !card.verdict) return;
  card.wrong.disabled = true;
  sottoCard.dress(card);
  // A live region: what comes into it is read out.
  void globalThis.sottoWrong.correct(card.body, card.verdict, { newId: () => `${card.request}/${Math.random()}`, moved: sottoCard.place });
})();
