// Starts a real Chromium, with the unpacked extension where one is asked for, that can reach nothing but this machine.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCapture } from "./capture.js";
import { chromiumPath, DIST, ROOT, SCREENSHOTS } from "./places.js";

// Imported, its three megabytes would be read twice: once for the names that it exports.
/** @type {typeof import("playwright-core")} */
const { chromium } = createRequire(import.meta.url)("playwright-core");

const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-quic",
  "--disable-sync",
  "--no-default-browser-check",
  "--no-first-run",
  // Names other than this machine's lead nowhere, whatever a page or a browser service tries.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/** The graphics processor that Chromium plays in software, the same everywhere. */
export const SOFTWARE_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/**
 * Flags that every browser of ours gets, whoever starts it.
 * @param {{ headless?: boolean, extensions?: string[] }} options
 */
export function browserFlags({ headless = true, extensions = [] } = {}) {
  const flags = [...FLAGS];
  if (headless) flags.push("--headless=new");
  // Chromium refuses its sandbox to root.
  if (process.getuid?.() === 0) flags.push("--no-sandbox");
  if (extensions.length) {
    flags.push(`--disable-extensions-except=${extensions.join(",")}`, `--load-extension=${extensions.join(",")}`);
    // Before Chromium 150 or so the debugger's Extensions domain, which tells ids and clicks the toolbar, asks for this.
    flags.push("--enable-unsafe-extension-debugging");
  }
  return flags;
}

/**
 * A browser with a fresh profile, which `close` removes. With extensions its network is captured, and `close` throws where one
 * of them made a request; `captured: false` is for the test that makes them try.
 * @typedef {NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>} Options
 * @param {{ headless?: boolean, extensions?: string[], captured?: boolean, flags?: string[], options?: Options }} wish
 */
export async function launchBrowser({ headless = true, extensions = [], captured = extensions.length > 0, flags = [], options = {} } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "sotto-profile-"));
  const capture = captured ? await startCapture() : null;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    // The flag of our own stands for the new headless mode, which is the whole browser; Playwright's would be another.
    headless: false,
    ignoreDefaultArgs: ["--disable-extensions"],
    args: [...browserFlags({ headless, extensions }), ...(capture?.flags ?? []), ...flags],
    viewport: { width: 1280, height: 800 },
    // A screenshot must not catch a card half faded in.
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(20_000);
  capture?.watch(context);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    capture?.close();
  };
  return { context, profile, close };
}

/**
 * The extension's folder. With `hostPermissions` a copy whose manifest requires every host and whatever else it may ask for, because
 * no headless browser can grant an optional permission; with `edit` a copy in which that function changed what it says it does. Nothing else differs.
 * The caller removes the copy.
 * @param {{ hostPermissions?: boolean, edit?: ((folder: string) => void) | null }} wish
 */
export function extensionFolder({ hostPermissions = false, edit = null } = {}) {
  if (!existsSync(join(DIST, "manifest.json"))) throw new Error("dist/ is not built: `cargo xtask build`");
  if (!hostPermissions && !edit) return { folder: DIST, remove: () => {} };
  const folder = mkdtempSync(join(tmpdir(), "sotto-dist-"));
  cpSync(DIST, folder, { recursive: true });
  if (hostPermissions) {
    editFile(folder, "manifest.json", (text) => {
      const { optional_host_permissions: hosts, optional_permissions: more, permissions, ...manifest } = JSON.parse(text);
      return JSON.stringify({ ...manifest, host_permissions: hosts, permissions: [...permissions, ...more] });
    });
  }
  edit?.(folder);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Changes one text file of a copy; refuses to change nothing.
 * @param {string} folder
 * @param {string} name
 * @param {(text: string) => string} change
 */
export function editFile(folder, name, change) {
  const before = readFileSync(join(folder, name), "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${name} was to be changed for a test and is as before`);
  writeFileSync(join(folder, name), after);
}

/**
 * @param {Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const path = join(SCREENSHOTS, `${name}.png`);
  await page.screenshot({ path });
  return path;
}

/**
 * A path as a person at the top of the tree would write it.
 * @param {string} path
 */
export const shown = (path) => (path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : path);

/**
 * Asks again and again until `ask` gives something truthy; fails with `what` after `patienceMs`.
 * @template Answer
 * @param {string} what
 * @param {() => Answer} ask
 * @returns {Promise<Truthy<Awaited<Answer>>>}
 */
export async function eventually(what, ask, patienceMs = 20_000) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer) return /** @type {Truthy<typeof answer>} */ (answer);
    if (Date.now() > end) throw new Error(`waited ${patienceMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
