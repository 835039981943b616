// The extension in a real Firefox, driven over Marionette, the protocol that Firefox brings itself. Unlike headless Chromium it
// draws the right-click menu, so a click there is the person's own. Its observers see every request in the whole browser with
// whoever caused it, so `close` throws at the first of the extension's, as the harness for Chromium does.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { eventually, extensionFolder } from "./browser.js";
import { DIST, SCREENSHOTS } from "./places.js";
import { TYPES } from "./server.js";

const ID = JSON.parse(readFileSync(join(DIST, "manifest.json"), "utf8")).browser_specific_settings.gecko.id;

const PREFERENCES = {
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.disable_open_during_load": false,
  "marionette.port": 0,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
  "ui.prefersReducedMotion": 1,
  // Names other than this machine's lead nowhere.
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": 9,
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
  "network.proxy.no_proxies_on": "localhost, 127.0.0.1",
};

function firefoxPath() {
  const found = [process.env.SOTTO_FIREFOX, "/usr/bin/firefox", "/usr/bin/firefox-esr"].find((path) => path && existsSync(path));
  if (!found) throw new Error("no Firefox: `cargo xtask test e2e` installs one, or set SOTTO_FIREFOX");
  return found;
}

/** Where files share a Firefox: the one that is open, once one was asked for; null where each has its own. */
let shared = /** @type {{ opening: Promise<Firefox> | null } | null} */ (null);

/** From now on one Firefox serves all, each with the extension installed anew; returns how to close it. */
export function shareFirefox() {
  const mine = (shared = /** @type {NonNullable<typeof shared>} */ ({ opening: null }));
  return async () => (await mine.opening)?.closeForGood();
}

/**
 * A Firefox with the extension as after an installation, with its welcome page closed. With `edit` it is a copy, in which that
 * function changed what it says it does.
 * @param {{ edit?: ((folder: string) => void) | null }} wish
 */
export async function startFirefox({ edit = null } = {}) {
  const { folder, remove } = extensionFolder({ edit });
  try {
    const firefox = await (shared ? (shared.opening ??= openFirefox()) : openFirefox());
    firefox.close = async () => {
      remove();
      await (shared ? firefox.uninstall() : firefox.closeForGood());
    };
    await firefox.install(folder).catch(async (error) => {
      await firefox.close();
      throw error;
    });
    return firefox;
  } catch (error) {
    remove();
    throw error;
  }
}

async function openFirefox() {
  const profile = mkdtempSync(join(tmpdir(), "sotto-firefox-"));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
  writeFileSync(join(profile, "user.js"), lines.join("\n"));
  // The second lets the harness look where only the browser itself may.
  const flags = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile];
  const child = spawn(firefoxPath(), flags, { stdio: "ignore", env: { ...process.env, MOZ_HEADLESS_WIDTH: "1280", MOZ_HEADLESS_HEIGHT: "900" } });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const remove = async () => {
    child.kill("SIGKILL");
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const port = await eventually("Firefox to listen", () => {
      const file = join(profile, "MarionetteActivePort");
      return existsSync(file) && Number(readFileSync(file, "utf8"));
    }, 60_000);
    const firefox = new Firefox(await Marionette.connect(port), remove);
    await firefox.watchNetwork();
    return firefox;
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * A function that runs in the browser, sent as text; or that text.
 * @template {unknown[]} Given
 * @typedef {string | ((...given: Given) => unknown)} Work
 */

/** Messages are `length:[0, id, command, parameters]`, answers `length:[1, id, error, result]`. */
class Marionette {
  /** @type {Map<number, { resolve: (result: any) => void, reject: (problem: Error) => void, command: string }>} */
  #waiting = new Map();
  #nextId = 1;
  #heard = Buffer.alloc(0);

  /** @param {import("node:net").Socket} socket */
  constructor(socket) {
    this.socket = socket;
  }

  /** @param {number} port */
  static async connect(port) {
    const marionette = new Marionette(connect(port, "127.0.0.1"));
    marionette.socket.on("data", (bytes) => marionette.#hear(bytes));
    marionette.socket.on("error", () => {});
    marionette.socket.on("close", () => {
      for (const { reject } of marionette.#waiting.values()) reject(new Error("Firefox closed the connection"));
    });
    await new Promise((resolve) => marionette.socket.once("connect", resolve));
    await marionette.send("WebDriver:NewSession", { acceptInsecureCerts: false });
    return marionette;
  }

  /** @param {Buffer} bytes */
  #hear(bytes) {
    this.#heard = Buffer.concat([this.#heard, bytes]);
    for (;;) {
      const colon = this.#heard.indexOf(":");
      const end = colon + 1 + Number(this.#heard.subarray(0, colon));
      if (colon < 0 || this.#heard.length < end) return;
      const message = JSON.parse(this.#heard.subarray(colon + 1, end).toString("utf8"));
      this.#heard = this.#heard.subarray(end);
      // The first says who speaks, and answers nothing.
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(`${waiting.command}: ${error.error}: ${error.message}`));
      else waiting?.resolve(result);
    }
  }

  /**
   * @param {string} command
   * @param {object} parameters
   * @returns {Promise<any>}
   */
  send(command, parameters = {}) {
    const id = this.#nextId++;
    const text = JSON.stringify([0, id, command, parameters]);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, command });
      this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  }
}

class Firefox {
  #marionette;
  #remove;
  /** Handles of the tab in front and of the extension's page behind it. */
  #front = "";
  #behind = "";
  origin = "";

  /**
   * @param {Marionette} marionette
   * @param {() => Promise<void>} remove
   */
  constructor(marionette, remove) {
    this.#marionette = marionette;
    this.#remove = remove;
  }

  async watchNetwork() {
    await this.#send("WebDriver:SetTimeouts", { script: 60_000 });
    // In the browser's own window, which outlives every page.
    await this.inBrowser((id) => {
      window.sottoAsked = { byExtension: [], elsewhere: [], nByPages: 0 };
      Services.obs.addObserver((/** @type {any} */ channel) => {
        channel.QueryInterface(Ci.nsIChannel);
        const { triggeringPrincipal: who, loadingPrincipal } = channel.loadInfo;
        const isLocal = ["127.0.0.1", "localhost"].includes(channel.URI.host);
        if ([who, loadingPrincipal].some((one) => one?.addonId === id)) sottoAsked.byExtension.push(channel.URI.spec);
        else if (who.isSystemPrincipal) return;
        else if (isLocal) sottoAsked.nByPages += 1;
        else sottoAsked.elsewhere.push(channel.URI.spec);
      }, "http-on-opening-request");
    }, ID);
  }

  /** @param {string} folder */
  async install(folder) {
    await this.#send("Addon:Install", { path: folder, temporary: true });
    this.origin = await this.inBrowser((id) => WebExtensionPolicy.getByID(id).getURL(""), ID);
    await eventually("the welcome page", async () => (await this.#addresses()).includes(`${this.origin}pages/welcome.html`));
    await this.inBrowser((address) => {
      const tab = gBrowser.tabs.find((/** @type {any} */ one) => one.linkedBrowser.currentURI.spec === address);
      gBrowser.removeTab(tab);
    }, `${this.origin}pages/welcome.html`);
    const [handle] = await this.#send("WebDriver:GetWindowHandles");
    await this.#send("WebDriver:SwitchToWindow", { handle });
    // A page of the extension's behind it, to ask from.
    const { handle: behind } = await this.#send("WebDriver:NewWindow", { type: "tab", focus: false });
    [this.#front, this.#behind] = [handle, behind];
    await this.#fromBehind(() => this.openOwn("manifest.json"));
  }

  /** As an update does; the page in front stays. */
  async reloadExtension() {
    await this.inBrowser(async (id) => {
      const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
      await (await AddonManager.getAddonByID(id)).reload();
    }, ID);
    // Its pages went with it.
    this.#behind = (await this.#send("WebDriver:NewWindow", { type: "tab", focus: false })).handle;
    await this.#fromBehind(() => this.openOwn("manifest.json"));
  }

  /**
   * @template Answer
   * @param {() => Promise<Answer>} work
   */
  async #fromBehind(work) {
    await this.#send("WebDriver:SwitchToWindow", { handle: this.#behind, focus: false });
    try {
      return await work();
    } finally {
      await this.#send("WebDriver:SwitchToWindow", { handle: this.#front, focus: false });
    }
  }

  /** How many registered scripts the page's process knows of: it is told a little later than the extension. */
  nScriptsKnown() {
    return this.overPage((id) => WebExtensionPolicy.getByID(id).contentScripts.length, ID);
  }

  /** Ends the event page, as Firefox does after 30 idle seconds. */
  endBackground() {
    return this.inBrowser(async (id) => {
      const { extension } = WebExtensionPolicy.getByID(id);
      await extension.terminateBackground({ ignoreDevToolsAttached: true });
      if (extension.backgroundState !== "stopped") throw new Error(`the background is ${extension.backgroundState}`);
    }, ID);
  }

  /**
   * Runs a function in a page of the extension's that is not in front.
   * @template {unknown[]} Given
   * @param {Work<Given>} work
   * @param {Given} given
   */
  inOwnPage(work, ...given) {
    return this.#fromBehind(() => this.inPage(work, ...given));
  }

  /**
   * A message as a page of Sotto's sends it, and the reply.
   * @param {PageAsk} request
   * @returns {Promise<any>}
   */
  ask(request) {
    return this.inOwnPage((message) => chrome.runtime.sendMessage({ id: crypto.randomUUID(), ...message }), request);
  }

  /**
   * Runs a function in a page of the extension's, with the window of the background before what it is given.
   * @template {unknown[]} Given
   * @param {(background: any, ...given: Given) => unknown} work
   * @param {Given} given
   */
  withBackground(work, ...given) {
    return this.inOwnPage(`async (...given) => (${work})(await chrome.runtime.getBackgroundPage(), ...given)`, ...given);
  }

  /**
   * Runs a function where the extension's scripts run in a page, of a tab in front unless its address is said: what a page that had
   * taken one of them over could do. The extension must be allowed to.
   * @template {unknown[]} Given
   * @param {{ url?: string }} where
   * @param {(...given: Given) => unknown} work
   * @param {Given} given
   */
  inContentScript({ url }, work, ...given) {
    return this.inOwnPage(`async (url, args) => {
      const [{ id }] = await chrome.tabs.query(url ? { url } : { active: true, currentWindow: true });
      const [{ result, error }] = await chrome.scripting.executeScript({ target: { tabId: id }, func: ${work}, args });
      if (error) throw error;
      return result;
    }`, url ?? null, given);
  }

  /** A person's click on the guard's switch for all sites and on what the browser asks then. */
  async guardEverywhere() {
    await this.openOwn("pages/options.html");
    await eventually("the settings", () => this.inPage(() => document.documentElement.dataset.started !== undefined));
    await this.click("#guard-everywhere");
    await this.allow();
    await eventually("the guard to be on", () =>
      this.inPage(async () => (await chrome.scripting.getRegisteredContentScripts()).length === 2));
  }

  /**
   * Opens a page in a tab of its own in front, and does all there until `work` is done; then the tab is gone.
   * @template Answer
   * @param {string} address
   * @param {() => Promise<Answer>} work
   */
  async inNewTab(address, work) {
    const front = this.#front;
    const { handle } = await this.#send("WebDriver:NewWindow", { type: "tab", focus: true });
    try {
      this.#front = handle;
      await this.#send("WebDriver:SwitchToWindow", { handle });
      await this.open(address);
      return await work();
    } finally {
      await this.#send("WebDriver:SwitchToWindow", { handle });
      await this.#send("WebDriver:CloseWindow");
      this.#front = front;
      await this.#send("WebDriver:SwitchToWindow", { handle: front });
    }
  }

  /**
   * Does all in a frame of the page until `work` is done.
   * @template Answer
   * @param {string} selector
   * @param {() => Promise<Answer>} work
   */
  async inFrame(selector, work) {
    await this.#send("WebDriver:SwitchToFrame", { element: Object.values(await this.#element(selector))[0] });
    try {
      return await work();
    } finally {
      await this.#send("Marionette:SetContext", { value: "content" });
      await this.#send("WebDriver:SwitchToFrame");
    }
  }

  /**
   * Gives the page in front so much room, or all of the window's again.
   * @param {{ width: number, height: number } | null} size
   */
  async resize(size) {
    await this.inBrowser((size) => {
      const { style } = gBrowser.selectedBrowser;
      for (const side of /** @type {const} */ (["width", "height"])) style[side] = style[`max-${side}`] = size ? `${size[side]}px` : "";
    }, size);
    if (size) await eventually("its size", () => this.inPage(({ width, height }) => innerWidth === width && innerHeight === height, size));
  }

  /**
   * Zooms the tab in front, as a person does.
   * @param {number} factor
   */
  async zoom(factor) {
    await this.inOwnPage(async (zoom) => {
      const [{ id }] = await chrome.tabs.query({ active: true, currentWindow: true });
      await chrome.tabs.setZoom(id ?? -1, zoom);
    }, factor);
    await eventually("the zoom", () => this.inPage((zoom) => Math.abs(devicePixelRatio - zoom) < 0.01, factor));
  }

  /**
   * @param {string} command
   * @param {object} [parameters]
   */
  #send(command, parameters) {
    return this.#marionette.send(command, parameters);
  }

  #addresses() {
    return this.inBrowser(() => gBrowser.tabs.map((/** @type {any} */ tab) => tab.linkedBrowser.currentURI.spec));
  }

  /**
   * @param {"chrome" | "content"} context
   * @param {Work<any>} work
   * @param {unknown[]} args
   * @param {string | null} sandbox
   * @returns {Promise<any>}
   */
  async #run(context, work, args, sandbox) {
    await this.#send("Marionette:SetContext", { value: context });
    const script = `return (${work})(...arguments);`;
    return (await this.#send("WebDriver:ExecuteScript", { script, args, sandbox, newSandbox: true })).value;
  }

  /**
   * Runs a function in the browser's own window.
   * @template {unknown[]} Given
   * @param {Work<Given>} work
   * @param {Given} given
   */
  inBrowser(work, ...given) {
    return this.#run("chrome", work, given, "default");
  }

  /**
   * Runs a function in the page, with the browser's rights: it sees into closed shadow roots.
   * @template {unknown[]} Given
   * @param {Work<Given>} work
   * @param {Given} given
   */
  overPage(work, ...given) {
    return this.#run("content", work, given, "system");
  }

  /**
   * Runs a function as a script of the page itself.
   * @template {unknown[]} Given
   * @param {Work<Given>} work
   * @param {Given} given
   */
  inPage(work, ...given) {
    return this.#run("content", work, given, null);
  }

  /**
   * The value of an expression in the page, as Playwright's pages have it.
   * @param {string} expression
   */
  evaluate(expression) {
    return this.inPage(`async () => ${expression}`);
  }

  /** @param {string} address */
  async open(address) {
    await this.#send("Marionette:SetContext", { value: "content" });
    await this.#send("WebDriver:Navigate", { url: address });
  }

  /** @param {string} path */
  openOwn(path) {
    return this.open(this.origin + path);
  }

  /** @param {string} selector */
  async #element(selector) {
    await this.#send("Marionette:SetContext", { value: "content" });
    return (await this.#send("WebDriver:FindElement", { using: "css selector", value: selector })).value;
  }

  /**
   * @param {number} button
   * @param {object} to
   */
  async #mouse(button, to) {
    await this.#send("Marionette:SetContext", { value: "content" });
    const actions = [{ type: "pointerMove", x: 0, y: 0, ...to }, { type: "pointerDown", button }, { type: "pointerUp", button }];
    await this.#send("WebDriver:PerformActions", { actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }] });
  }

  /** @param {string} selector */
  async click(selector) {
    await this.#mouse(0, { origin: await this.#element(selector) });
  }

  /**
   * The middle of an element in the viewport; each further selector is one in the shadow root of the one before.
   * @param {string[]} path
   * @returns {Promise<Point>}
   */
  middleOf(...path) {
    return this.overPage((...selectors) => {
      const found = selectors.slice(1).reduce((host, selector) => host.openOrClosedShadowRoot.querySelector(selector), document.querySelector(selectors[0]));
      found.scrollIntoView({ block: "nearest" });
      const { left, top, width, height } = found.getBoundingClientRect();
      return { x: Math.round(left + width / 2), y: Math.round(top + height / 2) };
    }, ...path);
  }

  /** @param {Point} point */
  async clickAt(point) {
    await this.#mouse(0, point);
  }

  /**
   * Presses keys one after the other, and lets them all go: "\uE00C" is Escape, as WebDriver has it.
   * @param {string} keys
   */
  async press(keys) {
    await this.#send("Marionette:SetContext", { value: "content" });
    const actions = ["keyDown", "keyUp"].flatMap((type) => [...keys].map((value) => ({ type, value })));
    await this.#send("WebDriver:PerformActions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  /** The keyboard's shortcut, where its keys lead to: made keys that go to a page don't come back to the browser. */
  pressShortcut() {
    return this.inBrowser(() => document.querySelector("keyset[id^=ext-keyset-id] key").doCommand());
  }

  /** How many things of ours stand on the page. */
  nShown() {
    return this.overPage(() => [...document.querySelectorAll("[popover]")].filter((host) => host.openOrClosedShadowRoot).length);
  }

  /**
   * Where the first of them stands in the viewport; nowhere, without size, where there is none.
   * @returns {Promise<{ left: number, top: number, right: number, bottom: number, width: number, height: number }>}
   */
  boxShown() {
    return this.overPage(() => {
      const host = [...document.querySelectorAll("[popover]")].find((one) => one.openOrClosedShadowRoot);
      return (host?.getBoundingClientRect() ?? new DOMRect()).toJSON();
    });
  }

  /**
   * Clicks the one button with this name in what Sotto shows.
   * @param {string} name
   */
  async clickShown(name) {
    const point = await this.overPage((wanted) => {
      const roots = [...document.querySelectorAll("[popover]")].map((host) => host.openOrClosedShadowRoot).filter(Boolean);
      const nameOf = (/** @type {any} */ button) => button.getAttribute("aria-label") ?? button.textContent.trim();
      const found = roots.flatMap((root) => [...root.querySelectorAll("button")]).filter((button) => nameOf(button) === wanted);
      if (found.length !== 1) throw new Error(`${found.length} buttons ${wanted}`);
      const { left, top, width, height } = found[0].getBoundingClientRect();
      return { x: Math.round(left + width / 2), y: Math.round(top + height / 2) };
    }, name);
    await this.#mouse(0, point);
  }

  /** Says yes to what the browser itself asks beside its address bar. */
  async allow() {
    await eventually("the browser's question", () => this.inBrowser(() => {
      const { panel } = PopupNotifications;
      // Firefox hears no click on a question that only just came up.
      const button = panel?.state === "open" && panel.firstElementChild?.button;
      if (!button || button.disabled) return false;
      button.click();
      return panel.state !== "open";
    }));
  }

  /**
   * Picks files in an input, as its dialog does.
   * @param {string} selector
   * @param {string[]} files
   */
  async pick(selector, files) {
    const id = Object.values(await this.#element(selector))[0];
    await this.#send("WebDriver:ElementSendKeys", { id, text: files.join("\n") });
  }

  /**
   * From now on whoever opens the dialog for files is given these, as from a person who chose them there.
   * @param {string[]} files
   */
  answerPicker(files) {
    return this.inBrowser((paths) => {
      if (!window.sottoPicked) {
        const registrar = Components.manager.QueryInterface(Ci.nsIComponentRegistrar);
        const file = (/** @type {string} */ path) => {
          const one = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
          one.initWithPath(path);
          return one;
        };
        const picker = {
          QueryInterface: ChromeUtils.generateQI(["nsIFilePicker"]),
          init() {}, appendFilters() {}, appendFilter() {}, appendRawFilter() {}, isModeSupported: async () => true,
          open: (/** @type {any} */ callback) => Services.tm.dispatchToMainThread(() => callback.done(Ci.nsIFilePicker.returnOK)),
          get file() { return file(sottoPicked[0]); },
          get files() {
            const left = sottoPicked.map(file);
            return { QueryInterface: ChromeUtils.generateQI(["nsISimpleEnumerator"]), hasMoreElements: () => left.length > 0, getNext: () => left.shift() };
          },
        };
        const factory = { QueryInterface: ChromeUtils.generateQI(["nsIFactory"]), createInstance: (/** @type {any} */ iid) => picker.QueryInterface(iid) };
        registrar.registerFactory(Services.uuid.generateUUID(), "", "@mozilla.org/filepicker;1", factory);
      }
      window.sottoPicked = paths;
    }, files);
  }

  /**
   * Drops files on a point of the page. Without a screen Firefox has no drag and no clipboard with pictures: to whoever hears them,
   * these events are the browser's own, but what it does by itself where no page takes them, it does not do.
   * @param {Point} point
   * @param {string[]} files
   */
  async drop({ x, y }, files) {
    await this.#transfer(files);
    await this.overPage((x, y) => {
      const dataTransfer = Cu.unwaiveXrays(/** @type {any} */ (window).wrappedJSObject.sottoTransfer);
      /** @type {any} */
      let target = document.elementFromPoint(x, y);
      for (let inner; (inner = target.openOrClosedShadowRoot?.elementFromPoint(x, y)) && inner !== target; ) target = inner;
      const options = { bubbles: true, cancelable: true, composed: true, clientX: x, clientY: y, dataTransfer };
      for (const type of ["dragenter", "dragover", "drop"]) target.dispatchEvent(new DragEvent(type, options));
    }, x, y);
  }

  /**
   * Pastes files into what has the focus, as `drop` does.
   * @param {string[]} files
   */
  async paste(files) {
    await this.#transfer(files);
    await this.inPage(() => {
      window.sottoPasted = new ClipboardEvent("paste", { bubbles: true, cancelable: true, composed: true });
      for (const file of window.sottoTransfer.files) window.sottoPasted.clipboardData?.items.add(file);
    });
    await this.overPage(() => document.activeElement?.dispatchEvent(Cu.unwaiveXrays(/** @type {any} */ (window).wrappedJSObject.sottoPasted)));
  }

  /**
   * What is dropped or pasted: made by the page, because what the browser's own scripts put in it no page may read.
   * @param {string[]} files
   */
  #transfer(files) {
    const given = files.map((file) => ({ name: basename(file), type: TYPES[extname(file)] ?? "", base64: readFileSync(file, "base64") }));
    return this.inPage((given) => {
      window.sottoTransfer = new DataTransfer();
      for (const { name, type, base64 } of given) window.sottoTransfer.items.add(new File([Uint8Array.fromBase64(base64)], name, { type }));
    }, given);
  }

  /**
   * A right click with the mouse on an element, and then on the entry of Sotto's that the menu shows.
   * @param {string} selector
   * @param {string} label
   */
  async chooseInMenu(selector, label) {
    await this.#chooseAt({ origin: await this.#element(selector) }, label);
  }

  /**
   * The same at a point of the viewport.
   * @param {Point} point
   * @param {string} label
   */
  async chooseInMenuAt(point, label) {
    await this.#chooseAt(point, label);
  }

  /**
   * @param {object} place
   * @param {string} label
   */
  async #chooseAt(place, label) {
    await this.#mouse(2, place);
    await eventually("the menu", () => this.inBrowser(() => document.getElementById("contentAreaContextMenu").state === "open"));
    await this.inBrowser(async (wanted) => {
      const menu = document.getElementById("contentAreaContextMenu");
      const item = [...menu.querySelectorAll("menuitem")].find((one) => !one.hidden && one.label === wanted);
      if (!item) throw new Error(`no ${wanted} in the menu, but ${[...menu.children].filter((one) => !one.hidden).map((one) => one.label)}`);
      // Where both of Sotto's entries fit, Firefox puts them into a menu of their own.
      const inner = item.closest("menupopup");
      if (inner !== menu) {
        const shown = new Promise((resolve) => inner.addEventListener("popupshown", resolve, { once: true }));
        inner.closest("menu").openMenu(true);
        await shown;
      }
      inner.activateItem(item);
    }, label);
  }

  /**
   * Waits until what Sotto shows on the page says something matching `pattern`; returns all its text.
   * @param {RegExp} pattern
   */
  async says(pattern, patienceMs = 30_000) {
    let last = "";
    await eventually(`${pattern}`, async () => {
      last = await this.overPage(() => {
        /**
         * @param {any} node
         * @returns {string}
         */
        const words = (node) => {
          if (node.nodeName === "STYLE") return "";
          if (node.nodeType === 3) return node.nodeValue;
          const inside = node.openOrClosedShadowRoot ? words(node.openOrClosedShadowRoot) : "";
          return inside + [...node.childNodes].map(words).join(" ");
        };
        return [...document.querySelectorAll("[popover]")].map((host) => (host.openOrClosedShadowRoot ? words(host) : "")).join(" ");
      });
      return pattern.test(last);
    }, patienceMs).catch((error) => {
      throw new Error(`${error.message}; on the page stands: ${JSON.stringify(last)}`);
    });
    return last;
  }

  /**
   * Waits until the popup that Sotto opened says something matching `pattern`, and closes it.
   * @param {RegExp} pattern
   */
  async popupSays(pattern) {
    const views = () => this.inOwnPage(() => chrome.extension.getViews({ type: "popup" }).map((view) => view.document.body.innerText).join(" "));
    let last = "";
    await eventually(`${pattern} in the popup`, async () => pattern.test((last = await views()))).catch((error) => {
      throw new Error(`${error.message}; there stands: ${JSON.stringify(last)}`);
    });
    await this.inOwnPage(() => chrome.extension.getViews({ type: "popup" }).forEach((view) => view.close()));
  }

  /** @param {string} name */
  async screenshot(name) {
    await this.#send("Marionette:SetContext", { value: "content" });
    const { value } = await this.#send("WebDriver:TakeScreenshot", { full: false });
    mkdirSync(SCREENSHOTS, { recursive: true });
    writeFileSync(join(SCREENSHOTS, `${name}.png`), Buffer.from(value, "base64"));
  }

  /** Takes the extension away, with all that it kept and was allowed; its pages go with it. */
  async uninstall() {
    await this.open("about:blank");
    await this.#send("Addon:Uninstall", { id: ID });
  }

  /** Made by whoever starts it. */
  close = async () => {};

  /** Ends the browser, prints the tally and throws when there is anything in it that must not be. */
  async closeForGood() {
    /** @type {typeof sottoAsked} */
    const asked = await this.inBrowser(() => window.sottoAsked).finally(() => this.#remove());
    console.log(`network tally: ${asked.byExtension.length} by the extension, ${asked.elsewhere.length} elsewhere, ` +
      `${asked.nByPages} by pages to fixtures, in Firefox`);
    const wrong = [...asked.byExtension.map((one) => `by the extension: ${one}`), ...asked.elsewhere.map((one) => `to somewhere else: ${one}`)];
    if (wrong.length) throw new Error(`requests that must not be:\n${wrong.join("\n")}`);
  }
}
