/**
 * Runs the launcher with the executable of the compiled app. There are two ways to ask for it: the start script sets a
 * variable, or an image without a shell calls the executable by the link lib/gantry beside it. This code is part of the
 * prelude, so it runs under Bun only.
 *
 * The launcher's files stay in lib/ and are evaluated here as modules without a directory. So Bun resolves nothing for
 * them, and opens no package.json, tsconfig.json, bunfig.toml or .env of any directory. Bun's command line
 * (BUN_BE_BUN=1), which ran the launcher before, opens those of the current directory, of the release and of all their
 * parents. Measured with the sample on Bun 1.4.5: a start takes 45 ms of processor time, and took 69 ms with the
 * command line (1.3.7: 77 and 85), with the same memory and the same size of the release. With the launcher compiled in
 * as bytecode it takes 43 ms, for 3.9 MB more in the binary and 1.9 MB more in the archive.
 */
import { env, plugin, spawnSync } from "bun";
import type * as fs from "node:fs";
import type * as node from "node:process";
import {
  isKept,
  DIRECTORY_VARIABLE,
  LAUNCHER_RUNTIME,
  LAUNCHER_VARIABLE,
} from "../../../release/start/caller.ts";
import * as NAMES from "../../../release/start/names.ts";

/**
 * Says whether the executable was called by the path lib/gantry of its release. The name alone does not count, because
 * the app itself may have any name.
 */
export function isCalledAsGantry(release: string): boolean {
  return process.argv0 === `${release}/${NAMES.link}`;
}

/**
 * Runs the launcher in a child process and exits with its status, as templates/run-launcher.sh does with a shell. The
 * app is not evaluated.
 */
export function becomeLauncher(release: string): never {
  const { cwd, exit } = import.meta.require("node:process") as typeof node;
  const kept = Object.entries(env).filter(([name]) => isKept(name));
  const { exitCode, signalCode } = spawnSync({
    cmd: [process.execPath, ...process.argv.slice(2)],
    cwd: release,
    env: {
      ...Object.fromEntries(kept),
      ...LAUNCHER_RUNTIME,
      [LAUNCHER_VARIABLE]: "1",
      [DIRECTORY_VARIABLE]: cwd(),
    },
    stdio: ["inherit", "inherit", "inherit"],
  });
  // A signal ended the child. A shell reports that by a status greater than 128 (POSIX, Shell Command Language, 2.8.2).
  // Here the signal's number is not added.
  return exit(signalCode === undefined ? exitCode : 128);
}

/** Starts the launcher in this process and throws, so that the app is not evaluated. */
export function startLauncher(release: string): never {
  const { readdirSync, readFileSync } = import.meta.require("node:fs") as typeof fs;
  const { exit } = import.meta.require("node:process") as typeof node;
  delete env[LAUNCHER_VARIABLE];
  const lib = `${release}/${NAMES.lib}`;
  plugin({
    name: "gantry-launcher",
    setup(build) {
      for (const name of readdirSync(lib)) {
        if (!name.endsWith(".mjs")) continue;
        // The launcher's files import each other as "./NAME.mjs" (scripts/build.mjs).
        const read = () =>
          readFileSync(`${lib}/${name}`, "utf8").replaceAll('"./launcher', `"${SCHEME}launcher`);
        build.module(SCHEME + name, () => ({ contents: read(), loader: "js" }));
      }
    },
  });
  const stop = new Error("the app does not start: the launcher does");
  process.on("uncaughtException", (error) => {
    if (error === stop) return;
    process.stderr.write(`${error.stack ?? String(error)}\n`);
    exit(70);
  });
  const first = SCHEME + NAMES.launcher.slice(NAMES.lib.length + 1);
  void import(first).then(() => exit());
  throw stop;
}

const SCHEME = "gantry-launcher:";
