// Runs test files one after the other in one process, each as a suite, with one browser for all that want the same:
// `node tests/browser/harness/together.js FILE…`. A browser's start and the engine's first cost more than most files do.

import { after, describe } from "node:test";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { shareFirefox } from "./firefox.js";
import { shareBrowsers } from "./sotto.js";

const closings = [shareBrowsers(), shareFirefox()];

for (const file of process.argv.slice(2)) {
  describe(basename(file, ".test.js"), async () => {
    await import(pathToFileURL(resolve(file)).href);
  });
}

for (const close of closings) after(close);
