/** Runs one of the build's workers under Bun. Each is a file of worker/, and takes the paths of its request and result. */
import { writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "../../base/environment.ts";
import { GantryError } from "../../base/errors.ts";
import { outputLines, run, type RunResult } from "../../base/process/index.ts";
import { scriptArguments, toolEnvironment } from "../../runtime/index.ts";

/** A tsconfig.json without settings. It keeps Bun from searching for one in the directories above. */
const NO_SETTINGS = "{}";

/**
 * Runs a worker in a directory.
 * @returns the error to throw when the worker wrote no result
 * @throws GantryError EXEC_FAILED when Bun does not start
 */
export async function runWorker(
  name: "worker" | "trace-worker",
  options: { readonly bun: string; readonly environment: Environment },
  directory: string,
  args: readonly string[],
): Promise<GantryError> {
  writeFileSync(join(directory, "tsconfig.json"), NO_SETTINGS);
  const worker = fileURLToPath(new URL(`worker/${name}${extname(import.meta.url)}`, import.meta.url));
  const environment = toolEnvironment(options.environment);
  try {
    const output = await run(options.bun, scriptArguments(worker, ...args), { cwd: directory, environment });
    return workerDied(options.bun, output);
  } catch (error) {
    throw new GantryError({
      code: "EXEC_FAILED",
      what: `Bun does not start: ${error instanceof Error ? error.message : String(error)}`,
      where: options.bun,
      fix: "install the app's dependencies, or name a Bun executable with --bun",
    });
  }
}

function workerDied(bun: string, output: RunResult): GantryError {
  const how = output.signal === null ? `exit status ${output.code}` : output.signal;
  return new GantryError({
    code: "EXEC_FAILED",
    what: `Bun ended while compiling (${how})`,
    where: bun,
    fix: "try another version of Bun with --bun; the lines above are its own",
    detail: outputLines(output.stderr).slice(-20),
  });
}
