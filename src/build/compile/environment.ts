/**
 * Loads the release's `.env` as data, never as shell: what the environment says already wins, and variables that
 * steer the loader or the runtime are refused. Nothing here stops a start. Part of the prelude, Bun alone.
 */
import { file } from "bun";
import type * as fs from "node:fs";
import type * as util from "node:util";

/** ld.so(8), dyld(1), Node's and Bun's own: they decide what code is loaded, so a data file may not set them. */
const REFUSED = /^(?:NODE_PATH$|NODE_OPTIONS$|LD_|DYLD_|BUN_|GANTRY_)/;

/** @param refusals `silent` in workers, whose main thread has said it */
export function loadEnvironmentFile(
  path: string,
  env: Record<string, string | undefined>,
  refusals: "warn" | "silent",
): void {
  // The size of what is not there is 0, and asking for it is cheaper than loading node:fs.
  if (file(path).size === 0) return;
  const { readFileSync, writeSync } = import.meta.require("node:fs") as typeof fs;
  const warn = (text: string) => {
    if (refusals === "silent") return;
    try {
      writeSync(2, `gantry: .env: ${text}\n`);
    } catch {
      // Nobody listens on standard error: no reason to stop.
    }
  };
  try {
    const { parseEnv } = import.meta.require("node:util") as typeof util;
    for (const [name, value] of Object.entries(parseEnv(readFileSync(path, "utf8")))) {
      if (REFUSED.test(name)) warn(`${name} is not taken from this file`);
      else if (env[name] === undefined) env[name] = value;
    }
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    warn(`cannot be read (${reason}), the app starts without it`);
  }
}
