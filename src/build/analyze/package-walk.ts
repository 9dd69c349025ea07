/**
 * Walks an app's packages. Finds which packages stay outside the app's binary and why, what those packages need, and
 * which packages are made for another platform. The setting `gantry.externals` takes precedence over detection. When it
 * leaves out a package that was detected, there is a warning.
 */
import type { Target } from "../../release/index.ts";
import type { InstalledEdge, InstalledGraph, InstalledPackage, Settings } from "../app/index.ts";
import type { PackageFiles } from "./native-evidence.ts";
import { isPlatformPackage, platformRefusal } from "./platform.ts";

export interface Walk {
  readonly root: string;
  readonly graph: InstalledGraph;
  readonly settings: AnalysisSettings;
  readonly filesOf: (found: InstalledPackage) => PackageFiles;
  readonly evidenceOf: (found: InstalledPackage) => string | undefined;
  readonly warnings: string[];
}

export interface FoundExternal {
  readonly name: string;
  readonly found: InstalledPackage;
  readonly role: "external" | "beside";
  readonly reason: string;
  /**
   * True when a package that is compiled in lists it in dependencies, or in peerDependencies without marking it as
   * optional.
   */
  required: boolean;
}

export interface AnalysisSettings
  extends Pick<Settings, "externals" | "optional">, Partial<Pick<Settings, "runtime">> {
  /**
   * Names of the packages that a framework's build traced into its output. Of these the native ones are external, and no
   * other package is.
   */
  readonly traced?: ReadonlySet<string>;
}

/**
 * Walks the packages that are compiled in, from the app to the first external on each path.
 * @returns externals by name, and the names of the packages that are compiled in by their directory
 */
export function findExternals(walk: Walk): {
  externals: Map<string, FoundExternal>;
  bundled: Map<string, string>;
} {
  const { graph, warnings } = walk;
  const externals = new Map<string, FoundExternal>();
  const bundled = new Map([[graph.app.dir, graph.app.name]]);
  for (const directory of bundled.keys()) {
    const from = graph.packages.get(directory);
    for (const edge of from?.edges ?? []) {
      const found = edge.to === undefined ? undefined : graph.packages.get(edge.to);
      if (from === undefined || found === undefined) continue;
      const verdict = judge(walk, edge.name, found);
      if (verdict === undefined) {
        if (!bundled.has(found.dir)) bundled.set(found.dir, edge.name);
        continue;
      }
      const known = externals.get(edge.name);
      if (known !== undefined && known.found.version !== found.version) {
        warnings.push(
          `${edge.name} ${known.found.version} goes into the release; ${from.name} was installed with ${found.version}`,
        );
      }
      const external = known ?? { name: edge.name, found, ...verdict, required: false };
      external.required ||= isRequired(from, edge);
      externals.set(edge.name, external);
    }
  }
  return { externals, bundled };
}

function isRequired(from: InstalledPackage, edge: InstalledEdge): boolean {
  if (edge.kind === "peer") return from.json.peerDependenciesMeta?.[edge.name]?.optional !== true;
  return edge.kind === "hard";
}

/** Says whether a package is external, and why. Undefined for a package that is compiled in. */
function judge(
  walk: Walk,
  name: string,
  found: InstalledPackage,
): Pick<FoundExternal, "role" | "reason"> | undefined {
  const { evidenceOf, graph, settings, warnings } = walk;
  const evidence = evidenceOf(found);
  if (settings.traced !== undefined && settings.externals === undefined) {
    const native = evidence !== undefined && settings.traced.has(found.name);
    return native ? { role: "external", reason: evidence } : undefined;
  }
  const native = found.edges
    .filter((edge) => edge.kind === "hard" && edge.to !== undefined)
    .map((edge) => ({ name: edge.name, found: graph.packages.get(edge.to ?? "") }))
    .filter((dependency) => dependency.found !== undefined && evidenceOf(dependency.found) !== undefined);
  const beside = native.map((dependency) => dependency.name).join(" and ");
  const detected = evidence !== undefined || (beside !== "" && !found.workspace);
  if (settings.externals !== undefined && !settings.externals.includes(name)) {
    const suspicion = evidence ?? `needs ${beside}, which is native`;
    const fate = settings.runtime === "node" ? "left to the app's own build" : "compiled in";
    const warning = `${name} is ${fate} because gantry.externals does not name it, but it ${suspicion}`;
    // No warning for a package of one platform: the package that depends on it gets the warning.
    const variant = isPlatformPackage(name, found.json);
    if (detected && !variant && !warnings.includes(warning)) warnings.push(warning);
    return undefined;
  }
  if (evidence !== undefined) return { role: "external", reason: evidence };
  if (detected)
    return {
      role: "beside",
      reason: `is plain JavaScript that works only beside ${beside} (its dependencies)`,
    };
  if (settings.externals !== undefined) return { role: "external", reason: "is named in gantry.externals" };
  // A package of the workspace is source code, which the app's build has to include.
  return settings.runtime !== "node" || found.workspace
    ? undefined
    : { role: "external", reason: "is plain JavaScript that the app depends on" };
}

export interface Carried {
  readonly name: string;
  readonly neededBy: Set<string>;
}

export interface LeftOutPackage {
  readonly name: string;
  /** Why the package is left out, as the end of the sentence "it …". */
  readonly reason: string;
}

/** Finds all packages that the externals need, by directory. Optional packages for other platforms are listed apart. */
export function findCarried(
  walk: Walk,
  externals: ReadonlyMap<string, FoundExternal>,
  target: Target,
): { carried: Map<string, Carried>; leftOut: Map<string, LeftOutPackage> } {
  const carried = new Map<string, Carried>();
  const leftOut = new Map<string, LeftOutPackage>();
  for (const external of externals.values()) {
    const seen = new Set([external.found.dir]);
    for (const directory of seen) {
      const found = walk.graph.packages.get(directory);
      const siblings = (found?.edges ?? [])
        .filter((edge) => edge.kind === "optional")
        .map((edge) => edge.name);
      for (const edge of found?.edges ?? []) {
        const to = edge.to === undefined ? undefined : walk.graph.packages.get(edge.to);
        if (to === undefined || seen.has(to.dir)) continue;
        const refusal =
          edge.kind === "optional" ? platformRefusal(edge.name, to.json, target, siblings) : undefined;
        if (refusal !== undefined) {
          leftOut.set(to.dir, { name: edge.name, reason: `is ${refusal}` });
          continue;
        }
        seen.add(to.dir);
        const entry = carried.get(to.dir) ?? { name: edge.name, neededBy: new Set() };
        entry.neededBy.add(external.name);
        carried.set(to.dir, entry);
      }
    }
  }
  return { carried, leftOut };
}
