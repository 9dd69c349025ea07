/**
 * Finds which of an app's packages stay outside its binary, and why. Every package that the app's modules
 * import, or that its production dependencies reach, gets one role and one reason, which names the evidence.
 */
import { realpathSync } from "node:fs";
import type { Target } from "../../release/index.ts";
import type { Trace } from "../graph/index.ts";
import {
  readExternals,
  readInstalled,
  type InstalledGraph,
  type InstalledPackage,
  type Sources,
} from "../app/index.ts";
import {
  describeBundled,
  describeCarried,
  describeExternal,
  describeLeftOut,
  describeUnused,
  sorted,
  type AnalyzedExternal,
  type AnalyzedPackage,
} from "./describe-package.ts";
import { readNativeEvidence, readPackageFiles } from "./native-evidence.ts";
import { refuseUnknownNames } from "./unknown-names.ts";
import { divideTraced } from "./graph-walk.ts";
import { divideDeclared, findCarried, type AnalysisSettings, type Walk } from "./package-walk.ts";
import { warnOfLoads } from "./unfollowed.ts";

/** The packages of an app in two lists: those that stay outside the binary, and all others. */
export interface Analysis {
  readonly name: string;
  readonly version: string;
  readonly target: string;
  readonly runtime: "bun" | "node";
  /**
   * Sorted by name. For an app that runs on Node, its dependencies from a registry, unless `gantry.externals` lists
   * others.
   */
  readonly externals: readonly AnalyzedExternal[];
  /** All others, sorted by role, then by name. */
  readonly packages: readonly AnalyzedPackage[];
  readonly warnings: readonly string[];
}

/**
 * Analyses an app whose modules are installed.
 * @param trace what the app's modules import. Without it, every package counts that a package.json names
 * @throws GantryError CONFIG_INVALID when the settings name a package that nothing in the app depends on
 */
export async function analyzeApp(
  sources: Pick<Sources, "appDir" | "root">,
  settings: AnalysisSettings,
  target: Target,
  trace?: Trace,
): Promise<Analysis> {
  // A build may trace a package into its output that only devDependencies name.
  const also = settings.traced === undefined ? [] : (["development"] as const);
  const reached = trace?.imports.map(({ dir }) => dir) ?? [];
  const graph = readInstalled(sources.appDir, sources.root, also, reached);
  refuseUnknownNames(graph, settings, trace?.imports.map(({ name }) => name) ?? []);
  const filesOf = remember(graph, (found) => readPackageFiles(found.dir));
  const evidenceOf = remember(graph, (found) => readNativeEvidence(found, filesOf(found)));
  const walk: Walk = {
    root: realpathSync(sources.root),
    graph,
    settings,
    chosen: readExternals(settings.externals),
    filesOf,
    evidenceOf,
    warnings: [],
  };
  const { externals, bundled } = trace === undefined ? divideDeclared(walk) : divideTraced(walk, trace);
  const { carried, leftOut } = findCarried(walk, externals, target);
  const list = [...externals.values()].map((external) => describeExternal(walk, external, target, carried));
  const names = new Set(list.map((external) => external.name));
  for (const name of settings.optional) {
    if (!names.has(name))
      walk.warnings.push(`gantry.optional names ${name}, which is not external: it is always there`);
  }
  if (trace !== undefined) walk.warnings.push(...warnOfLoads(walk, trace, bundled));
  return Object.freeze({
    name: graph.app.name,
    version: graph.app.version,
    target: target.name,
    runtime: settings.runtime ?? "bun",
    externals: sorted(list),
    packages: [
      ...describeCarried(walk, carried, externals, bundled),
      ...describeLeftOut(walk, leftOut),
      ...describeBundled(walk, bundled, carried),
      ...(trace === undefined ? [] : describeUnused(walk, [bundled, carried, leftOut], externals)),
    ],
    warnings: walk.warnings,
  });
}

/** Makes a reader that reads each package once and remembers the result, because several packages may depend on it. */
function remember<T>(
  graph: InstalledGraph,
  read: (found: InstalledPackage) => T,
): (found: InstalledPackage) => T {
  const known = new Map<string, T>();
  return (found) => {
    if (known.has(found.dir)) return known.get(found.dir) as T;
    const value = read(graph.packages.get(found.dir) ?? found);
    known.set(found.dir, value);
    return value;
  };
}
