// Node's own runner tells which test ended how; this says so in lines that xtask/src/reports.rs reads and people can: how, the
// depth, seconds and name, with tabs between, and below a failed test its error, indented. Told behind `--test-reporter`.

import { inspect } from "node:util";

/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} events */
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === "test:diagnostic") yield `# ${data.message}\n`;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { name, nesting, details, file, line } = data;
    const isLeftOut = [data.skip, data.todo].some((reason) => reason !== undefined && reason !== false);
    const how = isLeftOut ? "skipped" : type === "test:pass" ? "passed" : "failed";
    const what = details.type === "suite" ? "suite" : "test";
    const told = [`${how} ${what}`, nesting, (details.duration_ms / 1000).toFixed(3), name.replace(/\s/g, " ")].join("\t");
    const { error } = /** @type {{ error?: Error & { failureType?: string } }} */ (details);
    // A failed test within is told by itself.
    const isNews = error && error.failureType !== "subtestsFailed";
    // In one piece, or what a test prints could come between.
    yield isNews ? `${told}\n${`${file}:${line}\n${inspect(error.cause ?? error)}`.replace(/^/gm, "  ")}\n` : `${told}\n`;
  }
}
