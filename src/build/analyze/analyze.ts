/**
 * Which of an app's packages stay outside its binary, and why. Every package of the production closure gets one role
 * and one reason with the evidence; the user's own list wins over detection, and what it overrules is said.
 */
import { relative, sep } from "node:path";
import { GantryError, type Finding } from "../../errors.ts";
import type { Target } from "../../release/targets.ts";
import {
  readInstalled,
  type InstalledEdge,
  type InstalledGraph,
  type InstalledPackage,
} from "../app/installed.ts";
import { nearest, type Settings } from "../app/settings.ts";
import type { Sources } from "../app/sources.ts";
import { judgeEmbedding, type Embeddable } from "./embed.ts";
import { readNativeEvidence, readPackageFiles, type PackageFiles } from "./evidence.ts";
import { isPlatformPackage, platformRefusal } from "./platform.ts";

export { formatAnalysis } from "./format.ts";

/**
 * `external`: native, loaded from the release. `beside`: plain JavaScript that works only beside a native package,
 * external too. `carried`: an external needs it at run time, so it is in the release, but the app does not import it
 * from there. `left-out`: made for another platform. `bundled`: compiled in.
 */
type Role = "external" | "beside" | "carried" | "left-out" | "bundled";

export interface AnalyzedPackage {
  /** The name it is imported by; an alias's, where there is one. */
  readonly name: string;
  readonly version: string;
  readonly role: Role;
  /** A sentence that names the evidence. */
  readonly reason: string;
  /** Size of its own files as installed. */
  readonly bytes: number;
  /** Its directory, relative to the workspace root. */
  readonly path: string;
  /** Names of the externals that need it; empty for what is compiled in. */
  readonly neededBy: readonly string[];
}

interface AnalyzedExternal extends AnalyzedPackage {
  readonly role: "external" | "beside";
  /** The app starts without it. */
  readonly optional: boolean;
  /** It carries, loads or fetches a native file itself. */
  readonly native: boolean;
  readonly embeddable: Embeddable;
}

export interface Analysis {
  readonly name: string;
  readonly version: string;
  readonly target: string;
  readonly runtime: "bun" | "node";
  /** Sorted by name. With Node every production dependency is one. */
  readonly externals: readonly AnalyzedExternal[];
  /** All others, sorted by role, then by name. */
  readonly packages: readonly AnalyzedPackage[];
  readonly warnings: readonly string[];
}

interface Walk {
  readonly root: string;
  readonly graph: InstalledGraph;
  readonly settings: AnalysisSettings;
  readonly filesOf: (found: InstalledPackage) => PackageFiles;
  readonly evidenceOf: (found: InstalledPackage) => string | undefined;
  readonly warnings: string[];
}

interface FoundExternal {
  readonly name: string;
  readonly found: InstalledPackage;
  readonly role: "external" | "beside";
  readonly reason: string;
  /** Some package that is compiled in cannot do without it. */
  required: boolean;
}

export type AnalysisSettings = Pick<Settings, "externals" | "optional"> & Partial<Pick<Settings, "runtime">>;

/**
 * Analyses an app whose modules are installed.
 * @throws GantryError CONFIG_INVALID when the settings name a package that is no dependency
 */
export async function analyzeApp(
  sources: Pick<Sources, "appDir" | "root">,
  settings: AnalysisSettings,
  target: Target,
): Promise<Analysis> {
  const graph = readInstalled(sources.appDir, sources.root);
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
    externals: list.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    packages: [
      ...describeCarried(walk, carried, externals, bundled),
      ...sorted(
        [...leftOut].map(([dir, { name, reason }]) =>
          describe(walk, dir, { name, role: "left-out", reason, neededBy: [] }),
        ),
      ),
      ...describeBundled(walk, bundled, carried),
    ],
    warnings: walk.warnings,
  });
}

/** Walks what is compiled in, from the app to the first external on each way. */
function findExternals(walk: Walk): { externals: Map<string, FoundExternal>; bundled: Map<string, string> } {
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

/** External or not, and why; undefined for what is compiled in. */
function judge(
  walk: Walk,
  name: string,
  found: InstalledPackage,
): Pick<FoundExternal, "role" | "reason"> | undefined {
  const { evidenceOf, graph, settings, warnings } = walk;
  const evidence = evidenceOf(found);
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
    // A variant for one platform is told of with the package that chooses it.
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
  // The workspace's own packages are source code, which the app's build has to take in.
  return settings.runtime !== "node" || found.workspace
    ? undefined
    : { role: "external", reason: "is plain JavaScript that the app depends on" };
}

interface Carried {
  readonly name: string;
  readonly neededBy: Set<string>;
}

/** Everything that externals need, by directory; variants for other platforms apart. */
function findCarried(
  walk: Walk,
  externals: ReadonlyMap<string, FoundExternal>,
  target: Target,
): { carried: Map<string, Carried>; leftOut: Map<string, { name: string; reason: string }> } {
  const carried = new Map<string, Carried>();
  const leftOut = new Map<string, { name: string; reason: string }>();
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

function describeExternal(
  walk: Walk,
  external: FoundExternal,
  target: Target,
  carried: ReadonlyMap<string, Carried>,
): AnalyzedExternal {
  const { name, found, role, reason, required } = external;
  const native = walk.evidenceOf(found) !== undefined;
  const neededBy = [...new Set([name, ...(carried.get(found.dir)?.neededBy ?? [])])].toSorted();
  return {
    ...describe(walk, found.dir, { name, role, reason, neededBy }),
    role,
    optional: walk.settings.optional.includes(name) || !required,
    native,
    embeddable: native
      ? judgeEmbedding(found, walk.graph, walk.filesOf, target)
      : { possible: false, why: "it has no native file of its own" },
  };
}

function describeCarried(
  walk: Walk,
  carried: ReadonlyMap<string, Carried>,
  externals: ReadonlyMap<string, FoundExternal>,
  bundled: ReadonlyMap<string, string>,
): AnalyzedPackage[] {
  const own = new Set([...externals.values()].map((external) => external.found.dir));
  const rest = [...carried].filter(([dir]) => !own.has(dir));
  return sorted(
    rest.map(([dir, { name, neededBy }]) => {
      const names = [...neededBy].toSorted();
      const reason = `is needed by ${names.join(" and ")}${bundled.has(dir) ? ", and compiled in too" : ""}`;
      return describe(walk, dir, { name, role: "carried", reason, neededBy: names });
    }),
  );
}

function describeBundled(
  walk: Walk,
  bundled: ReadonlyMap<string, string>,
  carried: ReadonlyMap<string, Carried>,
): AnalyzedPackage[] {
  const rest = [...bundled].filter(([dir]) => dir !== walk.graph.app.dir && !carried.has(dir));
  return sorted(
    rest.map(([dir, name]) => {
      const own = walk.graph.packages.get(dir)?.workspace === true;
      const reason = own ? "is source code of the workspace" : "is plain JavaScript";
      return describe(walk, dir, { name, role: "bundled", reason, neededBy: [] });
    }),
  );
}

function describe(
  walk: Walk,
  dir: string,
  fields: Pick<AnalyzedPackage, "name" | "role" | "reason" | "neededBy">,
): AnalyzedPackage {
  const found = walk.graph.packages.get(dir);
  const path = relative(walk.root, dir).split(sep).join("/");
  const bytes = found === undefined ? 0 : walk.filesOf(found).bytes;
  return { ...fields, version: found?.version ?? "", bytes, path };
}

function sorted(packages: AnalyzedPackage[]): AnalyzedPackage[] {
  return packages.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads each package once, however many ways lead to it. */
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

function refuseUnknownNames(graph: InstalledGraph, settings: AnalysisSettings): void {
  const known = [
    ...new Set([...graph.packages.values()].flatMap((found) => found.edges.map((edge) => edge.name))),
  ];
  const development: Readonly<Record<string, string>> = graph.app.json.devDependencies ?? {};
  const lists = { externals: settings.externals ?? [], optional: settings.optional };
  const [first, ...rest] = Object.entries(lists).flatMap(([key, names]) =>
    names.flatMap((name, index): Finding[] => {
      if (known.includes(name)) return [];
      const near = nearest(name, known);
      const only =
        development[name] === undefined
          ? "the app does not depend on it"
          : 'it stands only in "devDependencies"';
      return [
        {
          code: "CONFIG_INVALID",
          what: `"gantry.${key}.${index}" is "${name}": ${only}`,
          where: `${graph.app.dir}/package.json`,
          fix:
            near === undefined || development[name] !== undefined
              ? `add ${name} to "dependencies", or remove it here`
              : `did you mean "${near}"?`,
        },
      ];
    }),
  );
  if (first !== undefined) throw new GantryError(first, ...rest);
}
