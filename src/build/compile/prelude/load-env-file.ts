/**
 * Loads the release's `.env` (release/env-file.ts). An error here never stops a start. This code is part of the
 * prelude, so it runs under Bun only.
 */
import { file } from "bun";
import type * as fs from "node:fs";
import type * as util from "node:util";
import { applyEnvFile } from "../../../release/start/env-file.ts";

/**
 * Sets the variables of an env file.
 * @param path the file; when it is missing, nothing happens
 * @param env the environment to change
 * @param refusals whether to report problems; `silent` in workers, because the main thread has reported them
 */
export function loadEnvironmentFile(
  path: string,
  env: Record<string, string | undefined>,
  refusals: "warn" | "silent",
): void {
  // Bun gives a missing file the size 0. This test is faster than loading node:fs.
  if (file(path).size === 0) return;
  const { readFileSync, writeSync } = import.meta.require("node:fs") as typeof fs;
  const warn = (text: string) => {
    if (refusals === "silent") return;
    try {
      writeSync(2, `gantry: .env: ${text}\n`);
    } catch {
      // Standard error is closed. The app can start without the message.
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
