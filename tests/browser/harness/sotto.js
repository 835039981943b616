// The extension in a browser, and what a person does with it: the menu, the popup, the card. Nothing here goes around the
// extension's own ways; what a headless browser lacks (a menu to click) is fired where the browser would fire it.

import { join } from "node:path";
import { eventually, extensionFolder, launchBrowser } from "./browser.js";
import { countHosts, shadowText } from "./shadow.js";
import { ROOT } from "./places.js";

/** Holds the "management" permission, which Sotto must not have, to read what an installation would warn of. */
const OBSERVER = join(ROOT, "tests/browser/harness/observer");

/**
 * A browser with the extension. `hostPermissions`, `edit`: see extensionFolder. Where files share their browsers, whoever asks for
 * nothing special gets the one that others had before, and `close` leaves it as after an installation.
 * @typedef {Parameters<typeof launchBrowser>[0] & Parameters<typeof extensionFolder>[0]} Wish
 * @param {Omit<NonNullable<Wish>, "extensions">} wish
 */
export async function startSotto({ hostPermissions = false, ...special } = {}) {
  if (!shared || Object.keys(special).length) return start({ hostPermissions, ...special });
  const known = shared.get(hostPermissions);
  if (known) return known.sotto;
  const sotto = await start({ hostPermissions });
  shared.set(hostPermissions, { sotto, closeForGood: sotto.close });
  sotto.close = () => sotto.beAsInstalled();
  return sotto;
}

/** By what the extension may; null where each file has browsers of its own. */
let shared = /** @type {Map<boolean, { sotto: Sotto, closeForGood: () => Promise<void> }> | null} */ (null);

/** From now on browsers are shared; returns how to close them all. */
export function shareBrowsers() {
  const mine = (shared = new Map());
  return async () => {
    const closed = await Promise.allSettled([...mine.values()].map(({ closeForGood }) => closeForGood()));
    // One that throws, because its extension was heard, must not leave another open: the process would never end.
    for (const end of closed) if (end.status === "rejected") throw end.reason;
  };
}

/** @param {Omit<NonNullable<Wish>, "extensions">} wish */
async function start({ hostPermissions, edit = null, captured = true, headless = true, flags = [], options = {} }) {
  const { folder, remove } = extensionFolder({ hostPermissions, edit });
  const browser = await launchBrowser({ headless, extensions: [folder, OBSERVER], captured, flags, options });
  try {
    return await Sotto.attach(browser, remove);
  } catch (error) {
    await browser.close();
    remove();
    throw error;
  }
}

/**
 * Whether a worker still lives to hear us.
 * @param {import("playwright-core").Worker} worker
 */
function answers(worker) {
  const late = new Promise((resolve) => setTimeout(resolve, 1_000, false));
  return Promise.race([worker.evaluate(() => true).catch(() => false), late]);
}

/** @typedef {{ type: string, url: string, targetId: string }} TargetInfo */

class Sotto {
  #backrooms = /** @type {Map<string, Page>} */ (new Map());
  #tab = /** @type {Page | null} */ (null);
  /** A page in a window of its own behind the others, for `askFromBehind`. */
  #behind = /** @type {Page | null} */ (null);

  /** @param {{ context: BrowserContext, cdp: CDPSession, id: string, observerId: string, close: () => Promise<void> }} parts */
  constructor({ context, cdp, id, observerId, close }) {
    this.context = context;
    this.cdp = cdp;
    this.id = id;
    this.observerId = observerId;
    this.close = close;
  }

  /**
   * @param {Awaited<ReturnType<typeof launchBrowser>>} browser
   * @param {() => void} removeFolder
   */
  static async attach(browser, removeFolder) {
    const { context } = browser;
    const cdp = await /** @type {import("playwright-core").Browser} */ (context.browser()).newBrowserCDPSession();
    const close = async () => {
      try {
        await browser.close();
      } finally {
        removeFolder();
      }
    };
    const { extensions } = await eventually("the extensions to load", async () => {
      const answer = await cdp.send("Extensions.getExtensions");
      return answer.extensions.length === 2 && answer;
    });
    const observer = extensions.find(({ name }) => name === "Sotto's observer");
    const own = extensions.find((one) => one !== observer);
    if (!observer || !own) throw new Error(`Chromium loaded ${extensions.map(({ name }) => name).join(" and ")}`);
    if (!own.enabled) throw new Error(`Chromium did not enable ${own.name}`);
    const sotto = new Sotto({ context, cdp, id: own.id, observerId: observer.id, close });
    // A person reads the welcome page before anything else; were it to open later, it would be the active tab in the
    // middle of somebody's test.
    const welcome = await eventually("the welcome page", () =>
      context.pages().find((page) => page.url() === sotto.url("pages/welcome.html")));
    await welcome.close();
    return sotto;
  }

  /** Closes all tabs and forgets all that was set and counted; only the weights stay stored. */
  async beAsInstalled() {
    const worker = await this.worker();
    await worker.evaluate(() => Promise.all([
      chrome.storage.local.clear(),
      chrome.storage.session.clear(),
      chrome.scripting.unregisterContentScripts(),
      chrome.action.setBadgeText({ text: "" }),
    ]));
    const popup = await this.#popup();
    if (popup) await this.cdp.send("Target.closeTarget", { targetId: popup.targetId });
    // Without a tab there would be no browser.
    const [last, ...others] = this.context.pages();
    await last.goto("about:blank");
    for (const page of others) await page.close();
    await this.context.clearPermissions();
    // Stopping takes a page of our own, which is made anew.
    await this.stopWorkers();
  }

  /** @param {string} path */
  url(path) {
    return `chrome-extension://${this.id}/${path}`;
  }

  /** @param {string} address */
  async page(address) {
    // The tab of a page that was closed lives on for a moment, and must not be taken for the new one.
    const nOpen = this.context.pages().filter((page) => page.url() === address).length;
    await eventually("closed tabs to go", async () =>
      (await this.#targets()).filter(({ type, url }) => type === "tab" && url === address).length <= nOpen);
    const page = await this.context.newPage();
    await page.goto(address);
    return page;
  }

  /**
   * The same in the one tab that goes from page to page, as a person's does: a new one costs the browser half of what a test
   * of the card does. For tests that change nothing of the tab itself; nobody closes it.
   * @param {string} address
   */
  async visit(address) {
    if (!this.#tab || this.#tab.isClosed()) {
      this.#tab = await this.page(address);
    } else {
      await this.#tab.bringToFront();
      await this.#tab.goto(address);
    }
    return this.#tab;
  }

  /** The service worker, awake. Playwright's handle outlives the worker's death and serves its next life. */
  async worker(id = this.id) {
    const find = () => this.context.serviceWorkers().find((worker) => new URL(worker.url()).host === id);
    const known = find();
    if (known && (await this.workerRuns(id)) && (await answers(known))) return known;
    await this.#ofOurOrigin(id, (session) => session.send("ServiceWorker.startWorker", { scopeURL: `chrome-extension://${id}/` }));
    return eventually("the service worker", find);
  }

  /** Stops every service worker as the browser does after 30 idle seconds, and waits until they are gone. */
  async stopWorkers() {
    // One that is only just starting is not stopped by the first call.
    await this.#ofOurOrigin(this.id, (session) => eventually("the service workers to stop", async () => {
      await session.send("ServiceWorker.stopAllWorkers");
      return !(await this.workerRuns());
    }));
  }

  /** True while the browser has a running service worker of the extension. */
  async workerRuns(id = this.id) {
    const targets = await this.#targets();
    return targets.some(({ type, url }) => type === "service_worker" && url.includes(id));
  }

  /** @returns {Promise<(TargetInfo & { embedderData?: { tabActive?: boolean } })[]>} */
  async #targets() {
    return (await this.cdp.send("Target.getTargets", { filter: [{}] })).targetInfos;
  }

  /**
   * The ServiceWorker domain answers for the origin of a page.
   * @template Answer
   * @param {string} id
   * @param {(session: CDPSession) => Promise<Answer>} work
   */
  async #ofOurOrigin(id, work) {
    const session = await this.context.newCDPSession(await this.#backroom(id));
    try {
      await session.send("ServiceWorker.enable");
      return await work(session);
    } finally {
      await session.detach();
    }
  }

  /** A page of an extension's origin that does nothing, in a tab that is never in front: to ask from, without being seen. */
  async #backroom(id = this.id) {
    const kept = this.#backrooms.get(id);
    if (kept && !kept.isClosed()) return kept;
    const url = `chrome-extension://${id}/manifest.json`;
    const before = new Set(this.context.pages());
    await this.cdp.send("Target.createTarget", { url, background: true });
    const page = await eventually("a page of our own", () => this.context.pages().find((page) => page.url() === url && !before.has(page)));
    // Playwright now and then misses that a tab behind has loaded.
    await eventually("it to load", () => page.evaluate(() => document.readyState === "complete"));
    this.#backrooms.set(id, page);
    return page;
  }

  /**
   * What a click on the toolbar or a menu entry grants: activeTab on this page. The button is without its popup for that
   * moment: to open one and close it again takes a third of a second, and takes the focus.
   * @param {Page} page
   */
  async grant(page) {
    await page.bringToFront();
    const worker = await this.worker();
    /** @param {string} popup */
    const setPopup = (popup) => worker.evaluate((popup) => chrome.action.setPopup({ popup }), popup);
    // Of pages that no extension may read the browser never tells the address.
    const isReadable = /^https?:/.test(page.url());
    const isGranted = () => worker.evaluate(async (url) => (await chrome.tabs.query({ active: true })).some((tab) => tab.url === url), page.url());
    await setPopup("");
    await eventually("a click on the toolbar to count", async () => (await this.#clickToolbar(page), !isReadable || isGranted()));
    await setPopup("pages/popup.html");
    return worker;
  }

  /** @param {Page} page */
  async #clickToolbar(page) {
    const targets = await this.#targets();
    const tabs = targets.filter(({ type, url }) => type === "tab" && url === page.url());
    // One that is being closed may show the same.
    const tab = tabs.find(({ embedderData }) => embedderData?.tabActive) ?? tabs[0];
    if (!tab) throw new Error(`no tab shows ${page.url()}`);
    await this.cdp.send("Extensions.triggerAction", { id: this.id, targetId: tab.targetId });
    return new Set(targets.map(({ targetId }) => targetId));
  }

  /**
   * A click on the toolbar, with this page in front.
   * @param {Page} page
   */
  async openPopup(page) {
    await page.bringToFront();
    const before = await this.#clickToolbar(page);
    const popup = await eventually("the popup", async () =>
      (await this.#targets()).find(({ type, url, targetId }) =>
        type === "page" && url.startsWith(this.url("")) && !before.has(targetId)));
    return popup.targetId;
  }

  /**
   * A click on one of Sotto's menu entries. Headless Chromium draws no menu, so the click is fired in the service worker, on the
   * event that the browser itself would fire.
   * @param {Page} page
   * @param {MenuClick} info
   */
  async clickMenu(page, info) {
    const worker = await this.grant(page);
    await worker.evaluate(
      async ([details, pageUrl]) => {
        // The popup that the grant opened may still have the focus for a moment.
        let tab;
        for (const end = Date.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
          [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
          if (tab?.url === pageUrl) break;
          if (Date.now() > end) throw new Error(`the active tab shows ${tab?.url}`);
        }
        chrome.contextMenus.onClicked.dispatch({ editable: false, frameId: 0, pageUrl, ...details }, tab);
      },
      /** @type {const} */ ([info, page.url()]),
    );
  }

  /**
   * Selects an element's text as a person would see it selected, and chooses the menu entry.
   * @param {Page} page
   * @param {string} selector
   */
  async classifySelection(page, selector) {
    const selectionText = await page.evaluate((query) => {
      const element = document.querySelector(query);
      if (element.select) {
        element.focus();
        element.select();
        return element.value;
      }
      getSelection()?.selectAllChildren(element);
      return String(getSelection());
    }, selector);
    await this.clickMenu(page, { menuItemId: "classify-selection", selectionText });
    return selectionText;
  }

  /**
   * The browser's number of the frame in the page's element of this id.
   * @param {Page} page
   * @param {string} id
   */
  async frameId(page, id) {
    const worker = await this.grant(page);
    const path = await page.evaluate((id) => Array.from(frames).indexOf(document.getElementById(id).contentWindow), id);
    return worker.evaluate(
      async (index) => {
        const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
        const target = { tabId: tab.id ?? -1, allFrames: true };
        /** @param {number} index */
        const find = (index) => window.parent !== window && window.parent.frames[index] === window;
        const results = await chrome.scripting.executeScript({ target, func: find, args: [index] });
        return results.find(({ result }) => result)?.frameId;
      },
      path,
    );
  }

  /**
   * One of the keyboard's shortcuts, which grants activeTab too.
   * @param {Page} page
   * @param {string} command
   */
  async pressShortcut(page, command) {
    const worker = await this.grant(page);
    await worker.evaluate(
      async ([name, pageUrl]) => {
        let tab;
        for (const end = Date.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
          [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
          if (tab && (tab.url === undefined || tab.url === pageUrl)) break;
          if (Date.now() > end) throw new Error(`the active tab shows ${tab?.url}`);
        }
        chrome.commands.onCommand.dispatch(name, tab);
      },
      [command, page.url()],
    );
  }

  /**
   * The value of an expression in the popup that is open; undefined without one.
   * @param {string} expression
   * @returns {Promise<any>}
   */
  async inPopup(expression) {
    const popup = await this.#popup();
    return popup && this.#evaluateIn(popup.targetId, expression);
  }

  /**
   * Waits until the popup that is open, or opens by itself, says something matching `pattern`; returns all its text.
   * @param {RegExp} pattern
   * @returns {Promise<string>}
   */
  async popupShows(pattern) {
    let last = "no popup";
    return eventually(`the popup to say ${pattern}`, async () => {
      last = (await this.inPopup("document.querySelector('main').innerText")) ?? last;
      return pattern.test(last) && last;
    }).catch((error) => {
      throw new Error(`${error.message}; it says ${JSON.stringify(last)}`);
    });
  }

  /**
   * The same, and then the popup is closed.
   * @param {RegExp} pattern
   */
  async popupSays(pattern) {
    await this.popupShows(pattern);
    const popup = await this.#popup();
    if (!popup) throw new Error("the popup closed by itself");
    await this.cdp.send("Target.closeTarget", { targetId: popup.targetId });
  }

  /** Playwright knows no popups as pages, so the browser's own session is asked. */
  async #popup() {
    return (await this.#targets()).find(({ type, url }) => type === "page" && url === this.url("pages/popup.html"));
  }

  /**
   * @param {string} targetId
   * @param {string} expression
   */
  async #evaluateIn(targetId, expression) {
    const { sessionId } = await this.cdp.send("Target.attachToTarget", { targetId, flatten: false });
    const answered = new Promise((resolve) => {
      /** @param {{ sessionId: string, message: string }} event */
      const hear = (event) => {
        if (event.sessionId !== sessionId) return;
        this.cdp.off("Target.receivedMessageFromTarget", hear);
        resolve(JSON.parse(event.message).result?.result?.value ?? "");
      };
      this.cdp.on("Target.receivedMessageFromTarget", hear);
    });
    const params = { expression, returnByValue: true, awaitPromise: true };
    await this.cdp.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id: 1, method: "Runtime.evaluate", params }) });
    try {
      return await answered;
    } finally {
      await this.cdp.send("Target.detachFromTarget", { sessionId }).catch(() => {});
    }
  }

  /**
   * @param {Page} page
   * @param {string} selector
   */
  async checkImage(page, selector) {
    const srcUrl = await page.evaluate((query) => document.querySelector(query).currentSrc, selector);
    await this.clickMenu(page, { menuItemId: "check-image", mediaType: "image", srcUrl });
  }

  /**
   * Waits for a card, dialog or line on the page that says something matching `pattern`; returns all its text.
   * @param {Page | Frame} page
   * @param {RegExp} pattern
   */
  async says(page, pattern, patienceMs = 30_000) {
    let last = "";
    try {
      return await eventually(`${pattern}`, async () => {
        last = await shadowText(page);
        return pattern.test(last) && last;
      }, patienceMs);
    } catch (/** @type {any} */ error) {
      throw new Error(`${error.message}; on the page stands: ${JSON.stringify(last)}`);
    }
  }

  /**
   * Whether anything of ours is on the page.
   * @param {Page | Frame} page
   */
  async isOnPage(page) {
    return (await countHosts(page)) > 0;
  }

  /**
   * What the browser would warn of when this manifest is installed.
   * @param {string} manifest
   */
  async permissionWarnings(manifest) {
    const observer = await this.worker(this.observerId);
    return observer.evaluate((text) => chrome.management.getPermissionWarningsByManifest(text), manifest);
  }

  /**
   * What `ask` does, from a window behind: like a popup's it leaves the tab in front in view, so that it can be captured.
   * @template {PageAsk["ask"]} Name
   * @param {PageAsk & { ask: Name }} request
   * @returns {Promise<ReplyTo<Name>>}
   */
  async askFromBehind(request) {
    let behind = this.#behind;
    if (!behind || behind.isClosed()) {
      const opened = this.context.waitForEvent("page");
      const front = this.context.pages().filter((page) => page.url().startsWith("http")).pop();
      await this.cdp.send("Target.createTarget", { url: this.url("manifest.json"), newWindow: true, background: true });
      const page = (this.#behind = behind = await opened);
      await eventually("it to load", () => page.evaluate(() => document.readyState === "complete"));
      await front?.bringToFront();
    }
    return behind.evaluate((message) => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ...message }), request);
  }

  /**
   * A message as one of our own pages sends it, and the reply.
   * @template {PageAsk["ask"]} Name
   * @param {PageAsk & { ask: Name }} request
   * @returns {Promise<ReplyTo<Name>>}
   */
  async ask(request) {
    const page = await this.#backroom();
    return page.evaluate((message) => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ...message }), request);
  }
}
