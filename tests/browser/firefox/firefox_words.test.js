// The card in Firefox: what a selection can be there, where the card stands, and what a page can do against it. The sentences and
// figures themselves are those of e2e/words.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually } from "../harness/browser.js";
import { startFirefox } from "../harness/firefox.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";

const DONE = /((Positive|Neutral|Negative) \d+\s?%|Mixed|Unclear)[^]* ms/;
const GOOD = /Positive\s+\d+\s?%[^]* ms/;
const BAD = /Negative\s+\d+\s?%[^]* ms/;
const ENTRY = "Classify selection with Sotto";

/** @type {Fixtures} */
let server;
/** @type {Firefox} */
let firefox;

before(async () => {
  server = await serve({
    routes: { "/": FIXTURES, "/pictures/": PICTURES, "/strict/": join(FIXTURES, "hostile") },
    pageHeaders: {
      "/strict/page.html": {
        "content-security-policy": "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        "cross-origin-opener-policy": "same-origin",
      },
    },
  });
  firefox = await startFirefox();
});

after(async () => {
  await firefox?.close();
  await server?.close();
});

/** @param {string} path */
const open = (path) => firefox.open(`${server.origin}/${path}`);

/**
 * Selects from the start of one element to the end of another, and chooses the menu's entry there.
 * @param {string} from
 */
async function classify(from, to = from) {
  await firefox.inPage((from, to) => {
    const range = document.createRange();
    range.setStart(document.querySelector(from), 0);
    const last = document.querySelector(to);
    range.setEnd(last, last.childNodes.length);
    const selection = getSelection();
    selection?.removeAllRanges();
    selection?.addRange(range);
    document.querySelector(from).scrollIntoView({ block: "nearest" });
  }, from, to);
  await firefox.chooseInMenu(from, ENTRY);
}

const gone = () => eventually("the card to go", async () => (await firefox.nShown()) === 0);
const ESCAPE = "\uE00C";

describe("a selection is taken", () => {
  for (const [name, where, select, says] of /** @type {const} */ ([
    ["in an editable element", ["#editable"], () => getSelection()?.selectAllChildren(document.getElementById("editable")), GOOD],
    ["in an input", ["#input"], () => { const field = document.getElementById("input"); field.focus(); field.select(); }, GOOD],
    ["in an open shadow root", ["#open", "p"], () => select_open(), BAD],
    ["in a closed shadow root", ["#closed", "p"], () => select_closed(), BAD],
  ])) {
    test(name, async () => {
      await open("words.html");
      await firefox.inPage(select);
      await firefox.chooseInMenuAt(await firefox.middleOf(...where), ENTRY);
      await firefox.says(says);
    });
  }

  test("across elements", async () => {
    await open("words.html");
    await classify("#across", "#across-end");
    await firefox.says(GOOD);
    await apart();
  });

  for (const [name, id, isInFrame] of /** @type {const} */ ([["a frame", "same", true], ["a frame too small for a card", "small", false]])) {
    test(`in ${name}`, async () => {
      await open("words.html");
      await firefox.inFrame(`#${id}`, async () => {
        // As whoever selects there does.
        await firefox.click("#inside");
        await classify("#inside");
      });
      if (isInFrame) await firefox.inFrame(`#${id}`, () => firefox.says(BAD));
      else await firefox.says(BAD);
      assert.equal(await firefox.inFrame(`#${id}`, () => firefox.nShown()), isInFrame ? 1 : 0);
    });
  }

  test("in a frame: a picture there is judged too", async () => {
    await open(`frames.html?of=${server.origin}/pictures.html`);
    await firefox.inFrame("iframe", async () => {
      await firefox.chooseInMenu("#coffee", "Check image with Sotto");
      await firefox.says(/Neutral|Drawing/);
    });
  });

  test("in a frame of another site, which no script of ours may enter", async () => {
    await open("words.html");
    await firefox.inPage((url) => new Promise((resolve) => {
      const frame = document.getElementById("same");
      frame.onload = resolve;
      frame.src = url;
    }), `${server.otherOrigin}/frame.html`);
    await firefox.inFrame("#same", () => classify("#inside"));
    await firefox.says(BAD);
  });

  test("with the keyboard's shortcut", async () => {
    await open("words.html");
    await firefox.inPage(() => getSelection()?.selectAllChildren(document.getElementById("across-end")));
    await firefox.pressShortcut();
    await firefox.says(GOOD);
  });

  test("of two million characters is read from its beginning, and said so; the page goes on", async () => {
    await open("words.html");
    // Most of it is no words, so that the part that is read is read soon.
    await firefox.inPage(() => long(2_000_000, `${"o".repeat(1_000)} `));
    await firefox.inPage(() => getSelection()?.selectAllChildren(document.getElementById("long")));
    await firefox.chooseInMenuAt(await firefox.middleOf("#long p"), ENTRY);
    await firefox.says(/Only the first part[^]* ms/, 60_000);
  });
});

test("a long text tells how far it is read, and can be given up", async () => {
  await open("words.html");
  await firefox.inPage(() => long(100_000));
  await firefox.inPage(() => getSelection()?.selectAllChildren(document.getElementById("long")));
  await firefox.chooseInMenuAt(await firefox.middleOf("#long p"), ENTRY);
  await firefox.says(/Reading the text: \d+\s?%/);
  await firefox.clickShown("Cancel");
  await gone();
  await classify("#across", "#across-end");
  await firefox.says(GOOD, 5_000);
});

describe("what can't be judged is said", () => {
  for (const [id, says] of /** @type {const} */ ([
    ["digits", /only digits or signs/],
    ["code", /This is code/],
    ["german", /not look like English/],
    ["arabic", /not look like English/],
    ["chinese", /not look like English/],
  ])) {
    test(id, async () => {
      await open("words.html");
      await classify(`#${id}`);
      assert.doesNotMatch(await firefox.says(says), /\d\s?%/);
    });
  }

  test("nothing, which has no entry in the menu, by the shortcut", async () => {
    await open("words.html");
    await firefox.pressShortcut();
    await firefox.says(/Nothing is selected/);
  });

  test("characters that don't show are read over", async () => {
    await open("words.html");
    await classify("#zero-width");
    await firefox.says(GOOD);
  });

  test("nothing, because the browser was slow to allow a script what the click allows", async () => {
    await open("words.html");
    await firefox.withBackground((background) => {
      const { scripting } = background.chrome;
      background.nativeScript = scripting.executeScript;
      background.nRefused = 0;
      scripting.executeScript = (/** @type {any} */ injection) => {
        if ((background.nRefused += 1) <= 2) return Promise.reject(new Error("Missing host permission for the tab"));
        return background.nativeScript.call(scripting, injection);
      };
    });
    await classify("#across", "#across-end");
    await firefox.says(GOOD);
    const nRefused = await firefox.withBackground((background) => {
      background.chrome.scripting.executeScript = background.nativeScript;
      return background.nRefused;
    });
    assert.ok(nRefused > 2, `${nRefused} scripts were asked for`);
  });

  test("sentences that contradict each other are called mixed", async () => {
    await open("words.html");
    await classify("#mixed");
    await firefox.says(/Mixed[^]*disagree[^]*2 sentences: (Positive 1, Negative 1|Negative 1, Positive 1)/);
  });
});

describe("what is no praise and no complaint", () => {
  for (const [id, says] of /** @type {const} */ ([
    ["fact", /Neutral\s+\d+\s?%[^]*No attitude shows/],
    ["label", /Neutral\s+\d+\s?%[^]*right about/],
    ["emoji", /Positive\s+\d+\s?%[^]*Nobody has checked/],
    ["anger", /Negative\s+\d+\s?%[^]*Nobody has checked/],
    ["stars", /Positive\s+80\s?%[^]*This is a rating/],
    ["between", /Unclear[^]*more than one way: \d+\s?% negative, \d+\s?% neutral, \d+\s?% positive/],
    ["sober-and-angry", /Negative\s+\d+\s?%[^]*Nobody has checked[^]*22 sentences: Neutral 20, Negative 2/],
  ])) {
    test(id, async () => {
      await open("words.html");
      await classify(`#${id}`);
      await firefox.says(says);
    });
  }
});

test("a card that closes while it looks for the words that pushed leaves nothing behind", async () => {
  await open("words.html");
  await firefox.inPage(() => long(3_000));
  await firefox.inPage(() => getSelection()?.selectAllChildren(document.getElementById("long")));
  await firefox.chooseInMenuAt(await firefox.middleOf("#long p"), ENTRY);
  await firefox.says(DONE);
  await firefox.clickShown("Why?");
  await firefox.press(ESCAPE);
  await gone();
  await classify("#across", "#across-end");
  await firefox.says(GOOD, 5_000);
});

describe("the card stands beside the selection", () => {
  for (const query of ["", "?rtl", "?zoom=1.5"]) {
    test(`at every edge${query}`, async () => {
      await open(`places.html${query}`);
      const size = () => firefox.inPage(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
      const before = await size();
      for (const id of ["top-left", "top-right", "bottom-left", "bottom-right", "middle", "tall"]) {
        await classify(`#${id}`);
        await firefox.says(DONE);
        await apart(id);
        if (id === "bottom-right") await firefox.screenshot(`firefox-edge${query.replace(/\W/g, "-")}`);
        await firefox.press(ESCAPE);
        await gone();
      }
      assert.deepEqual(await size(), before);
    });
  }

  test("and goes with it when the page scrolls", async () => {
    await open("places.html");
    await firefox.inPage(() => scrollTo(0, 1700));
    await classify("#far");
    await firefox.says(DONE);
    await apart();
    const before = await firefox.boxShown();
    await firefox.inPage(() => scrollTo(0, 1800));
    await eventually("the card to follow", async () => Math.abs((await firefox.boxShown()).top - (before.top - 100)) < 2);
  });

  test("and over no scroll bar, wherever the selection is", async () => {
    await open("scrollbars.html");
    const [wide, high, right, bottom] = await firefox.inPage(() => {
      const { clientWidth, clientHeight } = document.documentElement;
      scrollTo(0, 600);
      return [clientWidth, clientHeight, innerWidth - clientWidth, innerHeight - clientHeight];
    });
    assert.ok(right > 5 && bottom > 5, "this browser's scroll bars take no room");
    await classify("#text");
    await firefox.says(DONE);
    for (let top = 600; top > 100; top -= 30) {
      await firefox.inPage((y) => new Promise((resolve) => {
        scrollTo(0, y);
        requestAnimationFrame(() => requestAnimationFrame(resolve));
      }), top);
      const card = await firefox.boxShown();
      assert.ok(card.right <= wide && card.bottom <= high, `${JSON.stringify(card)} in ${wide} × ${high}, scrolled to ${top}`);
    }
  });
});

describe("the card goes", () => {
  for (const [name, leave] of /** @type {const} */ ([
    ["with a click outside", () => firefox.clickAt({ x: 700, y: 700 })],
    ["with its own button", () => firefox.clickShown("Close")],
    ["when the page goes to another address by script", () => firefox.inPage(() => history.pushState({}, "", "?elsewhere"))],
  ])) {
    test(name, async () => {
      await open("places.html");
      await classify("#middle");
      await firefox.says(DONE);
      await leave();
      await gone();
      const left = await firefox.inPage(() => document.querySelectorAll("html > :not(head, body)").length);
      assert.equal(left, 0, "something of ours stays on the page");
    });
  }
});

describe("a hostile page", () => {
  for (const trick of ["redefines", "clobbers", "styles", "removesOnce"]) {
    test(`that ${trick} gets the card as any other`, async () => {
      // The page has selected its text by itself: nothing of the harness runs on a page whose Array is broken.
      await open(`hostile/page.html?trick=${trick}`);
      await firefox.chooseInMenu("#text", ENTRY);
      await firefox.says(GOOD);
      if (trick === "removesOnce") {
        await eventually("the page to remove it", () => firefox.inPage(() => globalThis.hasRemoved));
        await firefox.says(GOOD);
      }
      await eventually("the card to be seen", async () => (await firefox.boxShown()).height > 100);
      if (trick === "styles") await firefox.screenshot("firefox-hostile-styles");
      await firefox.clickShown("Close");
      await gone();
    });
  }

  for (const leave of ["Escape", "close"]) {
    test(`that stops every event can't keep the card from going by ${leave}`, async () => {
      await open("hostile/page.html?trick=listens");
      await firefox.chooseInMenu("#text", ENTRY);
      await firefox.says(GOOD);
      await (leave === "Escape" ? firefox.press(ESCAPE) : firefox.clickShown("Close"));
      await gone();
    });
  }

  test("that hides the card before anybody saw it keeps nothing of it", async () => {
    await open("hostile/page.html?trick=hidesAtOnce");
    await firefox.chooseInMenu("#text", ENTRY);
    await eventually("the page to hide it", () => firefox.inPage(() => globalThis.hasHidden));
    await gone();
  });

  test("with a strict policy gets a card with its style", async () => {
    await open("strict/page.html");
    await classify("#text");
    await firefox.says(GOOD);
    assert.ok((await firefox.boxShown()).width < 400, "without its style the card is as wide as the page");
  });

  for (const [trick, id] of /** @type {const} */ ([["modal", "in-dialog"], ["popover", "in-popover"]])) {
    test(`with a ${trick} of its own on top has the card above that, and can be clicked`, async () => {
      await open(`hostile/page.html?trick=${trick}`);
      await classify(`#${id}`);
      await firefox.says(GOOD);
      await firefox.clickShown("Copy");
      await firefox.says(/Copied/);
      assert.ok(await firefox.inPage((id) => document.getElementById(id).checkVisibility(), id), "the page's own stays open");
    });
  }

  test("that removes the card for good has its verdict in the popup", async () => {
    await open("hostile/page.html?trick=removes");
    await classify("#text");
    await firefox.popupSays(/Your selection\s*Positive\s*\d+\s?%/);
    assert.equal(await firefox.nShown(), 0);
  });
});

describe("the popup", () => {
  test("has the verdict alone where the person wants it so", async () => {
    await firefox.ask({ ask: "showResults", place: "popup" });
    try {
      await open("words.html");
      await firefox.inPage(() => {
        window.nChanges = 0;
        new MutationObserver((changes) => (window.nChanges += changes.length)).observe(document, { childList: true, subtree: true, attributes: true });
      });
      await classify("#across", "#across-end");
      await firefox.popupSays(/Your selection\s*Positive\s*\d+\s?%/);
      assert.equal(await firefox.inPage(() => window.nChanges), 0, "the page must see nothing at all");
    } finally {
      await firefox.ask({ ask: "showResults", place: "card" });
    }
  });

  test("says so where no extension may read", async () => {
    await firefox.open("about:support");
    await firefox.pressShortcut();
    await firefox.popupSays(/keep extensions out of/);
  });
});

/** The card and what is selected share no point of the viewport. */
async function apart(what = "") {
  const card = await firefox.boxShown();
  const [text, width, height] = await firefox.inPage(() => [getSelection()?.getRangeAt(0).getBoundingClientRect().toJSON(), innerWidth, innerHeight]);
  const isApart = card.left >= text.right || card.right <= text.left || card.top >= text.bottom || card.bottom <= text.top;
  assert.ok(isApart, `${what} card ${JSON.stringify(card)} over ${JSON.stringify(text)}`);
  const isInside = card.left >= 0 && card.top >= 0 && card.right <= width && card.bottom <= height;
  assert.ok(isInside, `${what} card ${JSON.stringify(card)} leaves the viewport`);
}
