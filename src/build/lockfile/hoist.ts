/**
 * Lays a closure (all packages that the externals need) out as a node_modules: externals at the top, where the compiled
 * app looks for them, and every other package at the top too, unless that would change what another package gets. Pure.
 */
import { type BunLock, type RegistryEntry, splitKey, withInfo } from "../../release/index.ts";
import type { Closure, ClosureNode } from "./package-closure.ts";

/** The fields of the release's package.json that a lockfile repeats. */
export interface ReleaseDependencies {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/**
 * Hoists every package of a closure: places it at the top, or, when its name is taken there by another version,
 * directly below the package that depends on it. A bundled package stays where the tarball that brings it has it.
 * @param roots the packages that must be at the top: names to keys in the lockfile
 * @returns keys in the new tree to packages, in breadth-first order
 */
export function hoistClosure(closure: Closure, roots: ReadonlyMap<string, string>): Map<string, ClosureNode> {
  const placed = new Map<string, ClosureNode>();
  for (const [name, key] of roots) {
    const node = closure.nodes.get(key);
    if (node !== undefined) placed.set(name, fetched(node));
  }
  for (const [path, node] of placed) {
    for (const [name, key] of node.edges) {
      const child = closure.nodes.get(key);
      if (child === undefined) continue;
      const inTarball = bundledPath(path, node, child);
      const there = visible(placed, path, name);
      if (inTarball !== undefined) placed.set(inTarball, child);
      else if (there === undefined) placed.set(name, fetched(child));
      // Otherwise it goes directly under its dependent. In a directory between the two, it could change what other
      // packages get.
      else if (identity(there) !== identity(child)) placed.set(`${path}/${name}`, fetched(child));
    }
  }
  return placed;
}

/**
 * Where a bundled package lies that a placed package needs: both are in the tarball of the package around them, or the
 * dependent is that package. Undefined for a package that is not bundled, or whose tarball is not there.
 */
function bundledPath(path: string, { key }: ClosureNode, child: ClosureNode): string | undefined {
  if (child.entry.kind !== "registry" || !child.entry.info.bundled) return undefined;
  const [from, to, at] = [splitKey(key), splitKey(child.key), splitKey(path)];
  let shared = 0;
  while (shared < from.length && from[shared] === to[shared]) shared += 1;
  const around = at.slice(0, Math.max(0, at.length - (from.length - shared)));
  return around.length === 0 ? undefined : [...around, ...to.slice(shared)].join("/");
}

/** The package as one that is fetched by itself, because it is not where a tarball has it. */
function fetched(node: ClosureNode): ClosureNode {
  const { entry } = node;
  if (entry.kind !== "registry" || !entry.info.bundled) return node;
  return { ...node, entry: withInfo(entry, { ...entry.info, bundled: false }) };
}

function visible(
  placed: ReadonlyMap<string, ClosureNode>,
  from: string,
  name: string,
): ClosureNode | undefined {
  const path = splitKey(from);
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const found = placed.get([...path.slice(0, depth), name].join("/"));
    if (found !== undefined) return found;
  }
  return undefined;
}

function identity(node: ClosureNode): string {
  return node.entry.kind === "registry" ? `${node.entry.name}@${node.entry.version}` : node.key;
}

/**
 * One line for every dependency of a closure: the dependent, the name, and the version and integrity that it gets. Two
 * lockfiles give the same tree exactly when their lines are equal.
 */
export function pinLines(closure: Closure): Set<string> {
  const lines = new Set<string>();
  for (const node of closure.nodes.values()) {
    for (const [name, key] of node.edges) {
      const child = closure.nodes.get(key);
      if (child === undefined) continue;
      lines.add(`${identity(node)} gets ${name} = ${identity(child)} ${integrity(child)}`);
    }
  }
  return lines;
}

function integrity(node: ClosureNode): string {
  const last = node.entry.kind === "registry" ? node.entry.raw[3] : undefined;
  return typeof last === "string" ? last : "";
}

/** Formats a tree as a bun.lock, which Bun then reads and writes again in its own form. */
export function formatCandidate(
  placed: ReadonlyMap<string, ClosureNode>,
  release: ReleaseDependencies,
  version: BunLock["version"],
): string {
  const packages: Record<string, readonly unknown[]> = {};
  for (const [path, node] of placed) {
    if (node.entry.kind === "registry") packages[path] = withoutLoosePeers(node.entry, node);
  }
  const root = {
    name: release.name,
    dependencies: release.dependencies,
    optionalDependencies: release.optionalDependencies,
  };
  return `${JSON.stringify({ lockfileVersion: version, configVersion: 1, workspaces: { "": root }, packages }, null, 2)}\n`;
}

/** Removes required peers that the closure does not contain, because Bun would resolve them anew. */
function withoutLoosePeers(entry: RegistryEntry, node: ClosureNode): readonly unknown[] {
  const { peerDependencies } = entry.info;
  const optional = new Set(entry.info.optionalPeers);
  const loose = Object.keys(peerDependencies).filter((name) => !optional.has(name) && !node.edges.has(name));
  if (loose.length === 0) return entry.raw;
  const kept = Object.entries(peerDependencies).filter(([name]) => !loose.includes(name));
  return withInfo(entry, { ...entry.info, peerDependencies: Object.fromEntries(kept) }).raw;
}
