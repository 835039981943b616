// The pictures that a tab has loaded, as the files that the browser has of them. It saves the page for us as it would for a person
// ("Save page as…", one file): out of its memory, without a request, pictures of other sites among the rest. What is not asked for
// is not looked at, and nothing of it is kept. Chromium's alone; elsewhere nothing is found.

/** What is asked for at the same time comes out of one record; what is not in view yet waits for more of its kind. */
const [SOON_MS, GATHER_MS] = [5, 900];
/** To save a page costs its thread time: the larger it is, the longer until the next time, and the more often in a row. */
const PAUSE_MIN_MS = 60;
/** Whatever else this worker was busy with counts for the page's thread otherwise. */
const PAUSE_MAX_MS = 1500;
const PAUSE_TIMES_MAX = 5;
/** After so much rest nothing is in a row any more. */
const REST_MS = 1500;
const TABS_MAX = 32;
const TRIES_MAX = 5;
const AGAIN_MS = 15;
const PATIENCE_MS = 5000;
const HOLDS_UP_MS = 400;
/** A page with more is not read: its pictures would be in memory twice over. */
const PAGE_BYTES_MAX = 128 << 20;
const CHUNK_BYTES = 2 << 20;

/**
 * Who waits for a tab's next record, and when that may be made.
 * @typedef {{ addresses: string[], by: number, resolve: (file: Blob | null) => void, reject: (problem: unknown) => void }} Waiting
 * @typedef {{ waiting: Waiting[], running: boolean, notBefore: number, nInRow: number, hear: () => void }} Tab
 */
const tabs = /** @type {Map<number, Tab>} */ (new Map());

/**
 * The picture that a tab has loaded from one of these addresses; null where it has none, or the browser has no such record.
 * @param {number} tabId
 * @param {string[]} addresses
 * @param {boolean} soon  whether somebody looks at the place where it will stand
 * @returns {Promise<Blob | null>}
 */
export function loadedFrom(tabId, addresses, soon) {
  if (!chrome.pageCapture) return Promise.resolve(null);
  const tab = tabs.get(tabId) ?? { waiting: [], running: false, notBefore: 0, nInRow: 0, hear: () => {} };
  tabs.set(tabId, tab);
  return new Promise((resolve, reject) => {
    tab.waiting.push({ addresses, by: Date.now() + (soon ? SOON_MS : GATHER_MS), resolve, reject });
    tab.hear();
    if (!tab.running) void record(tabId, tab);
  });
}

/**
 * Makes records of a tab as long as anybody waits for one. One that does not come holds nobody up but those whose page it is of:
 * of a page that goes away meanwhile none ever comes.
 * @param {number} tabId
 * @param {Tab} tab
 */
async function record(tabId, tab) {
  tab.running = true;
  while (tab.waiting.length) {
    // Whoever asks meanwhile may be in a hurry.
    for (let ms = 1; ms > 0; ) {
      const heard = new Promise((resolve) => (tab.hear = () => resolve(null)));
      ms = Math.max(Math.min(...tab.waiting.map(({ by }) => by)), tab.notBefore) - Date.now();
      if (ms > 0) await Promise.race([pause(ms), heard]);
    }
    const waiting = tab.waiting.splice(0);
    const began = Date.now();
    tab.nInRow = began - tab.notBefore > REST_MS ? 1 : Math.min(tab.nInRow + 1, PAUSE_TIMES_MAX);
    const made = filesIn(tabId, new Set(waiting.flatMap(({ addresses }) => addresses))).then(
      (files) => {
        for (const { addresses, resolve } of waiting) resolve(addresses.map((address) => files.get(address)).find(Boolean) ?? null);
      },
      (problem) => {
        for (const { reject } of waiting) reject(problem);
      },
    );
    await Promise.race([made, pause(HOLDS_UP_MS)]);
    tab.notBefore = Date.now() + Math.min(Math.max(PAUSE_MIN_MS, tab.nInRow * (Date.now() - began)), PAUSE_MAX_MS);
  }
  tab.running = false;
  // Tabs that rest are forgotten when there are many.
  if (tabs.size > TABS_MAX) for (const [id, { running, notBefore }] of tabs) if (!running && notBefore < Date.now()) tabs.delete(id);
}

/**
 * @param {number} tabId
 * @param {Set<string>} wanted
 */
async function filesIn(tabId, wanted) {
  for (let tries = 1; ; tries += 1) {
    const late = pause(PATIENCE_MS).then(() => null);
    const page = await Promise.race([chrome.pageCapture.saveAsMHTML({ tabId }), late]);
    if (page === null) throw new Error("the browser did not save the page");
    try {
      return await filesOf(page, wanted);
    } catch (problem) {
      // The first record of a page is now and then gone before it can be read (NotFoundError); the next one is not.
      if (tries >= TRIES_MAX) throw problem;
      await pause(AGAIN_MS);
    }
  }
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The files of a saved page that are wanted, by their addresses. The first of an address is the one that counts. What came into the page
 * last stands first, so that most of a page is never read.
 * @param {Blob | undefined} page
 * @param {Set<string>} wanted
 */
async function filesOf(page, wanted) {
  const files = /** @type {Map<string, Blob>} */ (new Map());
  if (!page || page.size > PAGE_BYTES_MAX) return files;
  let text = "";
  let edge = "";
  for (let at = 0; at < page.size && files.size < wanted.size; at += CHUNK_BYTES) {
    // One byte, one character: parts are looked for in it, and cut out.
    text += new TextDecoder("latin1").decode(await page.slice(at, at + CHUNK_BYTES).arrayBuffer());
    edge ||= `\r\n--${/boundary="([^"]+)"/.exec(text)?.[1] ?? ""}`;
    let start = text.indexOf(edge);
    for (let next; start >= 0 && (next = text.indexOf(edge, start + edge.length)) >= 0; start = next) {
      const headEnd = text.indexOf("\r\n\r\n", start + edge.length);
      const head = text.slice(start + edge.length, Math.min(headEnd, next));
      /** @param {string} name */
      const field = (name) => new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1] ?? "";
      const address = field("Content-Location");
      if (!wanted.has(address) || files.has(address) || /^text\/(html|css)/.test(field("Content-Type"))) continue;
      files.set(address, new Blob([bytesOf(text.slice(headEnd + 4, next), field("Content-Transfer-Encoding"))], { type: field("Content-Type") }));
    }
    if (start > 0) text = text.slice(start);
  }
  return files;
}

/**
 * @param {string} body
 * @param {string} encoding
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(body, encoding) {
  if (encoding === "base64") return Uint8Array.fromBase64(body);
  const plain = encoding === "quoted-printable" ? body.replaceAll("=\r\n", "").replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16))) : body;
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
