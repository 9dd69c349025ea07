// Makes sure that the installed devDependencies are those of package-lock.json. Every npm script that needs them calls
// this first, so a clean clone needs no extra step. Uses nothing but Node and npm.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} path */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(`${root}/${path}`, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Does node_modules match the lockfile? npm records what it installed in node_modules/.package-lock.json. */
function isInstalled() {
  const wanted = readPackages("package-lock.json");
  const found = readPackages("node_modules/.package-lock.json");
  if (wanted === undefined || found === undefined) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional === true || found[path]?.version === entry.version,
  );
}

/**
 * Runs a program in the repository and shows its output. Ends this process when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
export function runStep(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/**
 * Runs an installed tool by the name of its executable.
 * @param {string} name
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
export function runTool(name, args, env = {}) {
  runStep(`${root}/node_modules/.bin/${name}`, args, env);
}

/**
 * Runs installed tools at the same time, and shows the output of each when it ends. Ends this process when one fails.
 * @param {readonly (readonly [name: string, ...args: string[]])[]} tools
 */
export async function runToolsTogether(tools) {
  const statuses = await Promise.all(tools.map(([name, ...args]) => runAside(name, args)));
  const failed = statuses.find((status) => status !== 0);
  if (failed !== undefined) process.exit(failed);
}

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<number>}
 */
function runAside(name, args) {
  const child = spawn(`${root}/node_modules/.bin/${name}`, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      process.stdout.write(said);
      resolve(status ?? 1);
    });
  });
}

/**
 * Prints at the end how much processor time this process and all that it ran have taken, which a busy machine changes
 * less than the time on the clock. Linux only. @param {string} name
 */
export function tellCpuTime(name) {
  process.once("exit", () => {
    if (process.platform !== "linux") return;
    // proc(5): user and system time of the process and of its ended children, in hundredths of a second.
    const [, fields = ""] = /\) (.*)/.exec(readFileSync("/proc/self/stat", "utf8")) ?? [];
    const ticks = fields.split(" ").slice(11, 15).map(Number);
    const minutes = ticks.reduce((sum, each) => sum + each, 0) / 100 / 60;
    console.log(`${name}: ${minutes.toFixed(1)} minutes of processor time`);
  });
}

/** Installs when needed, then builds dist/. */
export function ensureBuilt() {
  if (isInstalled()) runStep(process.execPath, ["scripts/build.mjs"]);
  else runStep("npm", ["ci"]);
}
