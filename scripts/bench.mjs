// npm run bench: what gantry costs, side by side with the alternatives, in one run, as ratios. Prints a table and
// writes bench/results.json; no figure is ever typed in by hand.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { fetchNatives } from "./bench/natives.mjs";
import { ensureBuilt, root, runStep } from "./install.mjs";

const BUN = ["bun/bin/bun.exe", `@oven/bun-linux-${arch()}/bin/bun`]
  .map((path) => join(root, "node_modules", path))
  .find((file) => existsSync(file) && statSync(file).size > 1e6);
if (BUN === undefined) throw new Error("no Bun among the devDependencies");

/** The wrapper that people write today, as found in the wild: change directory, look for modules, export, exec. */
const USUAL_WRAPPER = `#!/usr/bin/env bash
set -euo pipefail
SCRIPT_DIR="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"
cd "$SCRIPT_DIR"
if [ ! -d node_modules ]; then
  echo "Installing native modules" >&2
  bun install --production
fi
export NODE_PATH="$SCRIPT_DIR/node_modules"
exec "$SCRIPT_DIR/lib/brain" "$@"
`;

/** @type {{ what: string, value: number, unit: string, limit?: string }[]} */
const results = [];
/** @param {string} what @param {number} value @param {string} unit @param {string} [limit] */
const record = (what, value, unit, limit) =>
  results.push({
    what,
    value: Number(value.toPrecision(3)),
    unit,
    ...(limit === undefined ? {} : { limit }),
  });

/** @param {string} directory @returns {number} */
const bytesBelow = (directory) =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

/** @param {string} file @param {string} text */
function writeProgram(file, text) {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** @param {string} command @param {string[]} args @param {string} cwd @param {Record<string, string>} [env] */
function must(command, args, cwd, env = {}) {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr}${result.stdout}`);
}

/**
 * @param {string} work @param {number} runs
 * @param {Record<string, { argv: string[], remove?: string[] }>} commands @returns {Record<string, number>}
 */
function time(work, runs, commands) {
  const plan = join(work, "plan.json");
  const cwd = join(work, "empty");
  mkdirSync(cwd, { recursive: true });
  const env = { PATH: "/usr/bin:/bin", HOME: cwd };
  writeFileSync(plan, JSON.stringify({ runs, cwd, env, commands }));
  const timer = join(root, "scripts/bench/time.mjs");
  const result = spawnSync(BUN ?? "", [timer, plan], { encoding: "utf8", cwd: root });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout);
}

/** @param {Record<string, number>} times @param {string} name */
const ms = (times, name) => times[name] ?? Number.NaN;

/**
 * What comes before the app on a warm start. The same scripts, first with /bin/true in the place of the app, so that
 * only the way there is timed, then with the app itself.
 * @param {string} work @param {string} release
 */
function benchWarm(work, release) {
  const way = join(work, "way");
  cpSync(release, way, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !path.endsWith("lib/brain"),
  });
  copyFileSync("/bin/true", join(way, "lib/brain"));
  utimesSync(join(way, "lib/brain"), 0, 0);
  for (const [name, directory] of /** @type {const} */ ([
    ["the way", way],
    ["the app", release],
  ])) {
    const binary = join(directory, "lib/brain");
    writeProgram(join(directory, "exec-only"), `#!/bin/sh\nexec ${binary} "$@"\n`);
    writeProgram(join(directory, "usual-wrapper"), USUAL_WRAPPER);
    const times = time(work, name === "the way" ? 1000 : 200, {
      binary: { argv: [binary, "--version"] },
      "sh -c exec": { argv: ["/bin/sh", "-c", `exec ${binary} --version`] },
      "exec-only": { argv: [join(directory, "exec-only"), "--version"] },
      "./brain": { argv: [join(directory, "brain"), "--version"] },
      "usual-wrapper": { argv: [join(directory, "usual-wrapper"), "--version"] },
    });
    /** @param {string} key */
    const added = (key) => ms(times, key) - ms(times, "binary");
    if (name === "the way") {
      record("warm ./brain adds, over exec of the binary", added("./brain"), "ms", "<= 1.0");
      record("sh -c 'exec …' adds, over exec of the binary", added("sh -c exec"), "ms");
      record(
        "warm ./brain / exec-only script, both as added time",
        added("./brain") / added("exec-only"),
        "ratio",
        "<= 1.5",
      );
      record(
        "warm ./brain / usual bash wrapper, both as added time",
        added("./brain") / added("usual-wrapper"),
        "ratio",
        "<= 0.25",
      );
    } else {
      record(
        "warm ./brain --version / lib/brain --version, whole",
        ms(times, "./brain") / ms(times, "binary"),
        "ratio",
      );
    }
  }
}

/** @param {string} work @param {string} release */
function benchCold(work, release) {
  const times = time(work, 30, {
    binary: { argv: [join(release, "lib/brain"), "--version"] },
    cold: { argv: [join(release, "brain"), "--version"], remove: [join(release, "node_modules/.gantry")] },
  });
  record(
    "cold ./brain with modules in place / the binary's own start",
    ms(times, "cold") / ms(times, "binary"),
    "ratio",
    "< 10",
  );
}

/** @param {string} work @param {string} release */
function benchFirstStart(work, release) {
  /** @type {number[]} */
  const ratios = [];
  const app = join(work, "app");
  for (let round = 0; round < 3; round += 1) {
    const fresh = join(work, "fresh");
    cpSync(release, fresh, { recursive: true, filter: (path) => !path.includes("node_modules") });
    const begun = performance.now();
    must(join(fresh, "brain"), ["--version"], work);
    const own = performance.now() - begun;
    cpSync(join(root, "test/fixtures/test-brain"), app, { recursive: true });
    const args = [
      "install",
      "--frozen-lockfile",
      "--production",
      "--ignore-scripts",
      `--cache-dir=${join(work, "cache")}`,
    ];
    const again = performance.now();
    must(BUN ?? "", args, app);
    ratios.push(own / (performance.now() - again));
    if (round === 2) {
      record(
        "release and its modules / the same with a whole node_modules",
        bytesBelow(fresh) /
          (bytesBelow(fresh) -
            bytesBelow(join(fresh, "node_modules")) +
            bytesBelow(join(app, "node_modules"))),
        "ratio",
      );
      record(
        "modules of the release / a whole node_modules",
        bytesBelow(join(fresh, "node_modules")) / bytesBelow(join(app, "node_modules")),
        "ratio",
      );
    }
    for (const path of [fresh, app, join(work, "cache")]) rmSync(path, { recursive: true, force: true });
  }
  const median = ratios.toSorted((a, b) => a - b)[1] ?? Number.NaN;
  record("first ./brain over the network / plain bun install, cold caches", median, "ratio");
}

/**
 * Reading native files: gantry's own reader and rules against what people use, over the same files in one process
 * start each.
 * @param {string} work @param {string} release
 */
function benchCheck(work, release) {
  const own = readdirSync(join(release, "node_modules"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".node"))
    .map((path) => join(release, "node_modules", path));
  const files = [...own, ...fetchNatives(100)];
  const cli = join(root, "dist/cli.js");
  const list = join(work, "check-files");
  const quoted = files.map((file) => `'${file}'`).join(" ");
  // Exit 69 says that some of them are for other machines: that is their verdict, not a failure of the run.
  writeProgram(list, `#!/bin/sh\n"$@" ${quoted} >/dev/null 2>&1 || true\n`);
  const times = time(work, 5, {
    check: { argv: [list, process.execPath, cli, "check"] },
    readelf: { argv: [list, "readelf", "-d", "-V", "--dyn-syms"] },
    ldd: { argv: [list, "ldd"] },
  });
  record(
    `gantry check of ${files.length} modules / readelf -d -V --dyn-syms`,
    ms(times, "check") / ms(times, "readelf"),
    "ratio",
    "< 1",
  );
  record(
    `gantry check of ${files.length} modules / ldd`,
    ms(times, "check") / ms(times, "ldd"),
    "ratio",
    "< 1",
  );
  // The launcher says itself, at its most talkative, how long it took on a start without a stamp.
  const runs = Array.from({ length: 11 }, () => {
    rmSync(join(release, "node_modules/.gantry"), { recursive: true, force: true });
    const env = { ...process.env, GANTRY_LOG_LEVEL: "debug" };
    const { stderr } = spawnSync(join(release, "brain"), ["--version"], { encoding: "utf8", env, cwd: work });
    const [, judged, host] =
      /judged \d+ native files in ([\d.]+) ms, after reading the host in ([\d.]+) ms/.exec(stderr) ?? [];
    return { judged: Number(judged), host: Number(host) };
  });
  /** @param {(run: { judged: number, host: number }) => number} value */
  const median = (value) => runs.map(value).toSorted((a, b) => a - b)[5] ?? Number.NaN;
  record(
    "cold start: static check of the release's modules",
    median(({ judged }) => judged),
    "ms",
    "< 10",
  );
  record(
    "cold start: the same, with host and runtime read first",
    median(({ judged, host }) => judged + host),
    "ms",
  );
}

ensureBuilt();
const work = mkdtempSync(join(tmpdir(), "gantry-bench-"));
try {
  const out = join(work, "out");
  runStep(process.execPath, ["dist/cli.js", "build", "test/fixtures/test-brain", "--out", out]);
  const name = readdirSync(out).find((entry) => existsSync(join(out, entry, "brain"))) ?? "";
  const release = join(out, name);
  record("lib/launcher.mjs", statSync(join(release, "lib/launcher.mjs")).size / 1024, "KB", "<= 200");
  benchFirstStart(work, release);
  must(join(release, "gantry"), ["prepare"], work);
  benchWarm(work, release);
  benchCold(work, release);
  benchCheck(work, release);
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
