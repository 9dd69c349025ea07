/**
 * Releases that several test files read. Whichever comes first builds, also in another process, and the others wait.
 * They are never written to.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { errorCode } from "../../../src/base/errors.ts";
import { BUN, runCli } from "./cli.ts";

/** The release that `gantry build ARGS` makes, without a start. Its archive lies beside it. */
export function sharedRelease(...args: readonly string[]): string {
  const directory = join(
    inject("sharedReleases"),
    createHash("sha256").update(args.join("\0")).digest("hex"),
  );
  const result = join(directory, "result");
  if (claim(directory)) {
    const built = runCli(directory, ["build", ...args, "--bun", BUN, "--no-smoke", "--out", "out"]);
    writeFileSync(`${result}.new`, built.status === 0 ? (built.stdout.split("\n")[0] ?? "") : built.stderr);
    renameSync(`${result}.new`, result);
  }
  while (!existsSync(result)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  const release = readFileSync(result, "utf8");
  if (!existsSync(release)) throw new Error(release);
  return release;
}

/** Whether this process is the first to make the directory. */
function claim(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}
