/** Runs one of the build's workers under Bun. Each is a file of worker/, and takes the paths of its request and result. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "../../base/environment.ts";
import { GantryError } from "../../base/errors.ts";
import { outputLines, run, type RunResult } from "../../base/process/index.ts";
import { scriptArguments, toolEnvironment } from "../../runtime/index.ts";
import type { Trace } from "../graph/index.ts";
import type { CompileSpec, TraceSpec, WorkerResult } from "./spec.ts";

/** A tsconfig.json without settings. It keeps Bun from searching for one in the directories above. */
const NO_SETTINGS = "{}";

/** What each worker is asked, and what it answers. */
interface Exchanges {
  readonly worker: { readonly spec: CompileSpec; readonly result: WorkerResult };
  readonly "trace-worker": { readonly spec: TraceSpec; readonly result: Trace };
}

interface WorkerOptions {
  /** Path of the Bun executable. */
  readonly bun: string;
  readonly environment: Environment;
}

/**
 * Runs a worker in a directory.
 * @param spec its request
 * @returns its result, from the file that it wrote
 * @throws GantryError EXEC_FAILED when Bun does not start, or ends without a result
 */
export async function runWorker<Name extends keyof Exchanges>(
  name: Name,
  { bun, environment }: WorkerOptions,
  directory: string,
  spec: Exchanges[Name]["spec"],
): Promise<Exchanges[Name]["result"]> {
  const [specFile, resultFile] = [join(directory, "spec.json"), join(directory, "result.json")];
  writeFileSync(join(directory, "tsconfig.json"), NO_SETTINGS);
  writeFileSync(specFile, JSON.stringify(spec));
  const worker = fileURLToPath(new URL(`worker/${name}${extname(import.meta.url)}`, import.meta.url));
  const output = await runBun(bun, scriptArguments(worker, specFile, resultFile), {
    cwd: directory,
    environment: toolEnvironment(environment),
  });
  if (!existsSync(resultFile)) throw workerDied(bun, output);
  return JSON.parse(readFileSync(resultFile, "utf8")) as Exchanges[Name]["result"];
}

async function runBun(...[bun, args, options]: Parameters<typeof run>): Promise<RunResult> {
  try {
    return await run(bun, args, options);
  } catch (error) {
    throw new GantryError({
      code: "EXEC_FAILED",
      what: `Bun does not start: ${error instanceof Error ? error.message : String(error)}`,
      where: bun,
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
