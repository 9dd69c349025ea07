/**
 * Finds the packages of a release in the app's lockfile: the package of each external as this app resolves it, and the
 * closure, which is everything that those packages need on the target. Pure: packages that the lockfile lacks are only
 * listed, for complete.ts.
 */
import {
  type BunLock,
  type LockEntry,
  type LockInfo,
  platformList,
  resolveKey,
  type Target,
} from "../../release/index.ts";
import { isPlatformPackage, platformOfName, platformRefusal, type PlatformFields } from "../analyze/index.ts";

export interface LockEdge {
  readonly name: string;
  readonly spec: string;
  readonly kind: "hard" | "optional" | "peer";
}

export interface Pin {
  readonly name: string;
  /** Key in the lockfile of the package that the app gets when it imports `name`. */
  readonly key: string;
  /** Other versions, which other parts of the app would get: `version (for dependent)`. */
  readonly others: readonly string[];
}

/**
 * Finds the package that this app gets for each external's name: its own dependency first, else that of the nearest
 * package that is compiled in. In a workspace, a version that is nested below the member takes precedence over another
 * version at the top.
 * @param workspace the app's directory relative to the lockfile's; empty when they are the same
 * @returns by name, only the externals that the lockfile has
 */
export function findPins(lock: BunLock, workspace: string, externals: ReadonlySet<string>): Map<string, Pin> {
  const pins = new Map<string, Pin>();
  const seen = new Set([workspaceKey(lock, workspace)]);
  visitPins(lock, seen, externals, pins);
  // The settings may list a name on which only other externals depend. Then it is the package that those externals get.
  const inner = new Set([...externals].filter((name) => !pins.has(name)));
  if (inner.size > 0) visitPins(lock, new Set([...pins.values()].map((pin) => pin.key)), inner, pins);
  // A package may be imported, or traced by a build into its output, that only devDependencies name.
  const last = new Set([...externals].filter((name) => !pins.has(name)));
  if (last.size > 0) visitDevelopment(lock, workspace, last, pins);
  return pins;
}

/**
 * Adds the packages that a file imports although no package.json on the way to it names them: by their names and the
 * installed versions.
 */
export function pinUndeclared(
  lock: BunLock,
  externals: readonly { readonly name: string; readonly version?: string }[],
  pins: Map<string, Pin>,
): void {
  for (const { name, version } of externals) {
    if (pins.has(name)) continue;
    const key = [...lock.packages.keys()].find(
      (one) => (one === name || one.endsWith(`/${name}`)) && versionAt(lock, one) === version,
    );
    if (key !== undefined) pins.set(name, { name, key, others: [] });
  }
}

function visitDevelopment(
  lock: BunLock,
  workspace: string,
  wanted: ReadonlySet<string>,
  pins: Map<string, Pin>,
): void {
  const from = workspaceKey(lock, workspace);
  const seen = new Set<string>();
  for (const name of Object.keys(lock.workspaces[workspace]?.devDependencies ?? {})) {
    const key = resolveKey(lock, from, name);
    if (key === undefined) continue;
    if (wanted.has(name)) addPin(pins, lock, name, key, from);
    else seen.add(key);
  }
  visitPins(lock, seen, wanted, pins);
}

function visitPins(
  lock: BunLock,
  seen: Set<string>,
  wanted: ReadonlySet<string>,
  pins: Map<string, Pin>,
): void {
  for (const from of seen) {
    for (const edge of edgesOf(lock, from)) {
      const key = resolveKey(lock, from, edge.name);
      if (key === undefined) continue;
      if (wanted.has(edge.name)) addPin(pins, lock, edge.name, key, from);
      else seen.add(key);
    }
  }
}

function addPin(pins: Map<string, Pin>, lock: BunLock, name: string, key: string, from: string): void {
  const known = pins.get(name);
  if (known === undefined) {
    pins.set(name, { name, key, others: [] });
    return;
  }
  const version = versionAt(lock, key);
  if (known.key === key || versionAt(lock, known.key) === version) return;
  pins.set(name, {
    ...known,
    others: [...known.others, `${version} (for ${from === "" ? "the workspace root" : from})`],
  });
}

function versionAt(lock: BunLock, key: string): string {
  const entry = lock.packages.get(key);
  return entry === undefined ? "" : entry.kind === "registry" ? entry.version : entry.source;
}

/** The key of a workspace member in `packages` is its name. For the workspace root it is empty. */
function workspaceKey(lock: BunLock, workspace: string): string {
  return workspace === "" ? "" : (lock.workspaces[workspace]?.name ?? workspace);
}

/**
 * The production dependencies of the package at a key. Those of a workspace member are in the lockfile's `workspaces`.
 */
export function edgesOf(lock: BunLock, key: string): LockEdge[] {
  const entry = lock.packages.get(key);
  if (key === "") return listEdges(lock.workspaces[""]);
  if (entry?.kind === "workspace") return listEdges(lock.workspaces[entry.source.slice("workspace:".length)]);
  return listEdges(entry?.info);
}

type Lists = Partial<
  Pick<LockInfo, "dependencies" | "optionalDependencies" | "peerDependencies" | "optionalPeers">
>;

function listEdges(lists: Lists | undefined): LockEdge[] {
  const optionalPeers = new Set(lists?.optionalPeers);
  const edges = new Map<string, LockEdge>();
  for (const [name, spec] of Object.entries(lists?.peerDependencies ?? {})) {
    if (!optionalPeers.has(name)) edges.set(name, { name, spec, kind: "peer" });
  }
  for (const [name, spec] of Object.entries(lists?.dependencies ?? {}))
    edges.set(name, { name, spec, kind: "hard" });
  for (const [name, spec] of Object.entries(lists?.optionalDependencies ?? {})) {
    edges.set(name, { name, spec, kind: "optional" });
  }
  return [...edges.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** One package of the closure, by its key in the lockfile. */
export interface ClosureNode {
  readonly key: string;
  readonly entry: LockEntry;
  /** The dependencies of the package that belong to the closure: names to keys. */
  readonly edges: ReadonlyMap<string, string>;
}

export interface MissingEdge extends LockEdge {
  /** Key of the package that asks for it. */
  readonly from: string;
  /** True for a platform package, by its name or fields, that may be for the target. */
  readonly platform: boolean;
}

export interface LeftOut {
  readonly name: string;
  readonly version: string;
  readonly reason: string;
}

export interface Closure {
  readonly nodes: ReadonlyMap<string, ClosureNode>;
  readonly missing: readonly MissingEdge[];
  readonly leftOut: readonly LeftOut[];
  /** Keys of the platform packages for the target. */
  readonly platform: readonly string[];
}

const EXACT = /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/;

/** Walks everything that the packages at the given keys need on the target. */
export function walkClosure(lock: BunLock, roots: readonly string[], target: Target): Closure {
  const nodes = new Map<string, ClosureNode>();
  const missing: MissingEdge[] = [];
  const leftOut = new Map<string, LeftOut>();
  const platform = new Set<string>();
  const queue = new Set(roots);
  for (const key of queue) {
    const entry = lock.packages.get(key);
    if (entry === undefined) continue;
    const edges = new Map<string, string>();
    const asked = edgesOf(lock, key);
    const siblings = asked.filter((edge) => edge.kind === "optional").map((edge) => edge.name);
    for (const edge of asked) {
      const found = findEdge(lock, key, edge);
      const fields = found === undefined ? {} : fieldsOf(found.entry);
      const version = found === undefined ? edge.spec : versionAt(lock, found.key);
      const refusal =
        edge.kind === "optional" ? platformRefusal(edge.name, fields, target, siblings) : undefined;
      const isPlatform = edge.kind === "optional" && isPlatformPackage(edge.name, fields);
      if (refusal !== undefined)
        leftOut.set(`${edge.name}@${version}`, { name: edge.name, version, reason: refusal });
      else if (found === undefined) missing.push({ ...edge, from: key, platform: isPlatform });
      else {
        if (isPlatform) platform.add(found.key);
        edges.set(edge.name, found.key);
        queue.add(found.key);
      }
    }
    nodes.set(key, { key, entry, edges });
  }
  return { nodes, missing, leftOut: [...leftOut.values()], platform: [...platform] };
}

/**
 * The package that a dependency leads to. A package for one platform does not count when an exact version is asked for
 * and it has another one: lockfiles have such a wrong package at the top when the right version is not published (seen
 * with \@libsql 0.5.10).
 */
function findEdge(
  lock: BunLock,
  from: string,
  edge: LockEdge,
): { key: string; entry: LockEntry } | undefined {
  const key = resolveKey(lock, from, edge.name);
  const entry = key === undefined ? undefined : lock.packages.get(key);
  if (key === undefined || entry === undefined) return undefined;
  const { os, cpu } = platformOfName(edge.name);
  const variant = edge.kind === "optional" && os !== undefined && cpu !== undefined && EXACT.test(edge.spec);
  return variant && entry.kind === "registry" && entry.version !== edge.spec ? undefined : { key, entry };
}

export function fieldsOf(entry: LockEntry): PlatformFields {
  return {
    os: platformList(entry.info?.os),
    cpu: platformList(entry.info?.cpu),
    libc: platformList(entry.info?.libc),
  };
}
