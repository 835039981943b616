// The pictures that a tab has loaded, as the files that the browser has of them. It saves the page for us as it would for a person
// ("Save page as…", one file): out of its memory, without a request, pictures of other sites among the rest. What is not asked for
// is not looked at, and half a minute later nothing of it is kept. Chromium's alone; elsewhere nothing is found.

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
/** A record answers for what came before it was made, so that a page that is scrolled through is not saved for each screen. */
const [KEPT_MS, KEPT_BYTES_MAX] = [30_000, 32 << 20];

/**
 * Who waits for a tab's next record, when that may be made, and the last one.
 * @typedef {{ addresses: string[], by: number, resolve: (file: Blob | null) => void, reject: (problem: unknown) => void }} Waiting
 * @typedef {{ waiting: Waiting[], running: boolean, notBefore: number, nInRow: number, hear: () => void, kept: Saved | null }} Tab
 */
const tabs = /** @type {Map<number, Tab>} */ (new Map());

/**
 * The picture that a tab has loaded from one of these addresses; null where it has none, or the browser has no such record.
 * @param {number} tabId
 * @param {string[]} addresses
 * @param {boolean} soon  whether somebody looks at the place where it will stand
 * @param {number} cameMs  when it was there, as Date.now() says it: what was loaded from there before may have been another picture
 * @returns {Promise<Blob | null>}
 */
export async function loadedFrom(tabId, addresses, soon, cameMs) {
  if (!chrome.pageCapture) return null;
  const tab = tabs.get(tabId) ?? { waiting: [], running: false, notBefore: 0, nInRow: 0, hear: () => {}, kept: null };
  tabs.set(tabId, tab);
  const { kept } = tab;
  const file = kept && kept.beganMs > cameMs ? await kept.file(addresses).catch(() => null) : null;
  if (file) return file;
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
    const made = save(tabId).then(
      (saved) => {
        keep(tab, saved);
        return Promise.all(waiting.map(({ addresses, resolve, reject }) => saved.file(addresses).then(resolve, reject)));
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
 * @param {Tab} tab
 * @param {Saved} saved
 */
function keep(tab, saved) {
  tab.kept = saved.page.size <= KEPT_BYTES_MAX ? saved : null;
  setTimeout(() => tab.kept === saved && (tab.kept = null), KEPT_MS);
}

/** @param {number} tabId */
async function save(tabId) {
  for (let tries = 1; ; tries += 1) {
    const beganMs = Date.now();
    const late = pause(PATIENCE_MS).then(() => null);
    const page = await Promise.race([chrome.pageCapture.saveAsMHTML({ tabId }), late]);
    if (page === null) throw new Error("the browser did not save the page");
    const saved = new Saved(page ?? new Blob([]), beganMs);
    try {
      await saved.readOn();
      return saved;
    } catch (problem) {
      // The first record of a page is now and then gone before it can be read (NotFoundError); the next one is not.
      if (tries >= TRIES_MAX) throw problem;
      await pause(AGAIN_MS);
    }
  }
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A saved page. It is read as far as somebody wants something of it: what came into the page last stands first. */
class Saved {
  /** Where the files begin and end, by their addresses; the first of an address is the one that counts. */
  #files = /** @type {Map<string, { from: number, to: number, encoding: string, type: string }>} */ (new Map());
  #readTo = 0;
  /** What was read and not understood yet: one byte, one character. */
  #text = "";
  #edge = "";
  /** One reads at a time. */
  #reading = Promise.resolve();

  /**
   * @param {Blob} page
   * @param {number} beganMs
   */
  constructor(page, beganMs) {
    this.page = page;
    this.beganMs = beganMs;
    if (page.size > PAGE_BYTES_MAX) this.#readTo = page.size;
  }

  /**
   * The file from one of these addresses.
   * @param {string[]} addresses
   * @returns {Promise<Blob | null>}
   */
  async file(addresses) {
    const found = () => this.#files.get(addresses.find((address) => this.#files.has(address)) ?? "");
    while (!found() && this.#readTo < this.page.size) {
      this.#reading = this.#reading.then(() => (found() ? undefined : this.readOn()));
      await this.#reading;
    }
    const part = found();
    if (!part) return null;
    const body = this.page.slice(part.from, part.to, part.type);
    if (part.encoding === "base64") return new Blob([Uint8Array.fromBase64(await body.text())], { type: part.type });
    if (part.encoding === "quoted-printable") return new Blob([unquoted(await body.text())], { type: part.type });
    return body;
  }

  async readOn() {
    const from = this.#readTo;
    if (from >= this.page.size) return;
    this.#text += new TextDecoder("latin1").decode(await this.page.slice(from, from + CHUNK_BYTES).arrayBuffer());
    this.#readTo = Math.min(from + CHUNK_BYTES, this.page.size);
    this.#edge ||= `\r\n--${/boundary="([^"]+)"/.exec(this.#text)?.[1] ?? ""}`;
    const edge = this.#edge;
    const began = this.#readTo - this.#text.length;
    let start = this.#text.indexOf(edge);
    for (let next; start >= 0 && (next = this.#text.indexOf(edge, start + edge.length)) >= 0; start = next) {
      const headEnd = this.#text.indexOf("\r\n\r\n", start + edge.length);
      const head = this.#text.slice(start + edge.length, Math.min(headEnd, next));
      /** @param {string} name */
      const field = (name) => new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1] ?? "";
      const [address, type] = [field("Content-Location"), field("Content-Type")];
      if (!address || this.#files.has(address) || /^text\/(html|css)/.test(type)) continue;
      this.#files.set(address, { from: began + headEnd + 4, to: began + next, encoding: field("Content-Transfer-Encoding"), type });
    }
    if (start > 0) this.#text = this.#text.slice(start);
    if (this.#readTo >= this.page.size) this.#text = "";
  }
}

/** @param {string} body */
const unquoted = (body) =>
  Uint8Array.from(body.replaceAll("=\r\n", "").replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16))), (character) => character.charCodeAt(0));
