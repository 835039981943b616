// What two nets see of a picture, brought in only for pictures. It must never judge.

(() => {
  const { elapsed, kinds, styles } = globalThis.sottoVerdict;
  const { counted, make, percent, text } = globalThis.sottoSurface;

  styles.scores = `
    .classes { list-style: none; padding: 0; margin-top: 10px; display: grid; gap: 6px; }
    .classes li { display: grid; grid-template-columns: 8.5em 1fr 3.5em; gap: 8px; align-items: center; font-size: 13px; }
    .track { height: 6px; border-radius: 3px; background: var(--soft); overflow: hidden; }
    .track .fill { height: 100%; border-radius: 3px; background: var(--quiet); }
    .track .over { background: var(--bad); }
    .second { margin-top: 8px; font-size: 13px; }
    .share-small { text-align: end; font-variant-numeric: tabular-nums; color: var(--quiet); }
  `;

  kinds.picture = ({ verdict, partlyVisible }) => {
    const top = verdict.classes[verdict.top];
    const { doubtful, said, second, unsuitable } = verdict;
    const label = text(said ? `said_${said}` : !unsuitable ? "suitable" : doubtful ? "perhapsUnsuitable" : "unsuitable");
    const tone = !unsuitable ? "good" : doubtful ? "even" : "bad";
    const secondShare = percent(second.share);
    const rows = verdict.classes
      .map(({ name, probability }, index) => ({ name: text(`class${name}`), probability, over: verdict.over.includes(index) }))
      .sort((a, b) => b.probability - a.probability)
      .map(({ name, probability, over }) =>
        make("li", {}, make("span", {}, name),
          make("div", { class: "track", "aria-hidden": "true" },
            make("div", { class: over ? "fill over" : "fill", style: { width: `${probability * 100}%` } })),
          make("span", { class: "share-small" }, percent(probability))));
    return {
      body: [
        make("p", { class: "verdict" }, make("span", { class: `label ${tone}` }, label)),
        doubtful ? make("p", { class: "meaning" }, text("doubtfulMeaning")) : null,
        make("p", { class: "meaning" }, text("pictureMeaning", text(`class${top.name}`), percent(top.probability))),
        verdict.frames ? make("p", { class: "meaning" }, counted(verdict.frames.total ? "framesMeaning" : "filmMeaning", verdict.frames.judged, verdict.frames.total)) : null,
        partlyVisible ? make("p", { class: "meaning" }, text("partlyVisible")) : null,
        make("ul", { class: "classes" }, ...rows),
        make("p", { class: "meaning second" }, text("secondMeaning", secondShare)),
      ].filter((part) => part !== null),
      wrong: verdict.correctAs && verdict,
      note: elapsed(verdict.elapsedMs),
      copy: [...verdict.classes.map(({ name, probability }) => `${text(`class${name}`)} ${percent(probability)}`), `${text("classOpenNsfw")} ${secondShare}`].join(", "),
    };
  };
})();
