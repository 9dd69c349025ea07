/**
 * Finds which packages the modules of an app import, as they would be compiled, without compiling: Bun bundles the app
 * and throws the result away. Runs in a process of its own (worker/trace-worker.ts).
 */
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Environment } from "../../base/environment.ts";
import type { BuildSettings } from "../app/index.ts";
import type { Scratch } from "../scratch.ts";
import { releaseDefines } from "./defines.ts";
import { runWorker } from "./run-worker.ts";
import type { TraceSpec } from "./spec.ts";
import type { Trace } from "../graph/index.ts";

export interface TraceOptions extends Pick<TraceSpec, "externals" | "detect" | "inside" | "candidates"> {
  /** Path of the Bun executable. */
  readonly bun: string;
  readonly appDir: string;
  /** The workspace root. */
  readonly root: string;
  /** Absolute path of the app's entry. */
  readonly entry: string;
  readonly settings: BuildSettings;
  readonly environment: Environment;
  readonly scratch: Scratch;
}

/**
 * Traces an app.
 * @throws GantryError EXEC_FAILED when Bun does not run
 */
export async function traceApp(options: TraceOptions): Promise<Trace> {
  const { settings, scratch, externals, detect, inside, candidates } = options;
  const directory = scratch.makePrivate();
  try {
    const appDir = realPath(options.appDir);
    const inApp = (path: string) => realPath(resolve(appDir, path));
    const spec: TraceSpec = {
      appDir,
      root: realPath(options.root),
      entry: inApp(options.entry),
      externals,
      detect,
      inside,
      candidates,
      work: directory,
      defines: releaseDefines(settings),
      plugins: (settings.plugins ?? []).map(inApp),
      workers: (settings.workers ?? []).map(inApp),
    };
    const [specFile, resultFile] = [join(directory, "spec.json"), join(directory, "trace.json")];
    writeFileSync(specFile, JSON.stringify(spec));
    const died = await runWorker("trace-worker", options, directory, [specFile, resultFile]);
    if (!existsSync(resultFile)) throw died;
    return JSON.parse(readFileSync(resultFile, "utf8")) as Trace;
  } finally {
    scratch.remove(directory);
  }
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
