// npm run bench: measures gantry beside its alternatives in one run, as ratios. Prints a table and writes
// bench/results.json, whose figures are never edited by hand. `npm run bench -- NAME…` runs only some parts.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { arch, availableParallelism, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { benchBundle } from "./bench/bundle.mjs";
import { benchCheck } from "./bench/check.mjs";
import { benchImages } from "./bench/images.mjs";
import { must, record, results } from "./bench/measure.mjs";
import { benchNodeImages } from "./bench/node-images.mjs";
import { benchNode } from "./bench/node.mjs";
import { benchFirstStart } from "./bench/registry.mjs";
import { benchCold, benchWarm } from "./bench/start.mjs";
import { ensureBuilt, root, runStep } from "./install.mjs";

/**
 * In this order. Each gets a work directory and a release of the sample app, which `start` prepares for the later
 * ones.
 * @type {Record<string, (work: string, release: string) => void | Promise<void>>}
 */
const parts = {
  registry: benchFirstStart,
  bundle: benchBundle,
  start: (work, release) => {
    benchWarm(work, release);
    benchCold(work, release);
  },
  check: benchCheck,
  images: benchImages,
  "node-images": benchNodeImages,
  node: benchNode,
};

/** The size of what a start reads of the launcher, and of all of it. @param {string} lib */
function recordLauncher(lib) {
  const names = readdirSync(lib).filter((name) => name.endsWith(".mjs"));
  const read = readFileSync(join(lib, "launcher.mjs"), "utf8");
  /** @param {string[]} some */
  const kilobytes = (some) => some.reduce((sum, name) => sum + statSync(join(lib, name)).size, 0) / 1024;
  const needed = names.filter((name) => name === "launcher.mjs" || read.includes(`from"./${name}"`));
  record("what a start reads of the launcher", kilobytes(needed), "KB", "<= 200");
  record("the launcher's files together", kilobytes(names), "KB");
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
if (unknown !== undefined) {
  console.error(`bench: there is no part "${unknown}"; there are ${Object.keys(parts).join(", ")}`);
  process.exit(64);
}
ensureBuilt();
const work = mkdtempSync(join(tmpdir(), "gantry-bench-"));
try {
  const out = join(work, "out");
  runStep(process.execPath, ["dist/cli.js", "build", "test/fixtures/test-brain", "--out", out]);
  const name = readdirSync(out).find((entry) => existsSync(join(out, entry, "brain"))) ?? "";
  const release = join(out, name);
  recordLauncher(join(release, "lib"));
  for (const [part, bench] of Object.entries(parts)) {
    if (wanted.length > 0 && !wanted.includes(part)) continue;
    if (part !== "registry") must(join(release, "gantry"), ["prepare"], work);
    await bench(work, release);
  }
  mkdirSync(join(root, "bench"), { recursive: true });
  const machine = {
    platform: platform(),
    arch: arch(),
    cores: availableParallelism(),
    node: process.versions.node,
  };
  writeFileSync(join(root, "bench/results.json"), `${JSON.stringify({ machine, results }, null, 2)}\n`);
  for (const { what, value, unit, limit } of results) {
    console.log(`${what.padEnd(66)} ${String(value).padStart(7)} ${unit.padEnd(5)} ${limit ?? ""}`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
