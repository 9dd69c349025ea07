// Measures starts of a prepared release, and of one whose modules are present without a stamp.
import { copyFileSync, cpSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { ms, must, record, time, writeProgram } from "./measure.mjs";

/** The wrapper that people write: change directory, look for modules, export, exec. */
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

/**
 * Measures what happens before the app on a warm start. The same scripts run first with /bin/true in place of the app,
 * which times only the scripts, and then with the app itself.
 * @param {string} work @param {string} release
 */
export function benchWarm(work, release) {
  const way = join(work, "way");
  cpSync(release, way, { recursive: true, preserveTimestamps: true });
  // Root accepts a stamp only in the directory in which it was written, so the copy is proven before its app is
  // replaced.
  must(join(way, "gantry"), ["prepare", "--offline"], work);
  rmSync(join(way, "lib/brain"));
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
export function benchCold(work, release) {
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
