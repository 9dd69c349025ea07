/**
 * Divides the packages that the modules of an app on Bun import: which are compiled in, and which stay outside, by the
 * module graph that is compiled (build/compile, trace.ts). A package stays outside when it is native, when it loads its
 * own files by names that a bundler cannot follow, when only a computed name leads to it, when it needs another version
 * of an external than the release has, or when the settings say so.
 */
import { relative } from "node:path";
import type { InstalledPackage } from "../app/index.ts";
import { packageDirectory, type Trace, type TracedImport } from "../graph/index.ts";
import {
  judgeByName,
  NAMED,
  warnOfVersions,
  type Divided,
  type FoundExternal,
  type Walk,
} from "./package-walk.ts";
import { requires } from "./required.ts";

/** Walks the imports of the app's modules, to the first external on each path. */
export function divideTraced(walk: Walk, trace: Trace): Divided {
  const near = nearLoads(walk, trace);
  const apart = new Map<string, string>();
  for (;;) {
    const divided = divideOnce(
      walk,
      trace,
      (name, found) => judge(walk, name, found, near) ?? apart.get(found.dir),
    );
    const clashes = versionClashes(walk, trace, divided).filter(([dir]) => !apart.has(dir));
    if (clashes.length === 0) return settle(walk, trace, divided);
    for (const [dir, reason] of clashes) apart.set(dir, reason);
  }
}

type Judge = (name: string, found: InstalledPackage) => string | undefined;

function divideOnce({ graph }: Walk, trace: Trace, judgeOne: Judge): Divided {
  const externals = new Map<string, FoundExternal>();
  const bundled = new Map([[graph.app.dir, graph.app.name]]);
  const byOwner = groupByOwner(trace.imports);
  const queue = new Set<string | undefined>([undefined]);
  for (const owner of queue) {
    for (const one of byOwner.get(owner) ?? []) {
      const found = graph.packages.get(one.dir);
      if (found === undefined || found.dir === graph.app.dir) continue;
      const reason = judgeOne(one.name, found);
      if (reason === undefined) {
        if (!bundled.has(found.dir)) bundled.set(found.dir, one.name);
        if (!found.workspace) queue.add(found.dir);
        continue;
      }
      const external = externals.get(one.name) ?? { name: one.name, found, reason, required: false };
      external.required ||= requires(graph, one);
      externals.set(one.name, external);
    }
  }
  return { externals, bundled };
}

function groupByOwner(imports: readonly TracedImport[]): ReadonlyMap<string | undefined, TracedImport[]> {
  const groups = new Map<string | undefined, TracedImport[]>();
  for (const one of imports) {
    const owner = packageDirectory(one.by);
    groups.set(owner, [...(groups.get(owner) ?? []), one]);
  }
  return groups;
}

/** Why a package is external. Undefined for a package that is compiled in. */
function judge(
  walk: Walk,
  name: string,
  found: InstalledPackage,
  near: ReadonlyMap<string, string>,
): string | undefined {
  const told = judgeByName(walk, name, found);
  if (told !== undefined) return told.reason;
  return walk.evidenceOf(found) ?? (found.workspace ? undefined : near.get(found.dir));
}

/** The packages that load files beside their own by computed names. By directory, with the reason. */
function nearLoads(walk: Walk, { loads }: Trace): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { by, line, what, text } of loads) {
    const owner = packageDirectory(by);
    if (what === "near" && owner !== undefined && !found.has(owner))
      found.set(
        owner,
        `loads its own files by computed names: ${text} in ${relative(walk.root, by)}:${line}`,
      );
  }
  return found;
}

/** Packages that are compiled in and got another version of an external than the release has. */
function versionClashes(
  walk: Walk,
  trace: Trace,
  { externals, bundled }: Divided,
): [dir: string, reason: string][] {
  if (walk.chosen.only !== undefined) return [];
  return trace.imports.flatMap(({ name, dir, by }): [string, string][] => {
    const external = externals.get(name);
    const found = walk.graph.packages.get(dir);
    const owner = packageDirectory(by);
    if (external === undefined || found === undefined || external.found.version === found.version) return [];
    if (owner === undefined || !bundled.has(owner)) return [];
    return [[owner, `needs ${name} ${found.version}, and the app has ${name} ${external.found.version}`]];
  });
}

/** Adds what no import leads to, and warns of versions. */
function settle(walk: Walk, trace: Trace, divided: Divided): Divided {
  const { externals, bundled } = divided;
  for (const { name, dir, by } of trace.imports) {
    const found = walk.graph.packages.get(dir);
    if (found !== undefined && isInside(by, bundled))
      warnOfVersions(walk, externals.get(name), found, shown(walk, by));
  }
  const { only, added, excluded } = walk.chosen;
  const add = (name: string, found: InstalledPackage | undefined, reason: string): void => {
    if (found === undefined || found.workspace || externals.has(name) || excluded.includes(name)) return;
    externals.set(name, { name, found, reason, required: isDependency(walk, name) });
  };
  for (const name of [...added, ...(only ?? [])]) add(name, installedAs(walk, name), NAMED);
  if (only !== undefined) return divided;
  const inside = trace.loads.filter(({ by }) => isInside(by, bundled));
  for (const load of inside) {
    const { name } = load;
    if (name === undefined) continue;
    add(
      name,
      installedAs(walk, name, packageDirectory(load.by)),
      `is loaded by ${load.text} in ${shown(walk, load.by)}:${load.line}`,
    );
  }
  const any = inside.find(({ what }) => what === "any");
  if (any !== undefined) {
    const place = `${shown(walk, any.by)}:${any.line}`;
    const imported = new Set(trace.imports.filter(({ by }) => isInside(by, bundled)).map(({ name }) => name));
    for (const { name, by } of trace.named) {
      if (imported.has(name)) continue;
      const reason = `is named in ${shown(walk, by)}, and ${place} loads modules by computed names`;
      add(name, installedAs(walk, name), reason);
    }
  }
  addPeers(walk, externals, add);
  return divided;
}

function isInside(by: string, bundled: ReadonlyMap<string, string>): boolean {
  const owner = packageDirectory(by);
  return owner === undefined || bundled.has(owner);
}

/** Externals load those of the app's dependencies that they name as optional peers: a query builder its driver. */
function addPeers(
  walk: Walk,
  externals: ReadonlyMap<string, FoundExternal>,
  add: (name: string, found: InstalledPackage | undefined, reason: string) => void,
): void {
  for (const external of externals.values()) {
    const peers = external.found.edges.filter(
      ({ kind, name }) => kind === "peer" && isDependency(walk, name),
    );
    for (const { name, to } of peers)
      add(
        name,
        walk.graph.packages.get(to ?? ""),
        `is an optional peer of ${external.name}, which is outside`,
      );
  }
}

function isDependency({ graph }: Walk, name: string): boolean {
  return graph.app.json.dependencies?.[name] !== undefined;
}

/** The package that a name leads to: from a package if it depends on it, from the app, or from any other. */
function installedAs({ graph }: Walk, name: string, from?: string): InstalledPackage | undefined {
  const owners = [graph.packages.get(from ?? ""), graph.app, ...graph.packages.values()];
  for (const owner of owners) {
    const to = owner?.edges.find((edge) => edge.name === name)?.to;
    const found = to === undefined ? undefined : graph.packages.get(to);
    if (found !== undefined) return found;
  }
  return undefined;
}

const shown = ({ root }: Walk, path: string): string => relative(root, path);
