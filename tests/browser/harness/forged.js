// What a page or a foreign extension tries to say to the background, the same in every browser.

/** What only our own pages may ask, and what nobody may. */
export const ASKS_OF_PAGES = [
  { ask: "text", text: "What a wonderful evening." },
  { ask: "status" },
  { ask: "settings" },
  { ask: "load", model: "sentiment" },
  { ask: "unload", model: "nsfw" },
  { ask: "forget", model: "nsfw" },
  { ask: "check", model: "nsfw" },
  { ask: "showResults", place: "popup" },
  { ask: "guard", site: "https://example.com", on: true },
  { ask: "guard", on: true },
  { ask: "nonsense" },
  {},
];

/**
 * Senders whose parts don't fit together, by what they are.
 * @param {{ id: string, url: string, origin: string }} ownPage
 * @param {{ id: string, url: string, origin: string, frameId: number, tab: object }} frame of a page
 * @param {string} other the id of another extension
 */
export const forgedSenders = (ownPage, frame, other) => ({
  "another extension": { ...ownPage, id: other },
  "nobody": { ...ownPage, id: undefined },
  "our address with a page's origin": { ...ownPage, origin: frame.origin },
  "our address without an origin": { ...ownPage, origin: undefined },
  "our origin with a page's address": { ...frame, origin: ownPage.origin },
  "a frame of no tab": { ...frame, tab: undefined },
  "a tab without a frame": { ...frame, frameId: undefined },
  "a page's frame, which may not ask for this": frame,
});
