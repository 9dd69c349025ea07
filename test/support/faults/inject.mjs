// Breaks one system call of a run, at a place that was seen in a clean run before: strace(1) traces once to find the
// places, then injects a fault at one of them. Only calls that change files below a directory are places.
import { draw } from "../draw.mjs";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CALLS = [
  "open,openat,creat",
  "write,writev,pwrite64,copy_file_range,sendfile",
  "rename,renameat,renameat2",
  "fsync,fdatasync",
  "unlink,unlinkat,rmdir",
  "mkdir,mkdirat",
  "link,linkat,symlink,symlinkat",
  "truncate,ftruncate,fallocate",
  "chmod,fchmod,fchmodat,?fchmodat2,chown,fchown,fchownat,utimensat",
].join(",");

/**
 * @typedef {{ argv: string[], cwd: string, env: Record<string, string> }} Command
 * @typedef {{ call: string, nth: number, stage: string }} Point  the nth call of that name within one thread
 * @typedef {Point & { changes: boolean }} Place
 * @typedef {"signal=KILL" | "error=EIO" | "error=ENOSPC" | "error=EDQUOT"} Fault
 * @typedef {{ status: number | null, signal: string | null, stdout: string, stderr: string }} Outcome
 */

/** @type {readonly Fault[]} */
export const FAULTS = ["signal=KILL", "error=EIO", "error=ENOSPC"];

/** @param {string[]} options @param {Command} command @returns {Outcome} */
function strace(options, { argv, cwd, env }) {
  const result = spawnSync("strace", ["-f", "-qq", ...options, ...argv], {
    cwd,
    env,
    encoding: "utf8",
    timeout: 120_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.error !== undefined) throw result.error;
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}

/**
 * The places of a clean run where files change, in their order, each once.
 * @param {Command} command @param {string} directory only calls that name something below it
 * @param {string} scratch @returns {Point[]}
 */
export function findPoints(command, directory, scratch) {
  const places = findPlaces(command, directory, scratch).filter(({ changes }) => changes);
  return places.map(({ call, nth, stage }) => ({ call, nth, stage }));
}

/**
 * Those where files are opened to be read, too.
 * @param {Command} command @param {string} directory @param {string} scratch @returns {Place[]}
 */
export function findPlaces(command, directory, scratch) {
  const file = join(scratch, "trace");
  const { status, stderr } = strace(["-y", "-s", "200", "-o", file, "-e", `trace=${CALLS}`], command);
  if (status !== 0) throw new Error(`the clean run failed: ${stderr}`);
  /** @type {Map<string, number>} */
  const counts = new Map();
  // The fault strikes the first that makes its nth call: that one has to be the place, and not a tool of the script's.
  const seen = new Set();
  /** @type {Place[]} */
  const places = [];
  let stage = "begin";
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [, thread = "", call = "", rest = ""] = /^(\d+)\s+([a-z_0-9]+)\((.*)$/.exec(line) ?? [];
    if (call === "") continue;
    const key = `${thread} ${call}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    stage = /^2<[^>]*>, "gantry: (\w+)/.exec(rest)?.[1] ?? stage;
    const id = `${call} ${nth}`;
    if (!seen.has(id) && rest.includes(directory))
      places.push({ call, nth, stage, changes: doesChange(call, rest) });
    seen.add(id);
  }
  return places;
}

/** Reading opens are no changes. @param {string} call @param {string} rest */
function doesChange(call, rest) {
  return call === "creat" || !call.startsWith("open") || /O_CREAT|O_TRUNC|O_WRONLY|O_RDWR/.test(rest);
}

/** @param {Command} command @param {Point} point @param {Fault} fault @returns {Outcome} */
export function runWithFault(command, { call, nth }, fault) {
  return strace(
    ["-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:${fault}:when=${nth}`],
    command,
  );
}

/** @param {Command} command @returns {Outcome} */
export function runPlainly({ argv: [program = "", ...args], cwd, env }) {
  const { status, signal, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env,
    encoding: "utf8",
    timeout: 120_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, signal, stdout, stderr };
}

/**
 * Some of the places: each kind of call in each stage once, then others by chance.
 * @param {readonly Point[]} points @param {number} number @param {number} seed @returns {Point[]}
 */
export function choosePoints(points, number, seed) {
  /** @type {Map<string, Point>} */
  const classes = new Map();
  for (const point of points)
    if (!classes.has(`${point.stage} ${point.call}`)) classes.set(`${point.stage} ${point.call}`, point);
  const chosen = new Set(classes.values());
  const waiting = points.filter((point) => !chosen.has(point));
  return [...chosen, ...draw(waiting, number, seed)];
}
