// Measures the first start of a release that fetches its modules from the registry.
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../install.mjs";
import { BUN, bytesBelow, must, record } from "./measure.mjs";

/** @param {string} work @param {string} release */
export function benchFirstStart(work, release) {
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
    must(BUN, args, app);
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
