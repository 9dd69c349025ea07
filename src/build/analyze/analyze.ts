/**
 * Finds which of an app's packages stay outside its binary, and why. Every package that the app's production
 * dependencies reach gets one role and one reason, which names the evidence.
 */
import type { Target } from "../../release/index.ts";
import { readInstalled, type InstalledGraph, type InstalledPackage, type Sources } from "../app/index.ts";
import {
  describeBundled,
  describeCarried,
  describeExternal,
  describeLeftOut,
  sorted,
  type AnalyzedExternal,
  type AnalyzedPackage,
} from "./describe-package.ts";
import { readNativeEvidence, readPackageFiles } from "./native-evidence.ts";
import { refuseUnknownNames } from "./unknown-names.ts";
import { findCarried, findExternals, type AnalysisSettings, type Walk } from "./package-walk.ts";

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
 * @throws GantryError CONFIG_INVALID when the settings name a package that nothing in the app depends on
 */
export async function analyzeApp(
  sources: Pick<Sources, "appDir" | "root">,
  settings: AnalysisSettings,
  target: Target,
): Promise<Analysis> {
  // A build may trace a package into its output that only devDependencies name.
  const graph = readInstalled(
    sources.appDir,
    sources.root,
    settings.traced === undefined ? [] : ["development"],
  );
  refuseUnknownNames(graph, settings);
  const filesOf = remember(graph, (found) => readPackageFiles(found.dir));
  const evidenceOf = remember(graph, (found) => readNativeEvidence(found, filesOf(found)));
  const walk: Walk = { root: sources.root, graph, settings, filesOf, evidenceOf, warnings: [] };
  const { externals, bundled } = findExternals(walk);
  const { carried, leftOut } = findCarried(walk, externals, target);
  const list = [...externals.values()].map((external) => describeExternal(walk, external, target, carried));
  const names = new Set(list.map((external) => external.name));
  for (const name of settings.optional) {
    if (!names.has(name))
      walk.warnings.push(`gantry.optional names ${name}, which is not external: it is always there`);
  }
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
