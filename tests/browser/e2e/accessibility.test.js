// axe-core on everything that is shown, light and dark: the four pages, with protected sites and locked, the card in its kinds, the
// guard's dialog, what stands over covered pictures; then what is left of them in colours of the person's own, and where nothing may move. On a page the
// shadow root is closed to axe too, so that part runs on a copy of dist/ whose surface.js opens it and differs in nothing else.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { complaints } from "../harness/axe.js";
import { editFile, eventually, screenshot } from "../harness/browser.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";

const SCHEMES = /** @type {const} */ (["light", "dark"]);
const CARD = "[popover]";
const SITE = "http://127.0.0.1";

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;

before(async () => {
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES } });
  /** @param {string} folder */
  const open = (folder) => editFile(folder, "content/surface.js", (text) => text.replace('mode:"closed"', 'mode:"open"'));
  sotto = await startSotto({ hostPermissions: true, edit: open });
  await done({ ask: "guard", site: SITE, on: true });
});

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/** @param {PageAsk} request */
async function done(request) {
  const reply = await sotto.ask(request);
  assert.equal(reply.answer, "done", JSON.stringify(reply));
}

/**
 * Both colour schemes of what stands on a page already.
 * @param {Page} page
 * @param {string} [selector]
 */
async function check(page, selector) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await complaints(page, selector), [], colorScheme);
  }
}

test("axe complains where there is something to complain about", async () => {
  const page = await sotto.visit(`${server.origin}/selection.html`);
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", "<section id=bad><img src=data:,><button></button></section>"));
  const found = (await complaints(page, "#bad")).join("\n");
  assert.match(found, /image-alt/);
  assert.match(found, /button-name/);
});

describe("pages", () => {
  for (const name of ["popup", "options", "welcome", "privacy", "proof"]) {
    test(name, async () => {
      const page = await sotto.page(sotto.url(`pages/${name}.html`));
      await page.locator("html[data-started=true]").waitFor({ state: "attached" });
      await check(page);
      await page.close();
    });
  }

  describe("with protected sites", () => {
    before(async () => {
      await done({ ask: "protect", site: SITE, on: true });
      await done({ ask: "keepSiteRule", site: SITE, rule: { pictures: "usual", films: "off", cover: "blur", held: true, unjudged: "show" } });
      await done({ ask: "protect", site: "https://example.com", on: true });
    });
    after(async () => {
      for (const site of [SITE, "https://example.com"]) await done({ ask: "protect", site, on: false });
    });

    test("the popup over a page with covered pictures, and locked", async () => {
      const covered = await coveredPage();
      const tab = await (await sotto.worker()).evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0]);
      const page = await sotto.context.newPage();
      // In a tab of its own it would be about itself.
      await page.addInitScript((tab) => (chrome.tabs.query = async () => [tab]), tab);
      for (const locked of [false, true]) {
        if (locked) await done({ ask: "setLock", passphrase: "correct horse" });
        await page.goto(sotto.url("pages/popup.html"));
        await page.setViewportSize({ width: 380, height: 900 });
        await page.locator("html[data-started=true]").waitFor({ state: "attached" });
        await page.locator("#covered-list li").first().waitFor();
        assert.equal(await page.locator("#protect-locked").isVisible(), locked);
        await check(page);
        await screenshot(page, `popup-covered${locked ? "-locked" : ""}`);
      }
      await unlocked();
      await page.close();
      await covered.close();
    });

    test("options with the details open, and locked", async () => {
      const page = await sotto.page(sotto.url("pages/options.html"));
      for (const locked of [false, true]) {
        if (locked) await done({ ask: "setLock", passphrase: "correct horse" });
        await page.reload();
        await page.locator("html[data-started=true]").waitFor({ state: "attached" });
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
        await page.locator("#protected-sites li", { hasText: SITE }).locator("[data-field=cover]").waitFor();
        assert.equal(await page.locator("#lock-passphrase").isVisible(), locked);
        await check(page);
      }
      await unlocked();
      await page.close();
    });

    test("what stands over covered pictures, of every size, and locked", async () => {
      const page = await coveredPage();
      for (const locked of [false, true]) {
        if (locked) await done({ ask: "setLock", passphrase: "correct horse" });
        await eventually("the buttons to follow", async () => (await page.locator(`${CARD} button`).count() === 0) === locked);
        await check(page, CARD);
      }
      await screenshot(page, "protected-locked");
      await unlocked();
      await page.close();
    });

    /** Without the second that giving the passphrase takes. */
    const unlocked = async () => (await sotto.worker()).evaluate(() => chrome.storage.local.remove("lock"));

    /** A page whose pictures are covered, and say so. */
    async function coveredPage() {
      const page = await sotto.page(`${server.origin}/selection.html`);
      const sizes = [[448, 300], [224, 150], [120, 80], [60, 50]];
      await page.evaluate((sizes) => {
        document.querySelector("main, body").insertAdjacentHTML("beforeend", sizes.map(([width, height]) => `<img src="/false_alarm.png?${width}" width="${width}" height="${height}" alt="">`).join(""));
      }, sizes);
      await eventually("a word over each", async () => (await page.locator(`${CARD} .chip`).count()) === sizes.length);
      return page;
    }
  });
});

describe("on a page", () => {
  for (const selector of ["#praise", "#both", "#signs"]) {
    test(`the card of ${selector}`, async () => {
      const page = await sotto.visit(`${server.origin}/selection.html`);
      await sotto.classifySelection(page, selector);
      await page.locator(`${CARD} .sheet`).getByText(selector === "#signs" ? /judge/i : /\d+\s?%/).first().waitFor();
      await check(page, CARD);
    });
  }

  test("the card of a long text, with one of its sentences and its reasons", async () => {
    const page = await sotto.visit(`${server.origin}/selection.html`);
    await page.evaluate(() => {
      const long = "the food was cold, the room was small and the staff were rude, and ".repeat(10);
      document.getElementById("praise").textContent = `We came late, ${long}we left early. I loved it.`;
    });
    await sotto.classifySelection(page, "#praise");
    await page.locator(`${CARD} .strip button`).first().click();
    await page.locator(`${CARD} footer button`, { hasText: "Why?" }).click();
    await page.locator(`${CARD} .summary`, { hasText: /Towards/ }).waitFor();
    await check(page, CARD);
  });

  test("the card of a picture", async () => {
    const page = await sotto.visit(`${server.origin}/pictures.html`);
    await sotto.checkImage(page, "#coffee");
    await page.locator(`${CARD} .classes`).waitFor();
    await check(page, CARD);
  });

  test("the guard's dialog", async () => {
    const page = await sotto.visit(`${server.origin}/upload.html`);
    await page.locator("#pick").setInputFiles(join(FIXTURES, "false_alarm.png"));
    await page.locator(`${CARD} dialog`).waitFor();
    await check(page, CARD);
  });
});

describe("in colours of the person's own", () => {
  for (const colorScheme of SCHEMES) {
    test(`the card, ${colorScheme}`, async () => {
      const page = await sotto.page(`${server.origin}/selection.html`);
      await page.emulateMedia({ forcedColors: "active", colorScheme, reducedMotion: "reduce" });
      await sotto.classifySelection(page, "#both");
      await page.locator(`${CARD} .strip button`).first().click();
      await page.locator(`${CARD} footer button`, { hasText: "Why?" }).click();
      await page.locator(`${CARD} .summary`, { hasText: /Towards/ }).waitFor();
      await screenshot(page, `card-forced-colours-${colorScheme}`);
      const seen = await page.evaluate((card) => {
        const root = document.querySelector(card).shadowRoot;
        /** @param {string} selector */
        const all = (selector) => [...root.querySelectorAll(selector)];
        /** @param {string} selector */
        const style = (selector) => getComputedStyle(root.querySelector(selector));
        const probe = document.body.appendChild(document.createElement("p"));
        probe.style.cssText = "color: CanvasText; background: Canvas";
        const { color: ink, backgroundColor: paper } = getComputedStyle(probe);
        probe.remove();
        return {
          ink,
          paper,
          sheet: style(".sheet").backgroundColor,
          edges: [".sheet", "footer button"].map((selector) => style(selector).borderTopColor),
          painted: [".mark", ".scale .good", ".scale .bad"].map((selector) => style(selector).backgroundColor),
          strip: [".strip .good", ".strip .bad"].map((selector) => style(selector).backgroundImage),
          pressed: style(".strip [aria-pressed=true]").boxShadow,
          words: all(".words mark, .legend mark").map((mark) => getComputedStyle(mark))
            .map(({ color, backgroundColor, textDecorationColor }) => [color, backgroundColor, textDecorationColor].join()),
          kinds: all(".legend mark").map((mark) => getComputedStyle(mark).textDecorationStyle),
        };
      }, CARD);
      assert.equal(seen.sheet, seen.paper, "the card has the person's paper");
      for (const edge of seen.edges) assert.notEqual(edge, seen.paper, "an edge can't be seen");
      for (const colour of seen.painted) assert.ok(![seen.paper, "rgba(0, 0, 0, 0)"].includes(colour), `paint can't be seen: ${seen.painted}`);
      assert.notEqual(seen.painted[1], seen.painted[2], "the ends of the scale look alike");
      assert.notEqual(seen.strip[0], seen.strip[1], "sentences look alike");
      for (const image of seen.strip) assert.match(image, /gradient/);
      assert.notEqual(seen.pressed, "none");
      assert.ok(seen.words.length > 3);
      for (const word of seen.words) assert.equal(word, [seen.ink, seen.paper, seen.ink].join());
      assert.deepEqual(seen.kinds, ["solid", "dashed"]);
      assert.deepEqual(await complaints(page, CARD), []);
      await page.close();
    });
  }

  test("the popup with a verdict and its reasons", async () => {
    const page = await sotto.page(sotto.url("pages/popup.html"));
    await page.emulateMedia({ forcedColors: "active", colorScheme: "dark", reducedMotion: "reduce" });
    await page.setViewportSize({ width: 380, height: 760 });
    await page.locator("html[data-started=true]").waitFor({ state: "attached" });
    await page.locator("#try-text").fill("The staff were wonderful, although our room was dirty.");
    await page.locator("#try").click();
    await page.locator("#try-why summary").click();
    await page.locator("#try-why [data-part=said]", { hasText: /Towards/ }).waitFor();
    await screenshot(page, "popup-forced-colours");
    const words = await page.locator("#try-why .words mark").evaluateAll((marks) =>
      marks.map((mark) => getComputedStyle(mark)).map(({ color, backgroundColor, textDecorationColor }) => [color, backgroundColor, textDecorationColor]));
    const [ink, paper] = await page.evaluate(() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]);
    assert.ok(words.length > 1);
    for (const word of words) assert.deepEqual(word, [ink, paper, ink]);
    assert.deepEqual(await complaints(page, "#try-why"), []);
    await page.close();
  });
});

describe("motion", () => {
  /**
   * Names of all animations and transitions that run on a page during `work`, and until all is at rest.
   * @param {Page} page
   * @param {() => Promise<unknown>} work
   */
  async function motions(page, work) {
    await page.evaluate(() => {
      globalThis.moved = new Set();
      const look = () => {
        const roots = [document, ...[...document.querySelectorAll("[popover]")].map(({ shadowRoot }) => shadowRoot).filter(Boolean)];
        for (const motion of roots.flatMap((root) => root.getAnimations())) moved.add(motion.animationName ?? motion.transitionProperty);
        requestAnimationFrame(look);
      };
      look();
    });
    await work();
    await page.waitForTimeout(300);
    return page.evaluate(() => [...moved]);
  }

  for (const [reducedMotion, wanted] of /** @type {const} */ ([["no-preference", ["come"]], ["reduce", []]])) {
    test(`of the card and the guard's dialog, ${reducedMotion}`, async () => {
      const page = await sotto.page(`${server.origin}/selection.html`);
      await page.emulateMedia({ reducedMotion });
      assert.deepEqual(await motions(page, async () => {
        await sotto.classifySelection(page, "#both");
        await page.locator(`${CARD} .strip button`).first().click();
        await page.locator(`${CARD} footer button`, { hasText: "Why?" }).click();
        await page.locator(`${CARD} .summary`, { hasText: /Towards/ }).waitFor();
      }), wanted);
      await page.goto(`${server.origin}/upload.html`);
      assert.deepEqual(await motions(page, async () => {
        await page.locator("#pick").setInputFiles(join(FIXTURES, "false_alarm.png"));
        await page.locator(`${CARD} dialog`).waitFor();
      }), wanted);
      await page.close();
    });
  }

  for (const [reducedMotion, n] of /** @type {const} */ ([["no-preference", 1], ["reduce", 0]])) {
    test(`of a switch, ${reducedMotion}`, async () => {
      const page = await sotto.page(sotto.url("pages/welcome.html"));
      await page.emulateMedia({ reducedMotion });
      await page.locator("html[data-started=true]").waitFor({ state: "attached" });
      const found = await motions(page, async () => {
        await page.locator("#guard-everywhere").click();
        await page.locator("#guard-everywhere").click();
      });
      assert.equal(found.length, n, `${found}`);
      await page.close();
    });
  }
});
