// A selection's way to its card, on all the pages it can stand on: what is taken, what is said, where the card stands.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { DIST, FIXTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { clickInShadow, countHosts, shadowBox, shadowText } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";

const DONE = /((Positive|Neutral|Negative) \d+\s?%|Mixed|Unclear)[^]* ms/;
const GOOD = /Positive \d+\s?%[^]* ms/;
const BAD = /Negative \d+\s?%[^]* ms/;

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {Page} */
let page;

before(async () => {
  server = await serve({
    routes: { "/": FIXTURES, "/strict/": join(FIXTURES, "hostile") },
    pageHeaders: {
      "/strict/page.html": {
        "content-security-policy": "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        "cross-origin-opener-policy": "same-origin",
      },
    },
  });
  sotto = await startSotto();
});

after(async () => {
  await sotto?.close();
  await server?.close();
  assert.deepEqual(server?.unexpected.filter((line) => !line.endsWith("/strict/page.js")), [], "requests that no page of ours makes");
});

/** @param {string} path */
const open = async (path) => (page = await sotto.visit(`${server.origin}/${path}`));

/**
 * Selects from the start of one element to the end of another.
 * @param {string} from
 */
const select = (from, to = from) =>
  page.evaluate(([from, to]) => {
    const range = document.createRange();
    range.setStart(document.querySelector(from), 0);
    const last = document.querySelector(to);
    range.setEnd(last, last.childNodes.length);
    const selection = getSelection();
    selection?.removeAllRanges();
    selection?.addRange(range);
  }, [from, to]);

const chooseMenu = (info = {}) => sotto.clickMenu(page, { menuItemId: "classify-selection", ...info });

describe("a selection is taken", () => {
  for (const [name, prepare, says] of /** @type {const} */ ([
    ["across elements", () => select("#across", "#across-end"), GOOD],
    ["in an editable element", () => select("#editable"), GOOD],
    ["in an input", () => page.evaluate(() => { const field = document.getElementById("input"); field.focus(); field.select(); }), GOOD],
    ["in an open shadow root", () => page.evaluate(() => select_open()), BAD],
    ["in a closed shadow root", () => page.evaluate(() => select_closed()), BAD],
  ])) {
    test(name, async () => {
      await open("words.html");
      await prepare();
      await chooseMenu();
      await sotto.says(page, says);
      await apart();
    });
  }

  for (const [name, id, where] of /** @type {const} */ ([["a frame", "same", "frame"], ["a frame too small for a card", "small", "page"]])) {
    test(`in ${name}`, async () => {
      await open("words.html");
      const frame = await (await page.locator(`#${id}`).elementHandle()).contentFrame();
      await frame?.evaluate(() => getSelection()?.selectAllChildren(document.getElementById("inside")));
      await chooseMenu({ frameId: await sotto.frameId(page, id) });
      await sotto.says(page, BAD);
      const inFrame = await frame?.evaluate(() => document.querySelectorAll("[popover]").length);
      assert.equal(inFrame, where === "frame" ? 1 : 0);
    });
  }

  test("in a frame of another site, which no script of ours may enter", async () => {
    await open("words.html");
    await page.evaluate((url) => { document.getElementById("same").src = url; }, `${server.otherOrigin}/frame.html`);
    const frame = await eventually("the frame", () => page.frames().find((frame) => frame.url().startsWith(server.otherOrigin)));
    await frame.waitForSelector("#inside");
    await frame.evaluate(() => getSelection()?.selectAllChildren(document.getElementById("inside")));
    const selectionText = await frame.evaluate(() => String(getSelection()));
    await chooseMenu({ frameId: 99, selectionText });
    await sotto.says(page, BAD);
  });

  test("with the keyboard's shortcut", async () => {
    await open("words.html");
    await select("#across", "#across-end");
    await sotto.pressShortcut(page, "classify-selection");
    await sotto.says(page, GOOD);
  });

  test("of two million characters is read from its beginning, and said so; the page goes on", async () => {
    await open("words.html");
    // Most of it is no words, so that the part that is read is read soon.
    await page.evaluate(() => long(2_000_000, `${"o".repeat(1_000)} `));
    await select("#long");
    await page.evaluate(async () => {
      // The page's own work of laying all this out is over after two frames.
      for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
      globalThis.longestGap = 0;
      let last = performance.now();
      const watch = setInterval(() => {
        const now = performance.now();
        globalThis.longestGap = Math.max(globalThis.longestGap, now - last);
        last = now;
        // What reads the card's words from outside holds the page up too, and must not count.
        if (document.querySelector("html > [popover]")) clearInterval(watch);
      }, 4);
    });
    await chooseMenu();
    await page.locator("html > [popover]").waitFor({ state: "attached" });
    const gap = await page.evaluate(() => globalThis.longestGap);
    // The text is taken; reading the card is quicker on a page without it.
    await page.evaluate(() => document.getElementById("long").remove());
    await sotto.says(page, /Only the first part[^]* ms/, 60_000);
    assert.ok(gap < 500, `the page stood still for ${gap} ms`);
  });
});

test("a long text tells how far it is read, and can be given up", async () => {
  await open("words.html");
  await page.evaluate(() => long(100_000));
  await select("#long");
  await chooseMenu();
  await sotto.says(page, /Reading the text: \d+\s?%/);
  await clickInShadow(page, /cancel/i);
  await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
  await select("#across", "#across-end");
  await chooseMenu();
  await sotto.says(page, GOOD, 4_000);
});

describe("what can't be judged is said", () => {
  for (const [id, says] of /** @type {const} */ ([
    ["empty", /Nothing is selected/],
    ["digits", /only digits or signs/],
    ["code", /This is code/],
    ["german", /not look like English/],
    ["arabic", /not look like English/],
    ["chinese", /not look like English/],
  ])) {
    test(id, async () => {
      await open("words.html");
      await select(`#${id}`);
      await chooseMenu();
      const said = await sotto.says(page, says);
      assert.doesNotMatch(said, /\d\s?%/);
      if (id === "german") await screenshot(page, "card-refused");
    });
  }

  test("characters that don't show are read over", async () => {
    await open("words.html");
    await select("#zero-width");
    await chooseMenu();
    await sotto.says(page, GOOD);
  });

  test("nothing, because the browser was slow to allow a script what the click allows", async () => {
    await open("words.html");
    const worker = await sotto.worker();
    await worker.evaluate(() => {
      self.nativeScript = chrome.scripting.executeScript;
      self.nRefused = 0;
      chrome.scripting.executeScript = (/** @type {any} */ injection) => {
        if ((self.nRefused += 1) <= 2) return Promise.reject(new Error("Cannot access contents of the page."));
        return self.nativeScript.call(chrome.scripting, injection);
      };
    });
    await select("#across", "#across-end");
    await chooseMenu();
    await sotto.says(page, GOOD);
    await worker.evaluate(() => void (chrome.scripting.executeScript = self.nativeScript));
  });

  test("sentences that contradict each other are called mixed", async () => {
    await open("words.html");
    await select("#mixed");
    await chooseMenu();
    await sotto.says(page, /Mixed[^]*disagree[^]*2 sentences: (Positive 1, Negative 1|Negative 1, Positive 1)/);
    await screenshot(page, "card-mixed");
  });
});

describe("what is no praise and no complaint", () => {
  for (const [id, says] of /** @type {const} */ ([
    ["fact", /Neutral \d+\s?%[^]*No attitude shows/],
    ["label", /Neutral \d+\s?%[^]*right about/],
    ["emoji", /Positive \d+\s?%[^]*Nobody has checked/],
    ["anger", /Negative \d+\s?%[^]*Nobody has checked/],
    ["stars", /Positive 80\s?%[^]*This is a rating/],
    ["between", /Unclear[^]*more than one way: \d+\s?% negative, \d+\s?% neutral, \d+\s?% positive/],
  ])) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      test(`${id}, ${colorScheme}`, async () => {
        await open("words.html");
        await page.emulateMedia({ colorScheme });
        await select(`#${id}`);
        await chooseMenu();
        await sotto.says(page, says);
        await screenshot(page, `card-${id}-${colorScheme}`);
        await page.emulateMedia({ colorScheme: null });
      });
    }
  }

  test("ten thousand emoji, and sequences that do not end, are judged as any", async () => {
    for (const [text, says] of /** @type {const} */ ([
      ["😀".repeat(10_000), /(?:Positive|Unclear)[^]*read in \d+ parts/],
      ["Lovely evening 👩\u200d", /Positive \d+\s?%/],
      ["👩\u200d👩\u200d 👍🏽\u200d 🏳\ufe0f\u200d great fun", /Positive \d+\s?%/],
    ])) {
      await open("words.html");
      await page.evaluate((words) => void (document.querySelector("#emoji").textContent = words), text);
      await select("#emoji");
      await chooseMenu();
      await sotto.says(page, says);
    }
  });

  test("twenty sober sentences and two angry ones are read as that", async () => {
    await open("words.html");
    await select("#sober-and-angry");
    await chooseMenu();
    const said = await sotto.says(page, /Negative \d+\s?%[^]*Nobody has checked[^]*22 sentences: Neutral 20, Negative 2/);
    assert.doesNotMatch(said, /right about/);
    await screenshot(page, "card-sober-and-angry");
  });
});

describe("why", () => {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`the words that pushed are named, ${colorScheme}`, async () => {
      await open("words.html");
      await page.emulateMedia({ colorScheme });
      await select("#across", "#across-end");
      await chooseMenu();
      await sotto.says(page, GOOD);
      await clickInShadow(page, /why/i);
      const said = await sotto.says(page, /Towards positive: “[^]*”/);
      assert.match(said, /delicious/);
      await apart();
      await screenshot(page, `card-why-${colorScheme}`);
      await page.emulateMedia({ colorScheme: null });
    });
  }

  test("a card that closes meanwhile leaves nothing behind", async () => {
    await open("words.html");
    await page.evaluate(() => long(3_000));
    await select("#long");
    await chooseMenu();
    await sotto.says(page, DONE);
    await clickInShadow(page, /why/i);
    await page.keyboard.press("Escape");
    await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
    await select("#across", "#across-end");
    await chooseMenu();
    await sotto.says(page, GOOD, 3_000);
  });
});

describe("the card stands beside the selection", () => {
  for (const query of ["", "?rtl", "?zoom=1.5"]) {
    test(`at every edge${query}`, async () => {
      await open(`places.html${query}`);
      await page.evaluate(() => {
        globalThis.shifts = [];
        /** @param {PerformanceObserverEntryList} list */
        const note = (list) => globalThis.shifts.push(...list.getEntries().map(({ value, sources }) =>
          `${value} ${sources?.map(({ node }) => node?.nodeName)}`));
        new PerformanceObserver(note).observe({ type: "layout-shift" });
      });
      const size = () => page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
      const before = await size();
      for (const id of ["top-left", "top-right", "bottom-left", "bottom-right", "middle", "tall"]) {
        await select(`#${id}`);
        await chooseMenu();
        await sotto.says(page, DONE);
        await apart(id);
        if (id === "bottom-right") await screenshot(page, `card-edge${query.replace(/\W/g, "-")}`);
        await page.keyboard.press("Escape");
        await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
      }
      assert.deepEqual(await size(), before);
      assert.deepEqual(await page.evaluate(() => globalThis.shifts), []);
    });
  }

  test("and goes with it when the page scrolls", async () => {
    await open("places.html");
    await page.evaluate(() => scrollTo(0, 1700));
    await select("#far");
    await chooseMenu();
    await sotto.says(page, DONE);
    await apart();
    const before = await shadowBox(page);
    await page.evaluate(() => scrollTo(0, 1800));
    await eventually("the card to follow", async () => Math.abs((await shadowBox(page)).top - (before.top - 100)) < 2);
  });

  test("and over no scroll bar, wherever the selection is", async () => {
    await open("scrollbars.html");
    const bars = () => page.evaluate(() => [innerWidth - document.documentElement.clientWidth, innerHeight - document.documentElement.clientHeight]);
    assert.ok((await bars()).every((width) => width > 5), "this browser's scroll bars take no room");
    const [wide, high] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.clientHeight]);
    await page.evaluate(() => scrollTo(0, 600));
    await select("#text");
    await chooseMenu();
    await sotto.says(page, DONE);
    for (let top = 600; top > 100; top -= 7) {
      await page.evaluate((y) => scrollTo(0, y), top);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const card = await shadowBox(page);
      assert.ok(card.left + card.width <= wide && card.top + card.height <= high, `${JSON.stringify(card)} in ${wide} × ${high}, scrolled to ${top}`);
      if (top === 600 - 7 * 40) await screenshot(page, "card-scrollbars");
    }
  });
});

describe("the card goes", () => {
  for (const [name, leave] of /** @type {const} */ ([
    ["with a click outside", () => page.mouse.click(700, 780)],
    ["with its own button", () => clickInShadow(page, /close/i)],
    ["when the page goes to another address by script", () => page.evaluate(() => history.pushState({}, "", "?elsewhere"))],
  ])) {
    test(name, async () => {
      await open("places.html");
      await select("#middle");
      await chooseMenu();
      await sotto.says(page, DONE);
      await leave();
      await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
      const left = await page.evaluate(() => document.querySelectorAll("html > :not(head, body)").length);
      assert.equal(left, 0, "something of ours stays on the page");
    });
  }
});

describe("a hostile page", () => {
  for (const trick of ["redefines", "clobbers", "styles", "removesOnce"]) {
    test(`that ${trick} gets the card as any other`, async () => {
      // The page has selected its text by itself: nothing of the harness runs on a page whose Array is broken.
      await open(`hostile/page.html?trick=${trick}`);
      await chooseMenu();
      await sotto.says(page, GOOD);
      if (trick === "removesOnce") {
        await eventually("the page to remove it", () => page.evaluate(() => globalThis.hasRemoved));
        await eventually("the card to come back", async () => GOOD.test(await shadowText(page)));
      }
      await eventually("the card to be seen", async () => (await shadowBox(page)).height > 100);
      if (trick === "styles") await screenshot(page, "card-hostile-styles");
      await clickInShadow(page, /close/i);
      await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
    });
  }

  for (const leave of ["Escape", "close"]) {
    test(`that stops every event can't keep the card from going by ${leave}`, async () => {
      await open("hostile/page.html?trick=listens");
      await select("#text");
      await chooseMenu();
      await sotto.says(page, GOOD);
      await (leave === "Escape" ? page.keyboard.press("Escape") : clickInShadow(page, /close/i));
      await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
    });
  }

  test("that hides the card before anybody saw it keeps nothing of it", async () => {
    await open("hostile/page.html?trick=hidesAtOnce");
    await chooseMenu();
    await eventually("the page to hide it", () => page.evaluate(() => globalThis.hasHidden));
    await eventually("the card to go", async () => !(await sotto.isOnPage(page)));
  });

  test("with a strict policy gets a card with its style", async () => {
    await open("strict/page.html");
    await select("#text");
    await chooseMenu();
    await sotto.says(page, GOOD);
    assert.ok((await shadowBox(page)).width < 400, "without its style the card is as wide as the page");
  });

  for (const [trick, id] of /** @type {const} */ ([["modal", "in-dialog"], ["popover", "in-popover"]])) {
    test(`with a ${trick} of its own on top has the card above that, and can be clicked`, async () => {
      await open(`hostile/page.html?trick=${trick}`);
      await select(`#${id}`);
      await chooseMenu();
      await sotto.says(page, GOOD);
      await clickInShadow(page, /copy/i);
      await sotto.says(page, /Copied/);
      assert.ok(await page.locator(`#${id}`).isVisible(), "the page's own stays open");
    });
  }

  test("that removes the card for good has its verdict in the popup", async () => {
    await open("hostile/page.html?trick=removes");
    await select("#text");
    await chooseMenu();
    await sotto.popupSays(/Your selection\s*Positive\s*\d+\s?%/);
    assert.equal(await countHosts(page), 0);
  });
});

describe("the popup", () => {
  test("has the verdict alone where the person wants it so", async () => {
    await sotto.ask({ ask: "showResults", place: "popup" });
    try {
      await open("words.html");
      await select("#across", "#across-end");
      await page.evaluate(() => {
        globalThis.nChanges = 0;
        new MutationObserver((changes) => (globalThis.nChanges += changes.length)).observe(document, { childList: true, subtree: true, attributes: true });
      });
      await chooseMenu();
      await sotto.popupSays(/Your selection\s*Positive\s*\d+\s?%/);
      assert.equal(await page.evaluate(() => globalThis.nChanges), 0, "the page must see nothing at all");
    } finally {
      await sotto.ask({ ask: "showResults", place: "card" });
    }
  });

  test("says so where no extension may read", async () => {
    const browsers = await sotto.page("chrome://version");
    await sotto.pressShortcut(browsers, "classify-selection");
    await sotto.popupSays(/keep extensions out of/);
    await browsers.close();
  });
});

test("what a selection brings into a page is at most 15 KB", () => {
  const nBytes = ["surface", "verdict", "card", "select"].map((name) => statSync(join(DIST, `content/${name}.js`)).size);
  const total = nBytes.reduce((sum, n) => sum + n);
  assert.ok(total <= 15 * 1024, `${nBytes.join(" + ")} = ${total} bytes`);
});

/** The card and what is selected share no point of the viewport. */
async function apart(what = "") {
  const card = await shadowBox(page);
  const text = await page.evaluate(() => {
    const field = document.activeElement?.matches("input, textarea") ? document.activeElement : null;
    const { left, top, right, bottom } = (field ?? /** @type {Selection} */ (getSelection()).getRangeAt(0)).getBoundingClientRect();
    return { left, top, right, bottom };
  });
  const isApart =
    card.left >= text.right || card.left + card.width <= text.left || card.top >= text.bottom || card.top + card.height <= text.top;
  assert.ok(isApart, `${what} card ${JSON.stringify(card)} over ${JSON.stringify(text)}`);
  const [width, height] = await page.evaluate(() => [innerWidth, innerHeight]);
  const isInside = card.left >= 0 && card.top >= 0 && card.left + card.width <= width && card.top + card.height <= height;
  assert.ok(isInside, `${what} card ${JSON.stringify(card)} leaves the viewport`);
}
