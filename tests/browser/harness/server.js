// Serves the fixture pages on loopback and remembers every request, so that a test can say that there were no others.
// Two origins, so that pictures of "another site" exist.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { letThrough } from "./capture.js";

/** @type {Record<string, string>} */
export const TYPES = {
  ".avif": "image/avif",
  ".bmp": "image/bmp",
  ".css": "text/css",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webm": "video/webm",
  ".webp": "image/webp",
};

/**
 * `routes` maps the first part of an address to a folder or a file: `{ "/": "tests/browser/fixtures" }`; the longest that fits
 * wins. `headers` go with every answer; a page may name its own in `pageHeaders[path]`.
 * @typedef {Record<string, string>} Headers
 * @param {{ routes: Record<string, string>, headers?: Headers, pageHeaders?: Record<string, Headers> }} wish
 */
export async function serve({ routes, headers = {}, pageHeaders = {} }) {
  const requests = /** @type {{ path: string, method: string | undefined, headers: import("node:http").IncomingHttpHeaders }[]} */ ([]);
  const unexpected = /** @type {string[]} */ ([]);
  const prefixes = Object.keys(routes).sort((a, b) => b.length - a.length);

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "", "http://fixture").pathname);
    requests.push({ path, method: request.method, headers: request.headers });
    const prefix = prefixes.find((candidate) => path.startsWith(candidate));
    const below = normalize(path.slice(prefix?.length ?? 0));
    const file = prefix === undefined || below.startsWith(`..`) ? null : join(routes[prefix], below === "." ? "" : below);
    if (!file || file.split(sep).includes("..") || !existsSync(file) || !statSync(file).isFile()) {
      // Chromium asks for this by itself on every first visit.
      if (path !== "/favicon.ico") unexpected.push(`${request.method} ${path}`);
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": statSync(file).size,
      "cache-control": "no-store",
      ...headers,
      ...pageHeaders[path],
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = /** @type {Listening} */ (server.address());
  letThrough(port);
  // A test that failed while it cleaned up must end all the same.
  server.unref();

  return {
    origin: `http://127.0.0.1:${port}`,
    /** The same pages under another name, which makes them another site. */
    otherOrigin: `http://localhost:${port}`,
    requests,
    /** Requests for what no test asked for: a test's `after` asserts that this is empty. */
    unexpected,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}
