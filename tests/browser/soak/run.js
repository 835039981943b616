// `cargo xtask soak [--quick]`: what a long day does to the extension, through messages of its own pages and of content scripts
// in a real Chromium: workers killed under load, many runs, a broken engine, clocks that jump, a full disk. Writes a dated file
// to benches/results/ and exits 1 where something was lost, wrong or grew.

import { finish } from "../../../benches/report.js";
import { FIXTURES } from "../harness/places.js";
import { serve } from "../harness/server.js";
import { startSotto } from "../harness/sotto.js";
import { breakable, breakEngine } from "./breaking.js";
import { Load } from "./load.js";
import { manyRuns } from "./memory.js";
import { jumpingClocks, fullStorage } from "./surroundings.js";

const quick = process.argv.includes("--quick");
const SIZES = quick
  ? { nRequests: 240, nKills: 24, nBreaks: 4, nTexts: 1_000, nPictures: 200 }
  : { nRequests: 2_000, nKills: 200, nBreaks: 20, nTexts: 10_000, nPictures: 2_000 };

const rows = /** @type {Row[]} */ ([]);
const missed = /** @type {string[]} */ ([]);
/**
 * @param {string} task
 * @param {string} unit
 * @param {number[]} values
 */
const row = (task, unit, ...values) => rows.push({ engine: "Sotto", version: quick ? "quick" : "full", task, unit, values });
/**
 * @param {unknown} reached
 * @param {string} what
 */
const must = (reached, what) => reached || missed.push(what);

const server = await serve({ routes: { "/": FIXTURES } });
const sotto = await startSotto({ hostPermissions: true, edit: breakable });
const version = sotto.context.browser()?.version() ?? "unknown";
try {
  const load = await Load.start(sotto, server);

  let clock = Date.now();
  const killed = await load.underKills(SIZES);
  row("requests answered under kills", "count", killed.nAnswered);
  row("kills of a running worker", "count", killed.nKills);
  row("most times one request was asked", "count", killed.mostAsked);
  row("load with kills", "s", (Date.now() - clock) / 1000);
  must(killed.nKills === SIZES.nKills, `${killed.nKills} of ${SIZES.nKills} kills met a running worker`);
  must(killed.problems.length === 0, `under kills: ${killed.problems.slice(0, 5).join("; ")}`);
  must(killed.nAnswered === SIZES.nRequests, `${killed.nAnswered} of ${SIZES.nRequests} requests answered`);
  console.log(`kills: ${killed.nAnswered} answered, ${killed.nKills} kills, asked at most ${killed.mostAsked} times`);

  const broken = await breakEngine(load, SIZES.nBreaks);
  row("engine broken under load, and healed", "count", broken.nHealed);
  must(broken.nHealed === SIZES.nBreaks, `${broken.nHealed} of ${SIZES.nBreaks} broken engines healed`);
  must(broken.problems.length === 0, `while it broke: ${broken.problems.slice(0, 5).join("; ")}`);
  console.log(`breaks: ${broken.nHealed} healed`);

  for (const [kind, nRuns] of /** @type {const} */ ([["text", SIZES.nTexts], ["picture", SIZES.nPictures]])) {
    clock = Date.now();
    const runs = await manyRuns(kind, nRuns, load.expected);
    row(`${kind} runs in one worker's life`, "count", nRuns);
    row(`${kind} runs`, "s", (Date.now() - clock) / 1000);
    for (const { name, first, last, allowed } of runs.figures) {
      row(`${kind}: ${name} after the first tenth`, "bytes", first);
      row(`${kind}: ${name} after the last tenth`, "bytes", last);
      must(last - first <= allowed, `${kind} runs: ${name} grew from ${first} to ${last} bytes`);
      console.log(`${kind} runs: ${name} ${first} → ${last} bytes`);
    }
    must(runs.nWrong === 0, `${runs.nWrong} of ${nRuns} ${kind} runs had another verdict`);
    must(runs.sameLife, `the worker died during ${kind} runs, so its memory says nothing`);
  }

  for (const problem of [...(await jumpingClocks(load)), ...(await fullStorage(load))]) must(false, problem);
  console.log("clocks and storage: done");
} finally {
  await sotto.close();
  await server.close();
}
finish(quick ? "soak-quick" : "soak", rows, version, missed);
if (missed.length) process.exitCode = 1;
