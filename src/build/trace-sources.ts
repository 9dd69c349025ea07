/** Traces what the modules of an app on Bun import, with what its settings say of externals. */
import type { Environment } from "../base/environment.ts";
import { readExternals, type App, type Sources } from "./app/index.ts";
import { traceApp } from "./compile/index.ts";
import type { Trace } from "./graph/index.ts";
import type { Scratch } from "./scratch.ts";

export interface TraceContext {
  readonly app: App;
  readonly sources: Sources;
  /** Path of the Bun executable. */
  readonly bun: string;
  readonly environment: Environment;
  readonly scratch: Scratch;
}

/**
 * Traces the app, once for all targets.
 * @returns undefined for an app that runs on Node: its modules are not compiled
 * @throws GantryError EXEC_FAILED when Bun does not run
 */
export async function traceSources(context: TraceContext): Promise<Trace | undefined> {
  const { app, sources, bun, environment, scratch } = context;
  const { settings, packageJson } = app;
  if (settings.runtime === "node") return undefined;
  const { only, added, excluded } = readExternals(settings.externals);
  return await traceApp({
    bun,
    appDir: sources.appDir,
    root: sources.root,
    entry: sources.entry,
    settings: settings.build,
    externals: [...(only ?? []), ...added],
    detect: only === undefined ? "native" : "nothing",
    inside: excluded,
    candidates: Object.keys({ ...packageJson.dependencies, ...packageJson.optionalDependencies }),
    environment,
    scratch,
  });
}
