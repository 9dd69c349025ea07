/**
 * Walks an app's packages by what their package.json files name: for a Node app, which packages stay outside of the
 * app's own build, and for every app what the externals need. Packages for other platforms are listed apart.
 */
import type { Target } from "../../release/index.ts";
import type {
  ExternalChoice,
  InstalledEdge,
  InstalledGraph,
  InstalledPackage,
  Settings,
} from "../app/index.ts";
import type { PackageFiles } from "./native-evidence.ts";
import { isPlatformPackage, platformRefusal } from "./platform.ts";

export interface Walk {
  readonly root: string;
  readonly graph: InstalledGraph;
  readonly settings: AnalysisSettings;
  /** What `gantry.externals` asks for. */
  readonly chosen: ExternalChoice;
  readonly filesOf: (found: InstalledPackage) => PackageFiles;
  readonly evidenceOf: (found: InstalledPackage) => string | undefined;
  readonly warnings: string[];
}

/** A package that stays outside, and why. */
export interface FoundExternal {
  readonly name: string;
  readonly found: InstalledPackage;
  /** The end of the sentence "it …". */
  readonly reason: string;
  /**
   * True when a package that is compiled in lists it in dependencies, or in peerDependencies without marking it as
   * optional.
   */
  required: boolean;
}

/** What stays outside by name, and the names of the packages that are compiled in by their directory. */
export interface Divided {
  readonly externals: Map<string, FoundExternal>;
  readonly bundled: Map<string, string>;
}

export interface AnalysisSettings
  extends Pick<Settings, "externals" | "optional">, Partial<Pick<Settings, "runtime">> {
  /**
   * Names of the packages that a framework's build traced into its output. Of these the native ones are external, and no
   * other package is.
   */
  readonly traced?: ReadonlySet<string>;
}

/** Walks the packages that package.json files name, from the app to the first external on each path. */
export function divideDeclared(walk: Walk): Divided {
  const { graph } = walk;
  const externals = new Map<string, FoundExternal>();
  const bundled = new Map([[graph.app.dir, graph.app.name]]);
  for (const directory of bundled.keys()) {
    const from = graph.packages.get(directory);
    for (const edge of from?.edges ?? []) {
      const found = edge.to === undefined ? undefined : graph.packages.get(edge.to);
      if (from === undefined || found === undefined) continue;
      const reason = judge(walk, edge.name, found);
      if (reason === undefined) {
        if (!bundled.has(found.dir)) bundled.set(found.dir, edge.name);
        continue;
      }
      warnOfVersions(walk, externals.get(edge.name), found, from.name);
      const external = externals.get(edge.name) ?? { name: edge.name, found, reason, required: false };
      external.required ||= isRequired(from, edge);
      externals.set(edge.name, external);
    }
  }
  return { externals, bundled };
}

export function warnOfVersions(
  { warnings }: Walk,
  known: FoundExternal | undefined,
  found: InstalledPackage,
  by: string,
): void {
  if (known === undefined || known.found.version === found.version) return;
  const { name } = known;
  warnings.push(
    `${name} ${known.found.version} goes into the release; ${by} was installed with ${found.version}`,
  );
}

function isRequired(from: InstalledPackage, edge: InstalledEdge): boolean {
  if (edge.kind === "peer") return from.json.peerDependenciesMeta?.[edge.name]?.optional !== true;
  return edge.kind === "hard";
}

/** Why a package is external. Undefined for a package that is compiled in. */
function judge(walk: Walk, name: string, found: InstalledPackage): string | undefined {
  const told = judgeByName(walk, name, found);
  if (told !== undefined) return told.reason;
  const { evidenceOf, settings } = walk;
  const evidence = evidenceOf(found);
  if (settings.traced !== undefined) return settings.traced.has(found.name) ? evidence : undefined;
  if (evidence !== undefined) return evidence;
  // A package of the workspace is source code, which the app's build has to include.
  return settings.runtime !== "node" || found.workspace
    ? undefined
    : "is plain JavaScript that the app depends on";
}

/** The reason of a package that the settings name. */
export const NAMED = "is named in gantry.externals";

/**
 * What `gantry.externals` says of a package. Warns of a native one that it leaves to the compiler.
 * @returns a reason for a package that stays outside; undefined when the setting leaves it to detection
 */
export function judgeByName(
  walk: Walk,
  name: string,
  found: InstalledPackage,
): { readonly reason: string | undefined } | undefined {
  const { only, added, excluded } = walk.chosen;
  const evidence = walk.evidenceOf(found);
  if (added.includes(name) || only?.includes(name) === true) return { reason: evidence ?? NAMED };
  if (only === undefined && !excluded.includes(name)) return undefined;
  warnOfOverruled(walk, name, { found, evidence });
  return { reason: undefined };
}

function warnOfOverruled(
  { chosen: { excluded }, settings, warnings }: Walk,
  name: string,
  { found, evidence }: { readonly found: InstalledPackage; readonly evidence: string | undefined },
): void {
  // No warning for a package of one platform: the package that depends on it gets the warning.
  if (evidence === undefined || isPlatformPackage(name, found.json)) return;
  const fate = settings.runtime === "node" ? "left to the app's own build" : "compiled in";
  const why = excluded.includes(name) ? "excludes it" : "does not name it";
  const warning = `${name} is ${fate} because gantry.externals ${why}, but it ${evidence}`;
  if (!warnings.includes(warning)) warnings.push(warning);
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
