// Protected sites: pictures of every kind are out of sight until they were judged, and what is warned of stays covered until the
// person wants to see it.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, screenshot } from "../harness/browser.js";
import { recordFilm } from "../harness/films.js";
import { movingAlarm } from "../harness/made_files.js";
import { seenIn, watchPainting } from "../harness/painted.js";
import { FIXTURES, PICTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { pointInShadow, shadowText } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";

/** @type {Fixtures} */
let server;
/** @type {Sotto} */
let sotto;
/** @type {string} */
let folder;
const SITE = "http://127.0.0.1";
/** @type {SiteRule} */
const USUAL = { pictures: "usual", films: "usual", cover: "blur", held: true, unjudged: "show" };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sotto-protected-"));
  server = await serve({ routes: { "/": FIXTURES, "/pictures/": PICTURES, "/films/": folder } });
  sotto = await startSotto({ hostPermissions: true });
  const page = await sotto.visit(`${server.otherOrigin}/uploads.html`);
  /** @type {[string, [number, number]][]} */
  const films = [["fine", [0, 0]], ["alarm", [0, 1]], ["late", [0.5, 1]]];
  await Promise.all(films.map(async ([name, alarm]) => writeFileSync(join(folder, `${name}.webm`), await recordFilm(page, alarm))));
  await protect(true);
});
after(async () => {
  await sotto?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(server?.unexpected, [], "requests that no page of ours makes");
});

/**
 * @param {boolean} on
 * @param {string | null} site
 */
async function protect(on, site = SITE) {
  const reply = await sotto.ask({ ask: "protect", site, on });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
}

/** @param {Partial<SiteRule>} rule */
async function keepRule(rule) {
  const reply = await sotto.ask({ ask: "keepSiteRule", site: null, rule: { ...USUAL, ...rule } });
  assert.equal(reply.answer, "done", JSON.stringify(reply));
}

let nVisits = 0;
/** A page that nobody has seen before. @param {string} name */
const visit = (name) => sotto.visit(`${server.origin}/${name}?from=${server.otherOrigin}&visit=${(nVisits += 1)}`);

/**
 * What stands on an element: of its own picture, and of those behind it.
 * @param {Page | Frame} page
 * @param {string} id
 */
const marks = (page, id) => page.evaluate((id) => {
  const element = document.getElementById(id);
  return element.getAttribute("data-sotto") ?? element.getAttribute("data-sotto-back") ?? "none";
}, id);

/**
 * @param {Page | Frame} page
 * @param {Record<string, string>} wanted
 */
async function marked(page, wanted) {
  let last = {};
  await eventually(JSON.stringify(wanted), async () => {
    const found = await Promise.all(Object.keys(wanted).map(async (id) => [id, await marks(page, id)]));
    last = Object.fromEntries(found);
    return JSON.stringify(last) === JSON.stringify(wanted);
  }).catch((error) => assert.fail(`${error.message}; marked ${JSON.stringify(last)}`));
}

/** @param {Page} page @param {string} id */
const placeOf = (page, id) => page.evaluate((id) => {
  const { x, y, width, height } = document.getElementById(id).getBoundingClientRect();
  return { x, y, width, height };
}, id);

const tabOf = async () => (await sotto.worker()).evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0]?.id ?? -1);

const ALARMS = ["own-alarm", "foreign-alarm", "in-picture", "srcset", "input", "object", "behind", "inline", "before", "content", "canvas", "closed"];

test("pictures of every kind are judged, those of another site too, without a request", async () => {
  const page = await visit("protected.html");
  const nRequests = () => server.requests.filter(({ path }) => path !== "/favicon.ico").length;
  await eventually("the page's own requests", () => page.evaluate(() => document.readyState === "complete"));
  const before = nRequests();
  await marked(page, { own: "fine", foreign: "fine", icon: "fine", "fine-behind": "fine", gradient: "none" });
  await marked(page, Object.fromEntries(ALARMS.filter((id) => id !== "closed").map((id) => [id, "blur"])));
  assert.equal(nRequests(), before, "nothing is fetched to be judged");
  const reply = await eventually("all that is covered", async () => {
    const reply = await sotto.ask({ ask: "covered", tab: await tabOf() });
    return reply.answer === "covered" && reply.pictures.length === ALARMS.length && reply;
  });
  assert.equal(reply.unjudged, 0);
  assert.ok(reply.pictures.every(({ class: name, share }) => name === "Porn" && share > 0.9), JSON.stringify(reply.pictures));
  await eventually("the badge", async () => (await (await sotto.worker()).evaluate(async () => chrome.action.getBadgeText({ tabId: (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0].id }))) === String(ALARMS.length));
  await eventually("a word over each", async () => (await shadowText(page)).match(/Explicit, 9\d%/g)?.length === ALARMS.length);
  await screenshot(page, "protected");
  await page.emulateMedia({ colorScheme: "dark" });
  await screenshot(page, "protected-dark");
  await page.emulateMedia({ colorScheme: "light" });
});

test("none is painted before its verdict, whether the background is awake or not", async () => {
  const page = await visit("protected.html");
  await marked(page, { closed: "none", "own-alarm": "blur" });
  const address = `${server.otherOrigin}/false_alarm.png`;
  const pictures = [];
  for (const id of ALARMS) pictures.push({ name: id, address, ...(await placeOf(page, id)), height: 150 });
  const painting = await watchPainting(page);
  for (const asleep of [false, true]) {
    if (asleep) await sotto.stopWorkers();
    await visit("protected.html");
    await marked(page, Object.fromEntries(ALARMS.filter((id) => id !== "closed").map((id) => [id, "blur"])));
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const frames = await painting.stop();
  const reader = await sotto.page(`${server.otherOrigin}/uploads.html`);
  assert.ok(frames.length > 6, `${frames.length} frames`);
  assert.deepEqual(await seenIn(reader, frames, pictures), []);
  // The same eye sees them where nothing is protected.
  await protect(false);
  const open = await watchPainting(page);
  await page.bringToFront();
  await visit("protected.html");
  await new Promise((resolve) => setTimeout(resolve, 500));
  const seen = await seenIn(reader, await open.stop(), pictures);
  for (const id of ALARMS.filter((id) => !["inline", "behind", "before", "content"].includes(id))) assert.ok(seen.some((one) => one.startsWith(`${id} `)), `${id} is seen: ${seen}`);
  await reader.close();
  await protect(true);
});

test("a click on what is covered shows it, and is no click on the page; the button over it does the same", async () => {
  const page = await visit("protected.html");
  await eventually("a word over each", async () => (await shadowText(page)).match(/Explicit/g)?.length === ALARMS.length);
  const { x, y } = await placeOf(page, "own-alarm");
  await page.mouse.click(x + 8, y + 8);
  await marked(page, { "own-alarm": "fine", "foreign-alarm": "blur" });
  assert.deepEqual(await page.evaluate(() => [globalThis.clicks, location.hash]), [0, ""]);
  await sotto.says(page, /Explicit, 9\d%/);
  const n = async () => (await shadowText(page)).match(/Explicit/g)?.length ?? 0;
  const before = await n();
  // By the keyboard: the buttons come last in the page's order, and the next one has the focus then.
  await eventually("the focus to come there", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).popover === "manual");
  });
  await page.keyboard.press("Enter");
  await eventually("one fewer", async () => (await n()) === before - 1);
  await page.keyboard.press("Enter");
  await eventually("and another", async () => (await n()) === before - 2);
  const reply = await sotto.ask({ ask: "reveal", tab: await tabOf(), which: null });
  assert.equal(reply.answer, "done");
  await eventually("all are shown", async () => (await n()) === 0 && !(await sotto.isOnPage(page)));
  await marked(page, Object.fromEntries(ALARMS.filter((id) => id !== "closed").map((id) => [id, "fine"])));
});

test("the word over a picture stays over it, where that is kept in place and in what scrolls inside the page", async () => {
  const page = await visit("protected.html");
  await marked(page, { own: "fine" });
  /** @param {string} html */
  const show = async (html) => {
    await page.evaluate((html) => {
      scrollTo(0, 0);
      document.body.innerHTML = `${html}<div style="height: 4000px"></div>`;
    }, html.replace("IMG", '<img id="only" src="/false_alarm.png?only" width="224" height="150">'));
    await marked(page, { only: "blur" });
    await isOver();
  };
  const isOver = () => eventually("the button over the picture", async () => {
    const [x, y] = await pointInShadow(page, /^Show this/);
    const box = await placeOf(page, "only");
    return Math.abs(x - (box.x + box.width / 2)) < 3 && y > box.y && y < box.y + box.height;
  });
  /** @param {number} by */
  const wheel = async (by) => {
    const before = await page.evaluate(() => [scrollY, document.querySelector("#scroller")?.scrollTop]);
    await page.mouse.wheel(0, by);
    await eventually("the scrolling", async () => String(await page.evaluate(() => [scrollY, document.querySelector("#scroller")?.scrollTop])) !== String(before));
  };
  await page.mouse.move(300, 100);
  for (const html of ['<div style="position: fixed; top: 40px">IMG</div>', '<div id="scroller" style="height: 300px; overflow: auto"><br>IMG<div style="height: 2000px"></div></div>']) {
    await show(html);
    for (const by of [60, 30]) {
      await wheel(by);
      await isOver();
    }
  }
});

test("a page that fakes marks, undoes styles, copies, moves and swaps is not believed", async () => {
  const page = await visit("protected.html");
  await marked(page, { "own-alarm": "blur", own: "fine", inline: "blur" });
  const shown = await page.evaluate(async () => {
    /** @param {string} id */
    const filterOf = (id) => getComputedStyle(document.getElementById(id)).filter;
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const out = /** @type {Record<string, string>} */ ({});
    document.getElementById("own-alarm").setAttribute("data-sotto", "fine");
    document.getElementById("inline").removeAttribute("data-sotto-back");
    await frame();
    out.faked = filterOf("own-alarm");
    out.back = getComputedStyle(document.getElementById("inline")).backgroundSize;
    const style = document.head.appendChild(document.createElement("style"));
    style.textContent = "#own-alarm { filter: none !important } #inline { background-size: cover !important }";
    document.getElementById("own-alarm").style.setProperty("filter", "none", "important");
    await frame();
    out.important = filterOf("own-alarm");
    out.importantBack = getComputedStyle(document.getElementById("inline")).backgroundSize;
    // A copy of one that may be seen, with another picture in it.
    const copy = /** @type {HTMLImageElement} */ (document.getElementById("own").cloneNode());
    copy.id = "copy";
    copy.src = "/false_alarm.png?copy";
    document.body.append(copy);
    await frame();
    out.copy = filterOf("copy");
    // The same element with another picture.
    const swapped = /** @type {HTMLImageElement} */ (document.getElementById("foreign"));
    swapped.src = "/false_alarm.png?swapped";
    await frame();
    out.swapped = filterOf("foreign");
    // Into a closed root.
    const host = document.body.appendChild(document.createElement("div"));
    const root = host.attachShadow({ mode: "closed" });
    root.append(document.getElementById("own-alarm"));
    await frame();
    out.moved = getComputedStyle(root.querySelector("img")).filter;
    return out;
  });
  for (const [name, value] of Object.entries(shown)) assert.match(value, name.toLowerCase().includes("back") ? /^0px|0px 0px/ : /blur|contrast/, `${name}: ${JSON.stringify(shown)}`);
  await marked(page, { copy: "blur", foreign: "blur" });
});

test("what comes later is judged: added, lazy, another source, a class, another address in the same document", async () => {
  const page = await visit("protected.html");
  await marked(page, { own: "fine" });
  await page.evaluate(() => {
    document.body.replaceChildren();
    document.body.insertAdjacentHTML("beforeend", `
      <img id="added" src="/false_alarm.png?added" width="224" height="150">
      <div id="classy" class="box"></div>
      <div style="width: 100%; height: 6000px"></div>
      <img id="lazy" loading="lazy" src="/false_alarm.png?lazy" width="224" height="150">`);
    history.pushState({}, "", "#another");
  });
  await marked(page, { added: "blur", lazy: "none" });
  await page.evaluate(() => document.getElementById("classy").classList.add("behind"));
  await marked(page, { classy: "blur" });
  await page.evaluate(() => document.getElementById("lazy").scrollIntoView());
  await marked(page, { lazy: "blur" });
  await page.evaluate(() => (document.getElementById("added").srcset = "/pictures/coffee.png 1x"));
  await page.evaluate(() => scrollTo(0, 0));
  await marked(page, { added: "fine" });
});

test("what only the pointer or the keyboard brings is never painted before its verdict", async () => {
  const page = await visit("protected.html");
  await marked(page, { own: "fine" });
  const address = `${server.otherOrigin}/false_alarm.png`;
  await page.evaluate((address) => {
    // Of a style sheet, so that no attribute tells of it; the browser has the picture already.
    document.body.innerHTML = `
      <style>
        .card, .card i { display: block; width: 224px; height: 150px; margin: 10px; }
        .bare:hover, .card:hover i, .key:focus { background: url("${address}") 0 0 / 100% 100%; }
        .swap { background: url("/pictures/coffee.png") 0 0 / 100% 100%; }
        .swap:hover { background-image: url("${address}"); }
      </style>
      <img src="${address}" width="20" height="20">
      <div class="card bare" id="bare"></div>
      <div class="card" id="card"><i id="inside"></i></div>
      <button class="card key" id="key"></button>
      <div class="card swap" id="swap"></div>`;
  }, address);
  await marked(page, { bare: "none", inside: "none", key: "none", swap: "fine" });
  const pictures = [];
  for (const id of ["bare", "inside", "key", "swap"]) pictures.push({ name: id, address, ...(await placeOf(page, id)) });
  const painting = await watchPainting(page);
  for (const [over, id] of [["#bare", "bare"], ["#inside", "inside"], ["#swap", "swap"]]) {
    await page.hover(over);
    await marked(page, { [id]: "blur" });
  }
  await page.mouse.move(600, 5);
  await marked(page, { bare: "none", inside: "none", swap: "fine" });
  await page.focus("#key");
  await marked(page, { key: "blur" });
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  await marked(page, { key: "none" });
  const reader = await sotto.page(`${server.otherOrigin}/uploads.html`);
  assert.deepEqual(await seenIn(reader, await painting.stop(), pictures), []);
  await reader.close();
});

test("five thousand at once don't stop the page, and those in view are judged first", async () => {
  const page = await visit("protected.html");
  await marked(page, { own: "fine" });
  const longest = await page.evaluate(async () => {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    });
    document.body.innerHTML = Array.from({ length: 5000 }, (_, n) => `<img id="many-${n}" src="/pictures/${n % 2 ? "coffee.png" : "chelsea.png"}?${n % 20}" width="120" height="80">`).join("");
    await new Promise((resolve) => setTimeout(resolve, 2000));
    clearInterval(timer);
    return longest;
  });
  await marked(page, { "many-0": "fine", "many-7": "fine", "many-4999": "none" });
  assert.ok(longest < 1500, `${longest} ms`);
});

test("frames of another site are protected as their page is", async () => {
  const page = await visit("protected.html");
  await page.evaluate((origin) => {
    document.body.innerHTML = `<iframe id="frame" width="600" height="400" src="${origin}/protected.html?from=${origin}&framed"></iframe>`;
  }, server.otherOrigin);
  await marked(page, { frame: "fine" });
  const frame = await eventually("the frame", () => page.frames().find((frame) => frame.url().includes("framed")));
  await marked(frame, { "own-alarm": "blur", own: "fine" });
});

test("pages that are left while they are looked through hold up no other", async () => {
  for (let n = 0; n < 12; n += 1) {
    const page = await sotto.visit("about:blank");
    await page.goto(`${server.origin}/protected.html?from=${server.otherOrigin}&left=${n}`, { waitUntil: "commit" });
    await new Promise((resolve) => setTimeout(resolve, 40 + 25 * n));
  }
  const page = await visit("protected.html");
  const began = Date.now();
  await marked(page, { "own-alarm": "blur", foreign: "fine" });
  assert.ok(Date.now() - began < 4_000, `${Date.now() - began} ms`);
});

test("a page that is scrolled through is saved once, but what came before is not taken for what comes", async () => {
  const page = await visit("upload.html");
  await (await sotto.worker()).evaluate(() => {
    const save = chrome.pageCapture.saveAsMHTML.bind(chrome.pageCapture);
    globalThis.nSaved = 0;
    chrome.pageCapture.saveAsMHTML = /** @type {any} */ ((/** @type {any} */ tab) => {
      globalThis.nSaved += 1;
      return save(tab);
    });
  });
  await page.evaluate(async (from) => {
    for (let n = 0; n < 10; n += 1) document.body.insertAdjacentHTML("beforeend", `<img id="far-${n}" src="${from}/pictures/house.jpg?far=${n}" width="200" height="150" style="display: block; margin-block-end: 2600px">`);
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  }, server.otherOrigin);
  for (let n = 0; n < 10; n += 1) {
    await page.evaluate((n) => document.getElementById(`far-${n}`).scrollIntoView({ block: "center" }), n);
    await marked(page, { [`far-${n}`]: "fine" });
  }
  const nSaved = await (await sotto.worker()).evaluate(() => globalThis.nSaved);
  assert.ok(nSaved >= 1 && nSaved <= 4, `saved ${nSaved} times`);

  for (const [file, mark] of [[join(PICTURES, "camera.png"), "fine"], [join(FIXTURES, "false_alarm.png"), "blur"]]) {
    copyFileSync(file, join(folder, "same.png"));
    await page.reload();
    await page.evaluate((from) => document.body.insertAdjacentHTML("afterbegin", `<img id="same" src="${from}/films/same.png" width="300" height="200">`), server.otherOrigin);
    await marked(page, { same: mark });
  }
});

test("a picture opened alone", async () => {
  const page = await sotto.visit(`${server.origin}/false_alarm.png?alone`);
  await eventually("it to be covered", () => page.evaluate(() => document.querySelector("img")?.getAttribute("data-sotto") === "blur"));
  await sotto.says(page, /Explicit/);
});

test("films: looked at before they are shown and while they play; of another site by what the tab shows", async () => {
  const page = await visit("protected.html");
  await page.evaluate((from) => {
    document.body.innerHTML = `
      <video id="fine" src="/films/fine.webm" muted loop autoplay width="224" height="224"></video>
      <video id="alarm" src="/films/alarm.webm" muted loop autoplay width="224" height="224"></video>
      <video id="late" src="/films/late.webm" muted autoplay width="224" height="224"></video>
      <video id="foreign" src="${from}/films/alarm.webm" muted loop autoplay width="224" height="224"></video>
      <video id="poster" poster="${from}/false_alarm.png?poster" preload="none" width="224" height="224"></video>`;
  }, server.otherOrigin);
  await marked(page, { fine: "fine", alarm: "blur", foreign: "blur", poster: "blur" });
  // It was shown, and covered when it came to what is warned of.
  await marked(page, { late: "blur" });
  await screenshot(page, "protected-films");
});

test("a moving picture is judged by its frames over time, and one that the background forgot meanwhile is asked for again", async () => {
  writeFileSync(join(folder, "moving.png"), movingAlarm(8, 5));
  const page = await visit("protected.html");
  await marked(page, { own: "fine" });
  await page.evaluate((from) => document.body.insertAdjacentHTML("afterbegin", `<img id="moving" src="${from}/films/moving.png" width="224" height="150">`), server.otherOrigin);
  await sotto.stopWorkers();
  await marked(page, { moving: "blur" });
});

test("a passphrase keeps protection as it is, and what is covered unseen; nobody guesses faster than once a second", async () => {
  const right = "correct horse";
  const page = await visit("protected.html");
  await marked(page, { "own-alarm": "blur" });
  await sotto.says(page, /Show/);
  assert.equal((await sotto.ask({ ask: "setLock", passphrase: "short" })).reason, "badRequest");
  assert.equal((await sotto.ask({ ask: "setLock", passphrase: right })).answer, "done");
  await eventually("no button", async () => !/Show/.test(await shadowText(page)));
  const { x, y } = await placeOf(page, "own-alarm");
  await page.mouse.click(x + 8, y + 8);
  /** @type {PageAsk[]} */
  const refused = [
    { ask: "protect", site: SITE, on: false },
    { ask: "keepSiteRule", site: null, rule: { ...USUAL, pictures: "off" } },
    { ask: "keepSettings", settings: {} },
    { ask: "keepPictureRules", thresholds: {}, action: "warn", careful: false },
    { ask: "guard", site: null, on: false },
    { ask: "reveal", tab: await tabOf(), which: null },
    { ask: "setLock", passphrase: "another one" },
    { ask: "lock", remove: true },
  ];
  for (const request of refused) assert.equal((await sotto.ask(request)).reason, "locked", request.ask);
  assert.equal(await marks(page, "own-alarm"), "blur");
  const settings = await sotto.ask({ ask: "settings" });
  assert.equal(settings.lock, "locked");
  const kept = await (await sotto.worker()).evaluate(() => chrome.storage.local.get("lock").then(({ lock }) => JSON.stringify(lock)));
  assert.ok(!kept.includes("horse") && kept.includes("1000000"), kept);
  const began = Date.now();
  const guesses = await Promise.all(["wrong one", "wrong two", "wrong three"].map((passphrase) => sotto.ask({ ask: "unlock", passphrase })));
  assert.deepEqual(guesses.map(({ reason }) => reason), ["wrongPassphrase", "wrongPassphrase", "wrongPassphrase"]);
  assert.ok(Date.now() - began >= 3_000, `${Date.now() - began} ms for three`);
  assert.equal((await sotto.ask({ ask: "unlock", passphrase: right })).answer, "done");
  await sotto.says(page, /Show/);
  await page.mouse.click(x + 8, y + 8);
  await marked(page, { "own-alarm": "fine" });
  assert.equal((await sotto.ask({ ask: "lock", remove: true })).answer, "done");
  assert.equal((await sotto.ask({ ask: "settings" })).lock, undefined);
});

test("each rule: outlined, hidden, shown until judged, and what nobody can judge", async () => {
  await keepRule({ cover: "outline" });
  let page = await visit("protected.html");
  await marked(page, { "own-alarm": "outline", own: "fine" });
  assert.match(await page.evaluate(() => getComputedStyle(document.getElementById("own-alarm")).outlineStyle), /solid/);
  await screenshot(page, "protected-outline");
  await keepRule({ cover: "hide" });
  await marked(page, { "own-alarm": "hide", own: "fine", inline: "hide" });
  await screenshot(page, "protected-hidden");
  await keepRule({ held: false });
  page = await visit("protected.html");
  await marked(page, { "own-alarm": "blur", own: "fine" });
  await keepRule({ pictures: "off" });
  page = await visit("protected.html");
  await marked(page, { "own-alarm": "fine", own: "fine", inline: "fine" });
  await keepRule({ unjudged: "cover" });
  page = await visit("protected.html");
  await page.evaluate(() => {
    // A canvas that no script may read, out of the tab's reach.
    const canvas = /** @type {HTMLCanvasElement} */ (document.createElement("canvas"));
    Object.assign(canvas, { id: "tainted", width: 224, height: 150 });
    document.body.prepend(canvas);
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(document.getElementById("foreign"), 0, 0);
  });
  await marked(page, { tainted: "hide" });
  await sotto.says(page, /could not look at/);
  await keepRule({});
});

test("a background that does not answer: after three seconds the person's rule applies, and a verdict that comes later counts", async () => {
  for (const unjudged of /** @type {const} */ (["show", "cover"])) {
    await keepRule({ unjudged });
    const worker = await sotto.worker();
    const busy = worker.evaluate(() => {
      const end = Date.now() + 4_500;
      while (Date.now() < end);
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = Date.now();
    const page = await visit("protected.html");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.notEqual(await marks(page, "own"), "fine");
    await marked(page, unjudged === "show" ? { own: "fine", "own-alarm": "fine" } : { own: "hide", "own-alarm": "hide" });
    assert.ok(Date.now() - began > 2_800 && Date.now() - began < 6_000, `${Date.now() - began} ms`);
    await busy;
    await marked(page, { own: "fine", "own-alarm": "blur" });
  }
  await keepRule({});
});

test("where protection ends, the page is as if nobody had been there; elsewhere no script of ours runs", async () => {
  const page = await visit("protected.html");
  await marked(page, { "own-alarm": "blur", inline: "blur" });
  await protect(false);
  await eventually("no mark", () => page.evaluate(() => !document.querySelector("[data-sotto], [data-sotto-back]")));
  await eventually("no style, and no button", async () =>
    (await page.evaluate(() => getComputedStyle(document.getElementById("own-alarm")).filter)) === "none" && !(await sotto.isOnPage(page)));
  const fresh = await visit("protected.html");
  assert.equal(await fresh.evaluate(() => document.documentElement.hasAttribute("data-sotto-off")), false);
  assert.deepEqual(await (await sotto.worker()).evaluate(() => chrome.scripting.getRegisteredContentScripts()), []);
  await protect(true);
  await eventually("the open page is protected again", async () => (await marks(fresh, "own-alarm")) === "blur");
});

test("all sites, but one that is not: its page is left alone, whatever frames it has", async () => {
  await protect(false);
  await protect(true, null);
  await protect(false, SITE);
  const page = await visit("protected.html");
  await page.evaluate((origin) => {
    document.body.insertAdjacentHTML("beforeend", `<iframe id="frame" width="600" height="400" src="${origin}/protected.html?from=${origin}&framed"></iframe>`);
  }, server.otherOrigin);
  const frame = await eventually("the frame", () => page.frames().find((frame) => frame.url().includes("framed")));
  await eventually("the frame is let alone", () => frame.evaluate(() => document.documentElement.hasAttribute("data-sotto-off")));
  await eventually("no style in it", () => frame.evaluate(() => getComputedStyle(document.getElementById("own-alarm")).filter === "none"));
  assert.equal(await marks(page, "own-alarm"), "none");
  const other = await sotto.visit(`${server.otherOrigin}/protected.html?from=${server.origin}`);
  await marked(other, { "own-alarm": "blur" });
  await protect(true, SITE);
  await protect(false, null);
  await protect(true);
});
