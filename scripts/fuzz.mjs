#!/usr/bin/env node
// Runs reader and rules over damaged native files: no crash, no hang over 200 ms, no allocation over 64 MB.
// usage: fuzz.mjs DIST [COUNT] [SEED] [FILE...]     (200,000 inputs when left out; FILE adds real modules as seeds)
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fuzz, fuzzSeeds } from "../test/support/elf/fuzz.mjs";

const [dist, count = "200000", seed = "1", ...files] = process.argv.slice(2);
if (dist === undefined) {
  console.error("usage: fuzz.mjs DIST [COUNT] [SEED] [FILE...]");
  process.exit(64);
}
/** @param {string} name */
const load = (name) => import(pathToFileURL(join(resolve(dist), name)).href);
const { readNativeFile, guarded } = await load("elf/elf-file.js");
const { createJudge } = await load("compat/judge-files.js");

const LIMIT = { milliseconds: 200, bytes: 64 * 2 ** 20 };
const seeds = [...fuzzSeeds(), ...files.map((file) => new Uint8Array(readFileSync(file)))];
const started = process.memoryUsage().rss;
let peak = started;
const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
const total = { inputs: 0, slowest: 0, largest: 0 };
/** @type {Record<string, number>} */
const kinds = {};
/** @type {string[]} */
const failures = [];
const ROUND = 2000;
for (let done = 0; done < Number(count); done += ROUND) {
  const round = { count: Math.min(ROUND, Number(count) - done), seed: Number(seed) + done, seeds };
  const result = fuzz({ readNativeFile, guarded, createJudge }, round);
  total.inputs += result.inputs;
  total.slowest = Math.max(total.slowest, result.slowest);
  total.largest = Math.max(total.largest, result.largest);
  failures.push(...result.failures);
  for (const [kind, number] of Object.entries(result.kinds)) kinds[kind] = (kinds[kind] ?? 0) + number;
  peak = Math.max(peak, process.memoryUsage().rss);
}
clearInterval(timer);
for (const failure of failures.slice(0, 10)) console.log(failure);
console.log(
  `${total.inputs} inputs, ${failures.length} threw; slowest ${total.slowest.toFixed(1)} ms, largest read ${total.largest} bytes, ` +
    `memory grew by ${((peak - started) / 2 ** 20).toFixed(0)} MB`,
);
console.log(kinds);
if (failures.length > 0 || total.slowest > LIMIT.milliseconds || total.largest > LIMIT.bytes)
  process.exitCode = 1;
