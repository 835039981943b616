// The extension in a real Firefox, driven over Marionette, the protocol that Firefox brings itself. Unlike headless Chromium it
// draws the right-click menu, so a click there is the person's own. Its observers see every request in the whole browser with
// whoever caused it, so `close` throws at the first of the extension's, as the harness for Chromium does.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./browser.js";
import { DIST, SCREENSHOTS } from "./places.js";

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

/** A Firefox with a fresh profile and the extension, with its welcome page closed. */
export async function startFirefox() {
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
    await firefox.install();
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

  async install() {
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
    await this.#send("Addon:Install", { path: DIST, temporary: true });
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
   * Clicks the one button with this name in what Sotto shows.
   * @param {string} name
   */
  async clickShown(name) {
    const point = await this.overPage((wanted) => {
      const roots = [...document.querySelectorAll("[popover]")].map((host) => host.openOrClosedShadowRoot).filter(Boolean);
      const found = roots.flatMap((root) => [...root.querySelectorAll("button")]).filter((button) => button.textContent.trim() === wanted);
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
   * A right click with the mouse on an element, and then on the entry of Sotto's that the menu shows.
   * @param {string} selector
   * @param {string} label
   */
  async chooseInMenu(selector, label) {
    await this.#mouse(2, { origin: await this.#element(selector) });
    await eventually("the menu", () => this.inBrowser(() => document.getElementById("contentAreaContextMenu").state === "open"));
    await this.inBrowser((wanted) => {
      const menu = document.getElementById("contentAreaContextMenu");
      const item = [...menu.querySelectorAll("menuitem")].find((one) => !one.hidden && one.label === wanted);
      if (!item) throw new Error(`no ${wanted} in the menu, but ${[...menu.children].filter((one) => !one.hidden).map((one) => one.label)}`);
      menu.activateItem(item);
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

  /** @param {string} name */
  async screenshot(name) {
    await this.#send("Marionette:SetContext", { value: "content" });
    const { value } = await this.#send("WebDriver:TakeScreenshot", { full: false });
    mkdirSync(SCREENSHOTS, { recursive: true });
    writeFileSync(join(SCREENSHOTS, `${name}.png`), Buffer.from(value, "base64"));
  }

  /** Ends the browser, prints the tally and throws when there is anything in it that must not be. */
  async close() {
    /** @type {typeof sottoAsked} */
    const asked = await this.inBrowser(() => window.sottoAsked).finally(() => this.#remove());
    console.log(`network tally: ${asked.byExtension.length} by the extension, ${asked.elsewhere.length} elsewhere, ` +
      `${asked.nByPages} by pages to fixtures, in Firefox`);
    const wrong = [...asked.byExtension.map((one) => `by the extension: ${one}`), ...asked.elsewhere.map((one) => `to somewhere else: ${one}`)];
    if (wrong.length) throw new Error(`requests that must not be:\n${wrong.join("\n")}`);
  }
}
