// Where the harness finds what it needs, from whatever folder it is started in.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const DIST = process.env.SOTTO_DIST ?? join(ROOT, "dist");
export const WORKSHOP = process.env.SOTTO_WORKSHOP ?? join(ROOT, "target/xtask");
export const SCREENSHOTS = join(ROOT, "target/screenshots");
export const FIXTURES = join(ROOT, "tests/browser/fixtures");
export const PICTURES = join(ROOT, "tests/pictures");

export function chromiumPath() {
  const candidates = [process.env.SOTTO_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
  const found = candidates.find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium: `cargo xtask setup` installs one, or set SOTTO_CHROMIUM");
  return found;
}
