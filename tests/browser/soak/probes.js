// What a soak asks, and how: each request is one function, sent as text into a page or into the world of a content script,
// that asks until it is answered and says what it got. The asker's rule is that of src/web/pages/ask.rs and content/guard.js:
// a background that died, or an engine that broke, is asked again.

/** Texts whose verdicts differ, so that an answer to another's request is seen. */
const TEXTS = [
  "What a wonderful evening, I loved every minute.",
  "The worst meal I ever had.",
  "It was all right, though rather long.",
  "Nothing works and nobody answers.",
  "I could not be happier with it. The colours are dull, though. Still, I would buy it again.",
];
/** Seeds of pictures; see `ask`. */
const PICTURES = [1, 2, 3];

export const TEXT_PROBES = TEXTS.map((text) => ({ name: text.slice(0, 24), text }));
export const PICTURE_PROBES = PICTURES.map((seed) => ({ name: `picture ${seed}`, seed }));

/**
 * Runs in the page. Gives `{ id, replyId, nAsked, verdict }`; `verdict` is what must be the same for the same probe, whoever
 * asks and whenever. An answer that does not come within the patience is a lost request.
 * @param {string} id
 * @param {Probe} probe
 * @param {number} patienceMs
 */
export async function ask(id, probe, patienceMs) {
  const seed = probe.seed ?? 0;
  const message = () => {
    if (probe.text) return { id, ask: "text", text: probe.text };
    const picture = new ImageData(96, 64);
    // A pattern of its own for each seed, the same wherever it is drawn.
    for (let at = 0; at < picture.data.length; at += 1) picture.data[at] = at % 4 === 3 ? 255 : (at * at * seed + (at >> 5)) % 251;
    return { id, ask: "picture", name: probe.name, picture };
  };
  const end = Date.now() + patienceMs;
  for (let nAsked = 1; ; nAsked += 1) {
    const left = end - Date.now();
    if (left <= 0) return { id, nAsked, lost: true };
    let reply;
    try {
      reply = await Promise.race([
        chrome.runtime.sendMessage(message()),
        new Promise((resolve) => setTimeout(resolve, left, { lost: true })),
      ]);
    } catch {
      continue;
    }
    // A worker that is killed in the middle closes the channel or, about once in a hundred kills, answers nothing.
    if (!reply || reply.reason === "internal") continue;
    if (reply.lost) return { id, nAsked, lost: true };
    /** @param {number} share */
    const round = (share) => Math.round(share * 1e4);
    const verdict = reply.answer === "text" ? [reply.sentiment, ...Object.values(reply.shares).map(round), reply.sentences.length].join(" ")
      : reply.answer === "picture" ? reply.classes.map((/** @type {ClassScore} */ { probability }) => round(probability)).join(" ")
        : JSON.stringify(reply);
    return { id, replyId: reply.id, nAsked, verdict };
  }
}
