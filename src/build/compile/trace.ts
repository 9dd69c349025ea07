/**
 * Finds which packages the modules of an app import, as they would be compiled, without compiling: Bun bundles the app
 * and throws the result away. Runs in a process of its own (worker/trace-worker.ts).
 */
import type { Environment } from "../../base/environment.ts";
import type { Scratch } from "../scratch.ts";
import { planSources, type SourceOptions } from "./plan-sources.ts";
import { runWorker } from "./run-worker.ts";
import type { TraceSpec } from "./spec.ts";
import type { Trace } from "../graph/index.ts";

export interface TraceOptions extends SourceOptions, Pick<TraceSpec, "detect" | "inside" | "candidates"> {
  /** Path of the Bun executable. */
  readonly bun: string;
  readonly environment: Environment;
  readonly scratch: Scratch;
}

/**
 * Traces an app.
 * @throws GantryError EXEC_FAILED when Bun does not run
 */
export async function traceApp(options: TraceOptions): Promise<Trace> {
  const { scratch, detect, inside, candidates } = options;
  const directory = scratch.makePrivate();
  try {
    const spec = { ...planSources(options, directory), detect, inside, candidates };
    return await runWorker("trace-worker", options, directory, spec);
  } finally {
    scratch.remove(directory);
  }
}
