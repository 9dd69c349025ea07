// Measures the verdict on native files.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../install.mjs";
import { ms, record, time, writeProgram } from "./measure.mjs";
import { fetchNatives } from "./natives.mjs";

/**
 * Compares gantry's own reader and rules with common tools, over the same files in one process each.
 * @param {string} work @param {string} release
 */
export function benchCheck(work, release) {
  const own = readdirSync(join(release, "node_modules"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".node"))
    .map((path) => join(release, "node_modules", path));
  const files = [...own, ...fetchNatives(100)];
  const cli = join(root, "dist/cli.js");
  const list = join(work, "check-files");
  const quoted = files.map((file) => `'${file}'`).join(" ");
  // Exit 69 means that some files are for other machines. That is a verdict and not a failure of the run.
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
  // The launcher's debug log says how long a start without a stamp took.
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
