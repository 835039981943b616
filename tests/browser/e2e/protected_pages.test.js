// Protected pictures in Sotto's own pages, as a person uses them: the popup over a protected page, the settings of all sites and of
// single ones, the settings' file, what an organisation has set, and the passphrase that keeps all of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const SITE = "http://127.0.0.1";
const ELSEWHERE = "https://example.com";
const OTHER = "https://example.org";
const PASSPHRASE = "correct horse";
/** @type {SiteRule} */
const USUAL = { pictures: "usual", films: "usual", cover: "blur", held: true, unjudged: "show" };
/** @type {Record<string, SiteRule>} */
const PRESETS = {
  relaxed: { pictures: "relaxed", films: "off", cover: "blur", held: false, unjudged: "show" },
  careful: { pictures: "careful", films: "careful", cover: "blur", held: true, unjudged: "show" },
  children: { pictures: "strict", films: "strict", cover: "hide", held: true, unjudged: "cover" },
  usual: USUAL,
};

/** @type {Fixtures} */
let server;
/** May read all pages, which no test can be asked for. @type {Sotto} */
let sotto;
/** As it is installed, without any permission. @type {Sotto} */
let bare;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  sotto = await startSotto({ hostPermissions: true });
  bare = await startSotto();
});
after(async () => {
  await Promise.all([sotto?.close(), bare?.close()]);
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** @param {PageAsk} request */
async function done(request, of = sotto) {
  const reply = await of.ask(request);
  assert.equal(reply.answer, "done", JSON.stringify(reply));
}

/** Also what a test that failed has left. */
async function forgetAll() {
  await (await sotto.worker()).evaluate(() => chrome.storage.local.remove("lock"));
  await done({ ask: "keepSettings", settings: {} });
}

/**
 * What is in force of protection.
 * @param {Sotto} of
 */
async function kept(of = sotto) {
  const { protectEverywhere, protectSites, protectRule, protectRules } = await of.ask({ ask: "settings" });
  return { protectEverywhere, protectSites, protectRule, protectRules };
}

/**
 * Waits until that is in force, and nothing else.
 * @param {Partial<Awaited<ReturnType<typeof kept>>>} wanted
 */
async function keeps(wanted, of = sotto) {
  let last = /** @type {Record<string, unknown>} */ ({});
  await eventually("it to be kept", async () => {
    last = await kept(of);
    return Object.entries(wanted).every(([name, value]) => same(last[name], value));
  }, 5_000).catch(() => assert.deepEqual(last, { ...last, ...wanted }));
}

/** @param {unknown} one @param {unknown} other */
function same(one, other) {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

/** @param {Sotto} of */
const registered = async (of = sotto) => (await of.worker()).evaluate(async () => (await chrome.scripting.getRegisteredContentScripts()).length);

describe("the popup over a page", () => {
  /** @type {Page} */
  let page;

  before(() => done({ ask: "protect", site: SITE, on: true }));
  after(forgetAll);

  /** Sizes by the pictures' names, as a page may have them: not in the order of their size. */
  const ALARMS = /** @type {const} */ ({ small: [120, 80], large: [448, 300], film: [224, 224], middle: [224, 150] });

  /** A page with one fine picture and those. @param {string} [origin] */
  async function visit(origin = server.origin) {
    page = await sotto.visit(`${origin}/upload.html`);
    await page.evaluate(async (alarms) => {
      // A film is judged by what the screen shows of it: its poster has to be there already.
      await Object.assign(new Image(), { src: "/false_alarm.png?film" }).decode();
      document.body.innerHTML = '<img id="fine" src="/pictures/coffee.png" width="220" height="150">';
      for (const [id, [width, height]] of Object.entries(alarms)) {
        const address = `/false_alarm.png?${id}`;
        const picture = id === "film" ? `video poster="${address}" preload="none"` : `img src="${address}"`;
        document.body.insertAdjacentHTML("beforeend", `<${picture} id="${id}" width="${width}" height="${height}">`);
      }
    }, ALARMS);
  }

  /** @param {string} id */
  const mark = (id) => page.evaluate((id) => document.getElementById(id).getAttribute("data-sotto"), id);
  /** @param {Record<string, string | null>} wanted */
  async function marked(wanted) {
    let last = {};
    await eventually("the marks", async () => same((last = Object.fromEntries(await Promise.all(Object.keys(wanted).map(async (id) => [id, await mark(id)])))), wanted))
      .catch(() => assert.deepEqual(last, wanted));
  }
  const covered = () => marked({ fine: "fine", small: "blur", large: "blur", film: "blur", middle: "blur" });

  async function openPopup(of = sotto, over = page) {
    await of.openPopup(over);
    await eventually("the popup to start", () => of.inPopup("document.documentElement.dataset.started"));
  }

  /**
   * What the section shows.
   * @returns {Promise<{ list: string[][], why: string, [part: string]: unknown }>}
   */
  const look = (of = sotto) => of.inPopup(`(${() => {
    /** @param {string} id */
    const by = (id) => document.getElementById(id);
    /** @param {string} id */
    const said = (id) => (by(id)?.checkVisibility() ? by(id).innerText : null);
    const { checked, disabled } = by("protect");
    return {
      title: said("protect-title"), checked, disabled, hint: said("protect-hint"), here: said("page-said"), why: said("protect-why"), counts: said("covered-said"), none: said("covered-none"),
      list: [...by("covered-list").children].map((entry) => entry.innerText.split(/\n+/)),
      more: said("covered-more"), revealAll: said("covered-reveal-all"), off: said("protect-off"), locked: said("protect-locked"),
      scan: by("scan-part").checkVisibility(), trouble: said("trouble"), focus: document.activeElement?.id || document.activeElement?.ariaLabel,
    };
  }})()`);

  /** @param {Record<string, unknown>} wanted */
  async function shows(wanted, of = sotto) {
    let last = /** @type {Record<string, unknown>} */ ({});
    const told = () => Object.fromEntries(Object.keys(wanted).map((name) => [name, last[name]]));
    await eventually("the popup to show it", async () => same(((last = await look(of)), told()), wanted), 8_000).catch(() => assert.deepEqual(told(), wanted));
  }

  /** @param {string} selector */
  const press = (selector, of = sotto) => of.inPopup(`document.querySelector(${JSON.stringify(selector)}).click()`);
  const badge = async () => (await sotto.worker()).evaluate(async () => chrome.action.getBadgeText({ tabId: (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id }));
  /** @param {string} text */
  const badgeSays = (text) => eventually(`the badge to say ${JSON.stringify(text)}`, async () => (await badge()) === text);


  const closePopup = () => sotto.popupSays(/Sotto/);

  test("is named after the site, and lists what is covered, the largest first, with why and how large", async () => {
    await visit();
    await covered();
    await badgeSays("4");
    await openPopup();
    await shows({
      title: "Protect pictures on 127.0.0.1", checked: true, disabled: false, hint: "Pictures here stay out of sight until Sotto has looked at them.", why: null,
      counts: "5 pictures judged, 4 covered.", none: null, revealAll: "Reveal all", off: "Always show pictures on 127.0.0.1", locked: null, more: null, scan: false,
    });
    const { list } = await look();
    assert.deepEqual(list.map(([, ...rest]) => rest), [["448 × 300", "Reveal"], ["224 × 224 Video", "Reveal"], ["224 × 150", "Reveal"], ["120 × 80", "Reveal"]]);
    const reply = await sotto.ask({ ask: "covered", tab: await tabOf() });
    assert.deepEqual(list.map(([why]) => why), reply.pictures.map(({ share }) => `Explicit, ${Math.min(99, Math.round(share * 100))}%`));
  });

  test("reveals the one that is chosen, on the page, in the list and on the badge; then all others", async () => {
    await press('#covered-list li:nth-child(2) [data-part="reveal"]');
    await marked({ fine: "fine", small: "blur", large: "blur", film: "fine", middle: "blur" });
    await badgeSays("3");
    await shows({ counts: "5 pictures judged, 3 covered.", focus: "Reveal: Explicit, 99%, 224 × 150" });
    assert.deepEqual((await look()).list.map(([, size]) => size), ["448 × 300", "224 × 150", "120 × 80"]);
    await press("#covered-reveal-all");
    await marked({ fine: "fine", small: "fine", large: "fine", film: "fine", middle: "fine" });
    await badgeSays("");
    await shows({ list: [], counts: "5 pictures judged, 0 covered.", none: "Nothing is covered on this page.", revealAll: null, focus: "protect" });
  });

  test("of many it lists twenty, and counts the others", async () => {
    await page.reload();
    await page.evaluate(() => (document.body.innerHTML = '<img src="/false_alarm.png?many" width="112" height="75">'.repeat(23)));
    await badgeSays("23");
    await openPopup();
    await shows({ more: "and 3 more", counts: "23 pictures judged, 23 covered." });
    assert.equal((await look()).list.length, 20);
  });

  test("told thrice at once to ask for its rule, a page is still free when its site is not protected any more", async () => {
    const worker = await sotto.worker();
    await visit();
    const tab = await tabOf();
    for (const when of ["while it comes", "when it is there"]) {
      if (when === "while it comes") await page.reload({ waitUntil: "commit" });
      await worker.evaluate((tab) => Promise.all([1, 2, 3].map(() => chrome.tabs.sendMessage(tab, { sotto: "protectionChanged" }).catch(() => {}))), tab);
      await page.evaluate(() => (document.body.innerHTML = '<img id="large" src="/false_alarm.png?large" width="448" height="300">'));
      await marked({ large: "blur" });
      await done({ ask: "protect", site: SITE, on: false });
      await marked({ large: null });
      assert.equal(await page.locator("#large").evaluate((element) => getComputedStyle(element).filter), "none", when);
      await done({ ask: "protect", site: SITE, on: true });
      await marked({ large: "blur" });
    }
  });

  test("“Always show” turns the site off: the page is free, and the site is kept as one where all are protected", async () => {
    for (const everywhere of [false, true]) {
      if (everywhere) await done({ ask: "protect", site: null, on: true });
      await visit();
      await covered();
      await openPopup();
      await shows({ checked: true, off: "Always show pictures on 127.0.0.1" });
      await press("#protect-off");
      await shows({ checked: false, off: null, counts: null, scan: true, why: null, focus: "protect" });
      await marked({ fine: null, small: null, large: null, film: null, middle: null });
      assert.equal(await page.locator("#large").evaluate((element) => getComputedStyle(element).filter), "none");
      await badgeSays("");
      await eventually("nothing of ours", async () => !(await sotto.isOnPage(page)));
      await keeps({ protectEverywhere: everywhere, protectSites: everywhere ? { [SITE]: false } : {} });
      assert.equal(await registered() > 0, everywhere);
    }
    await done({ ask: "protect", site: null, on: false });
    await keeps({ protectSites: { [SITE]: false } });
  });

  test("on a site that is not protected it is off, and protects the open page as soon as it is turned on", async () => {
    await visit(server.otherOrigin);
    await openPopup();
    await shows({ title: "Protect pictures on localhost", checked: false, disabled: false, why: null, off: null, counts: null, scan: true });
    // A click that no mouse made can't ask the browser; here it has said yes before.
    await sotto.inPopup("chrome.permissions.request = (wanted) => chrome.permissions.contains(wanted)");
    await press("#protect");
    await shows({ checked: true, off: "Always show pictures on localhost", scan: false });
    await covered();
    await keeps({ protectSites: { [SITE]: false, "http://localhost": true } });
    await press("#protect");
    await shows({ checked: false });
    await marked({ large: null });
    await keeps({ protectSites: { [SITE]: false } });
  });

  test("says that the browser asks for all websites only where it will, and on no site it is disabled", async () => {
    const over = await bare.visit(`${server.origin}/upload.html`);
    await openPopup(bare, over);
    await shows({ title: "Protect pictures on 127.0.0.1", checked: false, disabled: false, trouble: null }, bare);
    assert.match((await look(bare)).why, /^Your browser will ask for all websites/);
    await bare.inPopup("chrome.permissions.request = async () => false");
    await press("#protect", bare);
    await shows({ checked: false, trouble: "The browser did not give the permission, so it stays off." }, bare);
    await keeps({ protectSites: {} }, bare);
    await bare.popupSays(/Sotto/);
    const own = await bare.page(bare.url("pages/privacy.html"));
    await openPopup(bare, own);
    await shows({ title: "Protect pictures", checked: false, disabled: true, hint: null, here: "This page is Sotto’s own: there is nothing to check here.", why: null, counts: null }, bare);
    await bare.popupSays(/Sotto/);
    await own.close();
  });

  test("under a passphrase it shows what is covered and reveals nothing, until that is given in the settings", async () => {
    await done({ ask: "protect", site: SITE, on: true });
    await visit();
    await covered();
    await done({ ask: "setLock", passphrase: PASSPHRASE });
    await openPopup();
    await shows({ checked: true, disabled: true, locked: "Locked with a passphrase. Unlock it in the settings", off: null, revealAll: null, counts: "5 pictures judged, 4 covered." });
    assert.deepEqual((await look()).list.map((entry) => entry.slice(1)), [["448 × 300"], ["224 × 224 Video"], ["224 × 150"], ["120 × 80"]]);
    const opened = sotto.context.waitForEvent("page");
    // The popup closes, and would never answer.
    await sotto.inPopup("void setTimeout(() => document.getElementById('protect-unlock').click())");
    const settings = await opened;
    await settings.waitForSelector("html[data-started]");
    assert.equal(settings.url(), sotto.url("pages/options.html#lock-part"));
    assert.equal(await settings.evaluate(() => document.activeElement?.id), "lock-passphrase");
    await settings.keyboard.type(PASSPHRASE);
    await settings.keyboard.press("Enter");
    await settings.locator("#lock-remove").click();
    await settings.locator("#lock-new").waitFor();
    await settings.close();
    await page.bringToFront();
    await openPopup();
    await shows({ disabled: false, locked: null, off: "Always show pictures on 127.0.0.1", revealAll: "Reveal all" });
    await closePopup();
  });
});

describe("the settings", () => {
  /** @type {Page} */
  let page;

  before(async () => (page = await sotto.page(sotto.url("pages/options.html"))));
  after(() => page?.close());
  beforeEach(async () => {
    await forgetAll();
    await page.reload();
    await page.waitForSelector("html[data-started]");
  });

  const trouble = () => page.locator("#trouble").innerText();
  const rule = () => page.locator("#protect-rule");
  /** @param {string} site @param {"protected" | "unprotected"} [list] */
  const entryOf = (site, list = "protected") => page.locator(`#${list}-sites > li`, { hasText: site });
  /**
   * The preset that some controls show, and their fields.
   * @param {import("playwright-core").Locator} form
   */
  const shown = (form) => form.evaluate((form) => {
    const fields = [...form.querySelectorAll("[data-field]")].map((control) => [control.dataset.field, control.type === "checkbox" ? control.checked : control.value]);
    return { preset: form.querySelector("[data-part=presets] :checked")?.value, rule: Object.fromEntries(fields) };
  });

  test("each preset is the rule that it names, and the details show it", async () => {
    assert.deepEqual(await shown(rule()), { preset: "usual", rule: USUAL });
    for (const [name, wanted] of Object.entries(PRESETS)) {
      await rule().locator(`input[value=${name}]`).check();
      await keeps({ protectRule: wanted, protectRules: {} });
      await eventually("the details to follow", async () => same(await shown(rule()), { preset: name, rule: wanted }));
    }
  });

  test("the details change one field at a time, and what comes of it is one's own", async () => {
    await rule().locator("summary").click();
    const changes = /** @type {const} */ ([["pictures", "strict"], ["films", "off"], ["cover", "outline"], ["unjudged", "cover"]]);
    let wanted = USUAL;
    for (const [field, value] of changes) {
      wanted = { ...wanted, [field]: value };
      await rule().locator(`[data-field=${field}]`).selectOption(value);
      await keeps({ protectRule: wanted });
      await eventually("“My own”", async () => same(await shown(rule()), { preset: "own", rule: wanted }));
    }
    await rule().locator("[data-field=held]").uncheck();
    await keeps({ protectRule: { ...wanted, held: false } });
    // What happens to be a preset is called by its name.
    await rule().locator("input[value=usual]").check();
    await eventually("the details to follow", async () => same(await shown(rule()), { preset: "usual", rule: USUAL }));
    await rule().locator("[data-field=films]").selectOption("careful");
    await rule().locator("[data-field=pictures]").selectOption("careful");
    await eventually("its name", async () => (await shown(rule())).preset === "careful");
  });

  test("“My own” opens the details and changes nothing yet", async () => {
    const details = rule().locator("details");
    assert.equal(await details.getAttribute("open"), null);
    await rule().locator("input[value=own]").check();
    await eventually("the details", async () => (await details.getAttribute("open")) !== null);
    await keeps({ protectRule: USUAL });
  });

  test("the switch for all sites, sites by name, and those that are off while all are on", async () => {
    assert.equal(await page.locator("#no-protected-sites").isVisible(), true);
    await page.locator("#protect-everywhere").check();
    await keeps({ protectEverywhere: true });
    await page.locator("#no-protected-sites").waitFor({ state: "hidden" });
    await done({ ask: "protect", site: ELSEWHERE, on: false });
    await page.reload();
    await page.waitForSelector("html[data-started]");
    assert.deepEqual(await page.locator("#unprotected-sites > li bdi").allInnerTexts(), [ELSEWHERE]);
    assert.equal(await page.locator("#protected-sites-part").isVisible(), false);
    await entryOf(ELSEWHERE, "unprotected").getByRole("button", { name: `Remove ${ELSEWHERE}` }).click();
    await keeps({ protectEverywhere: true, protectSites: {} });
    await page.locator("#unprotected-sites-part").waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement?.id), "protect-everywhere");
    await page.locator("#protect-everywhere").uncheck();
    await keeps({ protectEverywhere: false });
    await page.locator("#no-protected-sites").waitFor();
    assert.equal(await registered(), 0);
  });

  test("a site's own rule starts as that of all, is changed alone, and goes again", async () => {
    for (const site of [ELSEWHERE, OTHER]) await done({ ask: "protect", site, on: true });
    await done({ ask: "keepSiteRule", site: null, rule: PRESETS.careful });
    await page.reload();
    await page.waitForSelector("html[data-started]");
    const [entry, other] = [entryOf(ELSEWHERE), entryOf(OTHER)];
    const own = entry.getByLabel(`Rule for ${ELSEWHERE}`, { exact: true }).first();
    assert.equal(await entry.locator("details[data-part=rule]").isVisible(), false);
    await own.selectOption("own");
    await keeps({ protectRule: PRESETS.careful, protectRules: { [ELSEWHERE]: PRESETS.careful } });
    const form = entry.locator("details[data-part=rule]");
    await form.locator("[data-part=presets]").waitFor();
    assert.equal(await form.locator("[data-part=rule-name]").innerText(), "Its rule: Careful");
    await form.locator("input[value=children]").check();
    await keeps({ protectRule: PRESETS.careful, protectRules: { [ELSEWHERE]: PRESETS.children } });
    await eventually("its name", async () => (await form.locator("[data-part=rule-name]").innerText()) === "Its rule: Children");
    await form.locator("summary", { hasText: "Details" }).click();
    await form.locator("[data-field=cover]").selectOption("outline");
    await keeps({ protectRules: { [ELSEWHERE]: { ...PRESETS.children, cover: "outline" } } });
    await eventually("its name", async () => (await form.locator("[data-part=rule-name]").innerText()) === "Its rule: My own");
    assert.deepEqual(await shown(rule()), { preset: "careful", rule: PRESETS.careful });
    assert.equal(await other.locator("details[data-part=rule]").isVisible(), false);
    await screenshot(page, "options-protected");
    // That of all changes, and this one stays.
    await rule().locator("input[value=relaxed]").check();
    await keeps({ protectRule: PRESETS.relaxed, protectRules: { [ELSEWHERE]: { ...PRESETS.children, cover: "outline" } } });
    await own.selectOption("all");
    await keeps({ protectRules: {}, protectSites: { [ELSEWHERE]: true, [OTHER]: true } });
    await form.waitFor({ state: "hidden" });
  });

  test("“Remove” forgets a site with its rule, and leaves the focus beside it", async () => {
    for (const site of [ELSEWHERE, OTHER]) await done({ ask: "protect", site, on: true });
    await done({ ask: "keepSiteRule", site: ELSEWHERE, rule: PRESETS.children });
    // Off from the popup; its rule is kept, and so it can be seen.
    await done({ ask: "protect", site: ELSEWHERE, on: false });
    await page.reload();
    await page.waitForSelector("html[data-started]");
    assert.equal(await entryOf(ELSEWHERE).locator("[data-part=off]").isVisible(), true);
    assert.equal(await entryOf(OTHER).locator("[data-part=off]").isVisible(), false);
    await entryOf(ELSEWHERE).getByRole("button", { name: `Remove ${ELSEWHERE}` }).click();
    await keeps({ protectSites: { [OTHER]: true }, protectRules: {} });
    await eventually("the list", async () => same(await page.locator("#protected-sites > li bdi[data-part=site]").allInnerTexts(), [OTHER]));
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), `Remove ${OTHER}`);
    await entryOf(OTHER).getByRole("button", { name: `Remove ${OTHER}` }).click();
    await keeps({ protectSites: {} });
    await page.locator("#protected-sites-part").waitFor({ state: "hidden" });
  });

  test("a file brings all of it back where the permission is there, and what is wrong in it is named", async () => {
    const wanted = { protectEverywhere: true, protectSites: { [ELSEWHERE]: false }, protectRule: PRESETS.relaxed, protectRules: { [OTHER]: PRESETS.children } };
    await done({ ask: "keepSettings", settings: wanted });
    const download = page.waitForEvent("download");
    await page.locator("#settings-export").click();
    const path = await (await download).path();
    const { settings } = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((name) => [name, settings[name]])), wanted);
    await page.locator("#settings-reset").click();
    await keeps({ protectEverywhere: false, protectSites: {}, protectRule: USUAL, protectRules: {} });
    assert.equal(await registered(), 0);
    await page.locator("#settings-import").setInputFiles(path);
    await keeps(wanted);
    assert.equal(await page.locator("#import-sites").isVisible(), false);
    await eventually("the page to follow", () => page.locator("#protect-everywhere").isChecked());
    assert.ok((await registered()) > 0);
    await chooseFile(page, {
      protectSites: { [OTHER]: true, "example.net": true, [ELSEWHERE]: "yes" },
      protectRules: { [ELSEWHERE]: { ...USUAL, cover: "paint" }, [OTHER]: { pictures: "strict" } },
      protectRule: { pictures: "all" },
    });
    const said = await eventually("the outcome", async () => {
      const said = await page.locator("#settings-said").innerText();
      return said.startsWith("Taken over, except") && said;
    });
    for (const part of ["protectSites: example.net", `protectSites: ${ELSEWHERE}`, `protectRules: ${ELSEWHERE}`, "protectRule"]) assert.ok(said.includes(part), `${said} does not name ${part}`);
    await keeps({ ...wanted, protectSites: { [OTHER]: true }, protectRules: { [OTHER]: { ...USUAL, pictures: "strict" } } });
  });

  test("without the permission the switch for all goes back and says why, and one that comes later still counts", async () => {
    const options = await openBare();
    await options.evaluate(() => {
      chrome.permissions.request = async (wanted) => {
        globalThis.wanted = wanted;
        globalThis.wasGesture = navigator.userActivation.isActive;
        return false;
      };
    });
    await options.locator("#protect-everywhere").click();
    await eventually("the reason", async () => /did not give the permission/.test(await options.locator("#trouble").innerText()));
    await eventually("the switch to go back", async () => !(await options.locator("#protect-everywhere").isChecked()));
    assert.deepEqual(await options.evaluate(() => [globalThis.wanted, globalThis.wasGesture]), [{ origins: ["<all_urls>"], permissions: ["pageCapture"] }, true]);
    await keeps({ protectEverywhere: false }, bare);
    assert.equal(await registered(bare), 0);
    // A popup that closed during its prompt; then the browser's answer, which is yes, and then that it is taken away again.
    assert.equal((await bare.ask({ ask: "protect", site: OTHER, on: true })).reason, "notPermitted");
    await keeps({ protectSites: {} }, bare);
    const worker = await bare.worker();
    await worker.evaluate(() => {
      self.containsAsBefore = chrome.permissions.contains;
      chrome.permissions.contains = async () => true;
      chrome.permissions.onAdded.dispatch({ origins: ["<all_urls>"], permissions: ["pageCapture"] });
    });
    await keeps({ protectEverywhere: false, protectSites: { [OTHER]: true } }, bare);
    await eventually("the scripts", async () => (await registered(bare)) === 1);
    await worker.evaluate(() => {
      chrome.permissions.contains = self.containsAsBefore;
      chrome.permissions.onRemoved.dispatch({ origins: ["<all_urls>"], permissions: ["pageCapture"] });
    });
    await eventually("protection to be off", async () => (await registered(bare)) === 0);
    await keeps({ protectSites: {} }, bare);
    await options.close();
  });

  test("without the permission a file's sites are asked for by a click, which a person may also leave out", async () => {
    const options = await openBare();
    const wanted = { results: /** @type {const} */ ("popup"), protectEverywhere: true, protectSites: { [OTHER]: true, [ELSEWHERE]: false }, protectRule: PRESETS.children };
    await options.evaluate(() => {
      chrome.permissions.request = async (wanted) => {
        globalThis.wanted = [...(globalThis.wanted ?? []), wanted];
        return false;
      };
    });
    for (const [button, nAsked] of /** @type {const} */ ([["ask", 1], ["skip", 1]])) {
      await done({ ask: "keepSettings", settings: {} }, bare);
      await options.evaluate(() => (document.querySelector("#settings-said").textContent = ""));
      await chooseFile(options, wanted);
      await options.locator("#import-sites").waitFor();
      assert.equal(await options.locator("#import-sites-said").innerText(), `The file wants pictures protected on: all sites, ${OTHER}. The browser must ask you about all websites for that.`);
      await keeps({ protectRule: USUAL }, bare);
      await options.locator(`#import-sites-${button}`).click();
      const said = await eventually("the outcome", () => options.locator("#settings-said").innerText());
      assert.ok(said.includes(`the protection of pictures, without the browser’s permission, on: all sites, ${OTHER}`), said);
      assert.deepEqual(await options.evaluate(() => globalThis.wanted), Array(nAsked).fill({ origins: ["<all_urls>"], permissions: ["pageCapture"] }));
      // The rest of the file counts: what is not protected needs no permission.
      await keeps({ protectEverywhere: false, protectSites: { [ELSEWHERE]: false }, protectRule: PRESETS.children }, bare);
      assert.equal((await bare.ask({ ask: "settings" })).results, "popup");
      assert.equal(await registered(bare), 0);
    }
    await done({ ask: "keepSettings", settings: {} }, bare);
    await options.close();
  });

  test("what an organisation has set can't be changed here, whatever a passphrase does", async () => {
    await done({ ask: "keepSettings", settings: { protectSites: { [ELSEWHERE]: true }, protectRules: { [ELSEWHERE]: PRESETS.relaxed } } });
    // The browser takes policies from the machine's own folders only, so it is played by a function; the worker's next life has the browser's own.
    try {
      await (await sotto.worker()).evaluate((set) => (chrome.storage.managed.get = async () => set), { protectEverywhere: true, protectRule: PRESETS.children });
      await eventually("it to count", async () => (await sotto.ask({ ask: "settings" })).locked?.length === 2);
      await page.reload();
      await page.waitForSelector("html[data-started]");
      const states = async () => {
        const fields = [...(await rule().locator("input, select").all()), page.locator("#protect-everywhere")];
        const states = await Promise.all(fields.map((field) => field.isDisabled()));
        return [...new Set(states)].join();
      };
      const own = () => entryOf(ELSEWHERE).locator("[data-part=own], [data-part=remove], [data-field=cover]").evaluateAll((controls) => controls.map((control) => control.matches(":disabled")));
      assert.equal(await states(), "true");
      assert.deepEqual(await shown(rule()), { preset: "children", rule: PRESETS.children });
      assert.equal(await page.locator("#protect-everywhere").isChecked(), true);
      assert.equal(await page.locator("#managed").isVisible(), true);
      assert.deepEqual(await own(), [false, false, false], "a site's own rule is the person's");
      for (const request of /** @type {PageAsk[]} */ ([{ ask: "protect", site: null, on: false }, { ask: "keepSiteRule", site: null, rule: USUAL }])) await sotto.ask(request);
      await keeps({ protectEverywhere: true, protectRule: PRESETS.children });
      await done({ ask: "setLock", passphrase: PASSPHRASE });
      await page.reload();
      await page.waitForSelector("html[data-started]");
      assert.deepEqual([await states(), await own()], ["true", [true, true, true]]);
      await page.locator("#lock-passphrase").fill(PASSPHRASE);
      await page.locator("#lock-open").click();
      await page.locator("#lock-remove").click();
      await page.locator("#lock-hint").waitFor();
      assert.deepEqual([await states(), await own()], ["true", [false, false, false]]);
    } finally {
      await sotto.stopWorkers();
    }
    await eventually("nothing to be set any more", async () => !(await sotto.ask({ ask: "settings" })).locked);
  });

  describe("the passphrase", () => {
    const said = () => page.locator("#lock-said").innerText();
    const focused = () => page.evaluate(() => document.activeElement?.id);
    /** @param {string} text */
    const says = (text) => eventually(text, async () => (await said()) === text).catch(async (error) => assert.fail(`${error.message}; it says ${await said()}`));
    const lock = async () => (await sotto.ask({ ask: "settings" })).lock;
    /** @param {string} selector */
    const disabled = async (selector) => [...new Set(await page.locator(selector).evaluateAll((controls) => controls.map((control) => control.matches(":disabled"))))].join();

    const KEPT = ["#protect-everywhere", "#protect-rule :is(input, select)", "#protected-sites :is(input, select, button)", "#thresholds input", "#careful", "[name=action]", "#budget", "#settings-import", "#settings-reset", "#sites button"];
    const FREE = ["[name=results]", "#guard-everywhere", "#settings-export", "#trial"];
    /** @param {boolean} locked */
    async function follows(locked) {
      for (const selector of KEPT) await eventually(`${selector} to be ${locked ? "locked" : "free"}`, async () => (await disabled(selector)) === String(locked), 5_000);
      for (const selector of FREE) assert.equal(await disabled(selector), "false", selector);
      assert.equal(await page.locator("[data-lock=note]").first().isVisible(), locked);
    }

    test("is set, keeps what it should, is given, locks again and is taken away; a reload changes nothing", async () => {
      for (const ask of /** @type {const} */ (["protect", "guard"])) await done({ ask, site: ELSEWHERE, on: true });
      await done({ ask: "keepSiteRule", site: ELSEWHERE, rule: PRESETS.careful });
      await done({ ask: "guard", site: null, on: true });
      await page.reload();
      await page.waitForSelector("html[data-started]");
      const [fresh, again, given] = ["#lock-new", "#lock-again", "#lock-passphrase"].map((id) => page.locator(id));
      await fresh.fill("short");
      await again.fill("short");
      await page.locator("#lock-set").click();
      await says("A passphrase needs six characters or more.");
      assert.equal(await focused(), "lock-new");
      await fresh.fill(PASSPHRASE);
      await again.fill("correct house");
      await again.press("Enter");
      await says("The two passphrases are not the same.");
      assert.deepEqual([await focused(), await lock()], ["lock-again", undefined]);
      await follows(false);
      await again.fill(PASSPHRASE);
      await again.press("Enter");
      await given.waitFor();
      assert.equal(await lock(), "locked");
      await eventually("the focus", async () => (await focused()) === "lock-passphrase");
      assert.deepEqual(await Promise.all([fresh, again].map((field) => field.inputValue())), ["", ""]);
      assert.equal(await page.locator("#lock-make").isVisible(), false);
      await follows(true);
      await page.reload();
      await page.waitForSelector("html[data-started]");
      await follows(true);
      await screenshot(page, "options-locked");
      // The guard may be turned on by anybody, and off by nobody.
      await page.locator("#guard-everywhere").click();
      await eventually("the refusal", async () => (await trouble()) === "A passphrase keeps this as it is. Unlock it in the settings.");
      await eventually("the switch to go back", () => page.locator("#guard-everywhere").isChecked());
      await given.fill("wrong horse");
      await given.press("Enter");
      await says("That is not the passphrase.");
      assert.deepEqual([await focused(), await given.inputValue(), await lock()], ["lock-passphrase", "", "locked"]);
      await follows(true);
      await given.fill(PASSPHRASE);
      await given.press("Enter");
      await page.locator("#lock-opened").waitFor();
      await says("");
      assert.deepEqual([await lock(), await trouble()], ["unlocked", ""]);
      await follows(false);
      await page.reload();
      await page.waitForSelector("html[data-started]");
      await follows(false);
      await page.locator("#lock-now").click();
      await page.locator("#lock-closed").waitFor();
      await follows(true);
      await given.fill(PASSPHRASE);
      await page.locator("#lock-open").click();
      await page.locator("#lock-remove").click();
      await says("The passphrase was removed: anybody can change protection again.");
      assert.deepEqual([await focused(), await lock()], ["lock-new", undefined]);
      await follows(false);
    });
  });
});

/** The settings page of a browser that gave no permission. */
async function openBare() {
  const page = await bare.page(bare.url("pages/options.html"));
  await page.waitForSelector("html[data-started]");
  return page;
}

/**
 * Puts a file into the settings page, as a person chooses it.
 * @param {Page} page
 * @param {object} settings
 */
const chooseFile = (page, settings) => page.locator("#settings-import").setInputFiles({
  name: "settings.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ sottoSettings: 1, settings })),
});

const tabOf = async () => (await sotto.worker()).evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0]?.id ?? -1);
