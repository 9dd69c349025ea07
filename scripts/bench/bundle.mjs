// Measures the first start of a release with a bundle, against a careful person's commands with the same archive, and
// against the package manager; many starts at once; sizes; memory.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, runStep } from "../install.mjs";
import { BUN, bytesBelow, ms, must, record, time, writeProgram } from "./measure.mjs";

const TARGETS = ["linux-x64-gnu", "linux-x64-musl", "linux-x64-gnu-baseline"];

/** @param {number} bytes */
const megabytes = (bytes) => bytes / 1e6;

/** @param {string} work */
export async function benchBundle(work) {
  const release = buildVendored(work, "vendored", "--vendor");
  const bundle = join(release, "vendor", readdirSync(join(release, "vendor"))[0] ?? "");
  benchUnpacking(work, release, bundle);
  benchTwenty(work, release);
  await benchMemory(work, release);
  benchSizes(work, release, bundle);
}

/** @param {string} work @param {string} name @param {string} flag */
function buildVendored(work, name, flag) {
  const out = join(work, name);
  runStep(process.execPath, ["dist/cli.js", "build", "test/fixtures/test-brain", "--out", out, flag]);
  return join(out, readdirSync(out).find((entry) => existsSync(join(out, entry, "brain"))) ?? "");
}

/** @param {string} work @param {string} release @param {string} bundle */
function benchUnpacking(work, release, bundle) {
  const byHand = join(work, "by-hand");
  const app = join(work, "with-bun");
  cpSync(join(root, "test/fixtures/test-brain"), app, { recursive: true });
  const cache = `--cache-dir=${join(work, "bun-cache")}`;
  const install = ["install", "--frozen-lockfile", "--production", "--ignore-scripts"];
  must(BUN, [...install, cache], app);
  const plain = join(work, "bundle.tar");
  const script =
    "process.stdout.write(require('node:zlib').zstdDecompressSync(require('node:fs').readFileSync(0)))";
  const { stdout } = spawnSync(BUN, ["-e", script], { input: readFileSync(bundle), maxBuffer: 1 << 30 });
  writeFileSync(plain, stdout);
  const names = must("tar", ["-tf", plain], work).trim().split("\n");
  must("mkdir", ["-p", byHand], work);
  must("tar", ["-xf", plain, "-C", byHand], work);
  writeFileSync(join(work, "SUMS"), must("sha256sum", names, byHand));
  // The system's zstd when there is one. Bun's does the same work and starts slower.
  const zstd = existsSync("/usr/bin/zstd") ? `zstd -dcq ${bundle}` : `${BUN} -e "${script}" < ${bundle}`;
  writeFileSync(join(work, "names"), names.join("\n"));
  writeProgram(
    join(work, "hand.sh"),
    `#!/bin/sh\nset -e\nmkdir ${byHand}\ncd ${byHand}\n${zstd} | tar -xf -\nsha256sum --quiet -c ${work}/SUMS\nxargs sync < ${work}/names\n`,
  );
  const times = time(work, 15, {
    own: { argv: [join(release, "gantry"), "prepare", "--offline"], remove: [join(release, "node_modules")] },
    hand: { argv: [join(work, "hand.sh")], remove: [byHand] },
    bun: { argv: [BUN, ...install, cache, `--cwd=${app}`], remove: [join(app, "node_modules")] },
  });
  record("first start from a bundle", ms(times, "own"), "ms");
  record("tar -x; sha256sum -c; sync FILE… of the same archive", ms(times, "hand"), "ms");
  record(
    "first start from a bundle / tar -x; sha256sum -c; sync FILE…",
    ms(times, "own") / ms(times, "hand"),
    "ratio",
    "<= 1.5",
  );
  record(
    "first start from a bundle / bun install --production, warm cache",
    ms(times, "own") / ms(times, "bun"),
    "ratio",
  );
  rmSync(join(app, "node_modules"), { recursive: true });
  const began = performance.now();
  must(BUN, [...install, `--cache-dir=${join(work, "cold-cache")}`, `--cwd=${app}`], work);
  const cold = performance.now() - began;
  record("first start from a bundle / the same, cold cache and network", ms(times, "own") / cold, "ratio");
}

/** @param {string} work @param {string} release */
function benchTwenty(work, release) {
  const brain = join(release, "brain");
  writeProgram(join(work, "at-once"), `#!/bin/sh\nfor i in $(seq 20); do ${brain} --version & done\nwait\n`);
  writeProgram(join(work, "in-turn"), `#!/bin/sh\nfor i in $(seq 20); do ${brain} --version; done\n`);
  const remove = [join(release, "node_modules")];
  const times = time(work, 7, {
    once: { argv: [join(work, "at-once")], remove },
    turn: { argv: [join(work, "in-turn")], remove },
  });
  record(
    "20 first starts at once / one, then 19 warm ones",
    ms(times, "once") / ms(times, "turn"),
    "ratio",
    "<= 1.3",
  );
}

/** @param {string} work @param {string} release @param {string} bundle */
function benchSizes(work, release, bundle) {
  const whole = join(work, "with-bun");
  const packed = join(work, "whole.tar");
  must("tar", ["-cf", packed, "-C", whole, "node_modules"], work);
  const compress =
    "const z=require('node:zlib');process.stdout.write(z.zstdCompressSync(require('node:fs').readFileSync(0),{params:{[z.constants.ZSTD_c_compressionLevel]:19}}))";
  const { stdout } = spawnSync(BUN, ["-e", compress], { input: readFileSync(packed), maxBuffer: 1 << 30 });
  rmSync(join(release, "node_modules"), { recursive: true, force: true });
  const plain = bytesBelow(release) - bytesBelow(join(release, "vendor"));
  record("whole node_modules", megabytes(bytesBelow(join(whole, "node_modules"))), "MB");
  record("whole node_modules, tar and zstd 19", megabytes(stdout.length), "MB");
  record("bundle", megabytes(statSync(bundle).size), "MB");
  record("bundle / whole node_modules, both with zstd", statSync(bundle).size / stdout.length, "ratio");
  // Most releases of other projects are a .tar.gz.
  const gzipped = Number(must("sh", ["-c", `gzip -6 -c ${packed} | wc -c`], work));
  record("bundle / whole node_modules as .tar.gz", statSync(bundle).size / gzipped, "ratio", "<= 0.333");
  record("release without a bundle", megabytes(plain), "MB");
  record("release with its bundle", megabytes(bytesBelow(release)), "MB");
  const three = buildVendored(work, "three", `--vendor=${TARGETS.join(",")}`);
  record(`release with ${TARGETS.length} bundles`, megabytes(bytesBelow(three)), "MB");
}

/**
 * Memory of a cold start: the largest process, and the largest sum of all, by each process's proportional share
 * (proc(5), smaps_rollup), sampled as often as possible.
 * @param {string} work @param {string} release
 */
async function benchMemory(work, release) {
  rmSync(join(release, "node_modules"), { recursive: true, force: true });
  const child = spawn(join(release, "gantry"), ["prepare", "--offline"], {
    cwd: work,
    stdio: "ignore",
    detached: true,
  });
  let largest = 0;
  let together = 0;
  const timer = setInterval(() => {
    const shares = readGroup(child.pid ?? 0);
    largest = Math.max(largest, ...shares.map(({ rss }) => rss));
    together = Math.max(
      together,
      shares.reduce((sum, { pss }) => sum + pss, 0),
    );
  }, 2);
  const status = await new Promise((resolve) => child.once("close", resolve));
  clearInterval(timer);
  if (status !== 0) throw new Error(`gantry prepare ended with ${status}`);
  record("cold start from a bundle: largest process", largest / 1024, "MB", "<= 80");
  record("cold start from a bundle: all its processes together", together / 1024, "MB");
}

/** Kilobytes of every process of a group. @param {number} group */
function readGroup(group) {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) return [];
      const text = readFileSync(`/proc/${name}/smaps_rollup`, "utf8");
      const value = (/** @type {string} */ key) =>
        Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
      return [{ rss: value("Rss"), pss: value("Pss") }];
    } catch {
      return [];
    }
  });
}
