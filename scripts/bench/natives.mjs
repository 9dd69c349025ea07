// Real native modules to measure readers with, fetched once from the npm registry into a cache outside the repository.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  closeSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { NATIVES } from "../pins.mjs";

const CACHE = process.env["GANTRY_BENCH_CACHE"] ?? join(homedir(), ".cache/gantry-bench");

/** @param {string} spec */
function ensurePackage(spec) {
  const directory = join(CACHE, spec.replaceAll("/", "+"));
  if (existsSync(directory)) return;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, "fetch-"));
  const packed = spawnSync("npm", ["pack", spec, "--silent", "--pack-destination", work], {
    encoding: "utf8",
  });
  const name = packed.stdout.trim().split("\n").at(-1) ?? "";
  const opened = spawnSync("tar", ["-xzf", join(work, name), "-C", work]);
  if (packed.status === 0 && opened.status === 0) {
    rmSync(join(work, name));
    renameSync(work, directory);
  } else {
    rmSync(work, { recursive: true });
    console.log(`not fetched, and so not measured: ${spec}`);
  }
}

/** @param {string} path */
function isElf(path) {
  const descriptor = openSync(path, "r");
  const head = Buffer.alloc(4);
  readSync(descriptor, head);
  closeSync(descriptor);
  return head.toString("latin1") === "\u007fELF";
}

/**
 * Absolute paths of `count` ELF modules, always the same ones in the same order.
 * @param {number} count
 */
export function fetchNatives(count) {
  for (const spec of NATIVES) ensurePackage(spec);
  const files = readdirSync(CACHE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".node"))
    .toSorted()
    .map((path) => join(CACHE, path))
    .filter(isElf);
  return files.slice(0, count);
}
