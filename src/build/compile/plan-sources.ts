/** What a trace and a compile are both told of an app's sources. */
import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { BuildSettings } from "../app/index.ts";
import { releaseDefines } from "./defines.ts";
import type { SourceSpec } from "./spec.ts";

export interface SourceOptions {
  readonly appDir: string;
  /** The workspace root. */
  readonly root: string;
  /** Path of the app's entry, absolute or relative to the app. */
  readonly entry: string;
  /** Names of the packages that stay outside. */
  readonly externals: readonly string[];
  readonly settings: BuildSettings;
}

/**
 * Plans the part of a request that is about the sources. Links are resolved here, because Bun reports real paths and a
 * plugin finds the entry by its path.
 * @param work a private directory
 */
export function planSources(options: SourceOptions, work: string): SourceSpec {
  const { settings, externals } = options;
  const appDir = realPath(options.appDir);
  const inApp = (path: string) => realPath(resolve(appDir, path));
  return {
    appDir,
    root: realPath(options.root),
    entry: inApp(options.entry),
    externals,
    work,
    defines: releaseDefines(settings),
    plugins: (settings.plugins ?? []).map(inApp),
    workers: (settings.workers ?? []).map(inApp),
  };
}

/** A path without links, or as it is when nothing is there. */
export function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
