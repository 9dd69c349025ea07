/**
 * The release's management commands where there is no shell to run its scripts: an image without one calls the compiled
 * app by the name lib/gantry, a link beside it, and it becomes the launcher as templates/program-bun.sh would make it.
 * Part of the prelude, so it runs under Bun alone.
 */
import { env, spawnSync } from "bun";
import type * as node from "node:process";
import * as NAMES from "../../release/names.ts";

/** Only this one path counts: what the app itself is called by is its own business. */
export function isCalledAsGantry(release: string): boolean {
  return process.argv0 === `${release}/${NAMES.link}`;
}

/** Runs the launcher to its end and ends the process as it ended; the app is not evaluated. */
export function becomeLauncher(release: string): never {
  const { exit } = import.meta.require("node:process") as typeof node;
  const { NODE_PATH: _, BUN_OPTIONS: __, ...environment } = env;
  const switches = ["--config=/dev/null", "--env-file=/dev/null", "--no-install"];
  const { exitCode, signalCode } = spawnSync({
    cmd: [process.execPath, ...switches, `${release}/${NAMES.launcher}`, ...process.argv.slice(2)],
    env: { ...environment, BUN_BE_BUN: "1", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", BUN_JSC_useDFGJIT: "0" },
    stdio: ["inherit", "inherit", "inherit"],
  });
  // What a shell says of a process that a signal ended begins at 128 (POSIX 2.8.2).
  return exit(signalCode === undefined ? exitCode : 128);
}
