/**
 * Loads the release's `.env` (release/env-file.ts). Nothing here stops a start. Part of the prelude, Bun alone.
 */
import { file } from "bun";
import type * as fs from "node:fs";
import type * as util from "node:util";
import { applyEnvFile } from "../../release/env-file.ts";

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
    for (const name of applyEnvFile(parseEnv(readFileSync(path, "utf8")), env))
      warn(`${name} is not taken from this file`);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    warn(`cannot be read (${reason}), the app starts without it`);
  }
}
