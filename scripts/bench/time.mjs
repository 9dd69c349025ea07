// Runs under Bun: times commands against each other, one run of each in every round, so that other load affects all alike.
// Each round has an order of its own: what ran before a command leaves its traces in the caches.
// Reads a plan from the file that its argument names, and prints medians in milliseconds as JSON.
import { rmSync } from "node:fs";

/**
 * @typedef {{ runs: number, cwd: string, env: Record<string, string>,
 *   commands: Record<string, { argv: string[], remove?: string[] }> }} Plan
 */

/** @type {Plan} */
const plan = await Bun.file(process.argv[2] ?? "").json();
/** @type {Record<string, number[]>} */
const times = Object.fromEntries(Object.keys(plan.commands).map((name) => [name, []]));

/** @template T @param {T[]} values @returns {T[]} */
function shuffled(values) {
  const keyed = values.map((value) => ({ value, key: Math.random() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
}

for (let round = 0; round < plan.runs; round += 1) {
  for (const [name, { argv, remove }] of shuffled(Object.entries(plan.commands))) {
    for (const path of remove ?? []) rmSync(path, { recursive: true, force: true });
    const begun = Bun.nanoseconds();
    const result = Bun.spawnSync(argv, { cwd: plan.cwd, env: plan.env, stdio: ["ignore", "ignore", "pipe"] });
    times[name]?.push((Bun.nanoseconds() - begun) / 1e6);
    if (result.exitCode !== 0) throw new Error(`${name} exited with ${result.exitCode}: ${result.stderr}`);
  }
}

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
console.log(
  JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))),
);
