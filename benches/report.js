// From measured values to a table on the screen and a dated file.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { ROOT } from "../tests/browser/harness/places.js";

/**
 * @param {number[]} values
 * @param {number} share
 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at - Math.floor(at));
}

/**
 * @param {number} value
 * @param {string} unit
 */
const figure = (value, unit) => (unit === "bytes" ? String(value) : value.toFixed(value < 10 ? 2 : 1));

/**
 * Tasks down, engines across; times as medians.
 * @param {Row[]} rows
 */
function printTable(rows) {
  for (const kind of new Set(rows.map(({ kind }) => kind))) printOneTable(rows.filter((row) => row.kind === kind), kind);
}

/**
 * @param {Row[]} rows
 * @param {string | undefined} kind
 */
function printOneTable(rows, kind) {
  if (kind) console.log(`\n${kind}`);
  const engines = [...new Set(rows.map(({ engine }) => engine))];
  const tasks = [...new Set(rows.map(({ task }) => task))];
  /** @param {string} name */
  const width = (name) => Math.max(name.length, 12) + 2;
  console.log("median of many".padEnd(34) + engines.map((name) => name.padStart(width(name))).join(""));
  for (const task of tasks) {
    const unit = rows.find((row) => row.task === task).unit;
    const cells = engines.map((engine) => {
      const row = rows.find((candidate) => candidate.task === task && candidate.engine === engine);
      return (row ? figure(quantile(row.values, 0.5), unit) : "").padStart(width(engine));
    });
    console.log(`${task}, ${unit}`.padEnd(34) + cells.join(""));
  }
}

/**
 * How every bench ends: the table, the dated file, and a line for each missed bar. With `--check` on the command line a
 * missed bar is a failure.
 * @param {string} name
 * @param {Row[]} rows
 * @param {string} browser its version
 * @param {string[] | null} missed null where there are no bars
 */
export function finish(name, rows, browser, missed = null) {
  printTable(rows);
  console.log(`\n${writeCsv(name, rows, browser)}`);
  if (!missed) return;
  for (const line of missed) console.log(`missed: ${line}`);
  if (!missed.length) console.log("every bar is reached");
  if (process.argv.includes("--check") && missed.length) process.exitCode = 1;
}

/**
 * Writes benches/results/DATE-NAME.csv; returns its path from the top of the tree.
 * @param {string} name
 * @param {Row[]} rows
 * @param {string} browser
 */
function writeCsv(name, rows, browser) {
  const date = new Date().toISOString().slice(0, 10);
  /** @param {unknown} value */
  const quoted = (value) => (/[",]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${flagsOfNote()}`;
  const head = "date,machine,kind,browser,engine,version,task,unit,n,median,p10,p90";
  const lines = rows.map(({ kind = "", engine, version, task, unit, values }) =>
    [date, machine, kind, `Chromium ${browser}`, engine, version, task, unit, values.length,
      ...[0.5, 0.1, 0.9].map((share) => Number(quantile(values, share).toFixed(3)))].map(quoted).join(","));
  const path = `benches/results/${date}-${name}.csv`;
  mkdirSync(join(ROOT, "benches/results"), { recursive: true });
  writeFileSync(join(ROOT, path), `${head}\n${lines.join("\n")}\n`);
  return path;
}

/** The vector instructions that decide how fast an int8 product can be. */
function flagsOfNote() {
  const flags = processorFlags();
  return ["avx2", "avx_vnni", "avx512_vnni"].filter((flag) => flags.includes(flag)).join(" ") || "no vector flags known";
}

/** What Linux says that the processor can do; nothing elsewhere, where the model's name must do. */
export function processorFlags() {
  try {
    return readFileSync("/proc/cpuinfo", "utf8").match(/^flags\s*:\s*(.*)$/m)?.[1].split(" ") ?? [];
  } catch {
    return [];
  }
}
