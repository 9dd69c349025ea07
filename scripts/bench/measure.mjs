// What all parts of the bench share: the list of results, timed commands, and the Bun that is used for comparison.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { root } from "../install.mjs";

const found = ["bun/bin/bun.exe", `@oven/bun-linux-${arch()}/bin/bun`]
  .map((path) => join(root, "node_modules", path))
  .find((file) => existsSync(file) && statSync(file).size > 1e6);
if (found === undefined) throw new Error("no Bun among the devDependencies");
export const BUN = found;

/** @type {{ what: string, value: number, unit: string, limit?: string }[]} */
export const results = [];
/** @param {string} what @param {number} value @param {string} unit @param {string} [limit] */
export const record = (what, value, unit, limit) =>
  results.push({
    what,
    value: Number(value.toPrecision(3)),
    unit,
    ...(limit === undefined ? {} : { limit }),
  });

/** @param {string} directory @returns {number} */
export const bytesBelow = (directory) =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

/** @param {string} file @param {string} text */
export function writeProgram(file, text) {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** @param {string} command @param {string[]} args @param {string} cwd @param {Record<string, string>} [env] */
export function must(command, args, cwd, env = {}) {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr}${result.stdout}`);
  return result.stdout;
}

/**
 * @param {string} work @param {number} runs
 * @param {Record<string, { argv: string[], remove?: string[] }>} commands @returns {Record<string, number>}
 */
export function time(work, runs, commands) {
  const plan = join(work, "plan.json");
  const cwd = join(work, "empty");
  mkdirSync(cwd, { recursive: true });
  const env = { PATH: "/usr/bin:/bin", HOME: cwd };
  writeFileSync(plan, JSON.stringify({ runs, cwd, env, commands }));
  const timer = join(root, "scripts/bench/time.mjs");
  const result = spawnSync(BUN, [timer, plan], { encoding: "utf8", cwd: root });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout);
}

/** @param {Record<string, number>} times @param {string} name */
export const ms = (times, name) => times[name] ?? Number.NaN;
