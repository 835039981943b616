// The pictures that stores show: `node tests/browser/store/screenshots.js FOLDER`, headless. Each is of the extension at work on
// a page of pages/, in a Chromium with the package that SOTTO_DIST names, at 1280 × 800, and the same at 640 × 400; the tile of
// 440 × 280; and the icon as stores want it, in 96 of 128 pixels and at 300 × 300. Nothing in them is drawn by hand but where the popup stands: a headless browser has no toolbar for it to hang from.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/browser.js";
import { FIXTURES, PICTURES, ROOT } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { shadowText } from "../harness/shadow.js";
import { startSotto } from "../harness/sotto.js";

const [FULL, HALF, TILE] = [{ width: 1280, height: 800 }, { width: 640, height: 400 }, { width: 440, height: 280 }];
/** Chromium's popups are no higher; Sotto's is so wide. */
const POPUP = { width: 380, height: 600 };
/** Names that nobody has, which this browser takes for the fixtures' server. */
const [JOURNAL, PHOTOS] = ["http://wayside.example", "http://lumen.example"];

const folder = process.argv[2];
if (!folder) {
  console.error("usage: screenshots.js FOLDER");
  process.exit(2);
}

const pages = fileURLToPath(new URL("./pages", import.meta.url));
const alarm = join(FIXTURES, "false_alarm.png");
const server = await serve({ routes: { "/": pages, "/pictures/": PICTURES, "/alarm.png": alarm } });
// The tests' own proxy knows no names, so it is left out; all other names lead nowhere as before.
const names = `--host-resolver-rules=MAP *.example ${new URL(server.origin).host}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`;
const sotto = await startSotto({ hostPermissions: true, captured: false, flags: [names, "--hide-scrollbars"] });
try {
  for (const site of [PHOTOS, "https://pictures.example"]) await done({ ask: "guard", site, on: true });
  await done({ ask: "protect", site: PHOTOS, on: true });
  // The first verdict of a browser's life waits for the models.
  await sotto.ask({ ask: "text", text: "What a wonderful evening." });
  await selection();
  await guard();
  await covered();
  await popup();
  await settings();
  await tile();
  await icons();
} finally {
  await sotto.close();
  await server.close();
}
if (server.unexpected.length) throw new Error(`unexpected requests: ${server.unexpected.join(", ")}`);

/** @param {PageAsk} request */
async function done(request) {
  const reply = await sotto.ask(request);
  if (reply.answer !== "done") throw new Error(JSON.stringify(reply));
}

/**
 * @param {string} address
 * @param {"light" | "dark"} colorScheme
 */
async function open(address, colorScheme) {
  const page = await sotto.page("about:blank");
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.goto(address);
  return page;
}

/** A selection judged, with its sentences. */
async function selection() {
  const page = await open(`${JOURNAL}/journal.html`, "light");
  await sotto.classifySelection(page, "#review");
  await sotto.says(page, /\d+\s?%[^]*\bms\b/);
  await keep(page, "1-selection");
  await page.close();
}

/** The guard's dialog, before the site has the file. */
async function guard() {
  const photos = mkdtempSync(join(tmpdir(), "sotto-store-"));
  try {
    copyFileSync(alarm, join(photos, "IMG_2041.png"));
    const page = await open(`${PHOTOS}/share.html`, "light");
    await page.locator("#pick").setInputFiles(join(photos, "IMG_2041.png"));
    await sotto.says(page, /upload anyway/i);
    await keep(page, "2-upload-guard");
    await page.close();
  } finally {
    rmSync(photos, { recursive: true });
  }
}

/** A protected page on which all that must be covered is. */
async function protectedPage() {
  const page = await open(`${PHOTOS}/gallery.html`, "dark");
  await eventually("two covered pictures", async () => (await shadowText(page)).match(/\d+\s?%/g)?.length === 2);
  // The others are shown when their verdicts have come.
  await eventually("the others", () => page.evaluate(() => Array.from(document.images, (image) => image.getAttribute("data-sotto")).filter((mark) => mark === "fine").length === 4));
  return page;
}

async function covered() {
  const page = await protectedPage();
  await keep(page, "3-protected-site");
  await page.close();
}

/** The popup over the page that it is about, where the toolbar would have it. */
async function popup() {
  const page = await protectedPage();
  const worker = await sotto.worker();
  const tab = await worker.evaluate(async () => (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0]);
  const below = await settled(page);
  const own = await sotto.page("about:blank");
  await own.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  // In a tab of its own it would be about itself.
  await own.addInitScript((tab) => (chrome.tabs.query = async () => [tab]), tab);
  await own.setViewportSize(POPUP);
  await own.goto(sotto.url("pages/popup.html"));
  await own.locator("html[data-started=true]").waitFor({ state: "attached" });
  await own.locator("#covered-list li").first().waitFor();
  const over = await settled(own);
  await own.close();
  await page.close();
  const both = await sotto.page("about:blank");
  await both.setContent(`<style>
      body { margin: 0; width: ${FULL.width}px; height: ${FULL.height}px; background: url(${inline(below)}); }
      img { position: fixed; top: 12px; right: 20px; border-radius: 12px; box-shadow: 0 16px 48px rgb(0 0 0 / .6); outline: 1px solid rgb(255 255 255 / .16); }
    </style><img src="${inline(over)}">`);
  await keep(both, "4-popup");
  await both.close();
}

async function settings() {
  // As most sites are.
  for (const ask of /** @type {const} */ (["guard", "protect"])) {
    await done({ ask, site: PHOTOS, on: false });
    await done({ ask, site: PHOTOS.replace("http:", "https:"), on: true });
  }
  const page = await open(sotto.url("pages/options.html"), "light");
  await page.locator("html[data-started=true]").waitFor({ state: "attached" });
  await page.locator("#sites li").first().waitFor();
  await page.locator("#guard-title").evaluate((title) => title.closest("section")?.scrollIntoView());
  await page.evaluate(() => scrollBy(0, -28));
  await keep(page, "5-settings");
  await page.close();
}

async function tile() {
  const page = await sotto.page(`${JOURNAL}/tile.html`);
  await page.setViewportSize(TILE);
  write(`promo-${nameOf(TILE)}`, await page.screenshot());
  await page.close();
}

/** The drawing fills the icon's square but for a margin of its own, 1.5 of 32; the rest of what stores want is added around it. */
async function icons() {
  const svg = inline(readFileSync(join(ROOT, "extension/icons/sotto.svg")), "image/svg+xml");
  for (const [name, side, drawn] of /** @type {const} */ ([["icon-128x128", 128, 96], ["logo-300x300", 300, 300]])) {
    const page = await sotto.page("about:blank");
    await page.setViewportSize({ width: side, height: side });
    const width = (drawn * 32) / 29;
    await page.setContent(`<style>body { overflow: hidden; } img { position: absolute; inset: ${(side - width) / 2}px; width: ${width}px; }</style><img src="${svg}">`);
    await page.locator("img").evaluate((/** @type {HTMLImageElement} */ image) => image.decode());
    write(name, await page.screenshot({ omitBackground: true }));
    await page.close();
  }
}

/**
 * Writes what the page shows in both sizes.
 * @param {Page} page
 * @param {string} name
 */
async function keep(page, name) {
  await page.setViewportSize(FULL);
  const full = await settled(page);
  const half = await sotto.page("about:blank");
  await half.setViewportSize(HALF);
  await half.setContent(`<style>body { margin: 0; } img { display: block; width: 100%; }</style><img src="${inline(full)}">`);
  write(`${nameOf(FULL)}/${name}`, full);
  write(`${nameOf(HALF)}/${name}`, await half.screenshot());
  await half.close();
}

/**
 * What the page shows once that no longer changes: what comes into a closed root last, a small preview say, no script can await.
 * @param {Page} page
 */
async function settled(page) {
  let last = await page.screenshot();
  return eventually("the page to stand still", async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await page.screenshot();
    const isSame = now.equals(last);
    last = now;
    return isSame && now;
  });
}

/** @param {{ width: number, height: number }} size */
function nameOf({ width, height }) {
  return `${width}x${height}`;
}

/**
 * @param {Buffer} picture
 * @param {string} type
 */
function inline(picture, type = "image/png") {
  return `data:${type};base64,${picture.toString("base64")}`;
}

/**
 * @param {string} name
 * @param {Buffer} png
 */
function write(name, png) {
  const path = join(/** @type {string} */ (folder), `${name}.png`);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, png);
  console.log(path);
}
