/**
 * Reads the modules that an app has installed, as a graph of all packages that its production dependencies reach. They
 * are found as Node finds them, but never above the workspace root. Nothing is written. Missing packages are recorded.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { PackageJson } from "pkg-types";

type EdgeKind = "hard" | "optional" | "peer";

export interface InstalledEdge {
  /** The name by which the package is imported. An npm alias differs from the package's own name. */
  readonly name: string;
  /** The range or exact version that the dependent asks for. */
  readonly spec: string;
  readonly kind: EdgeKind;
  /** Directory of the package that the dependent gets; undefined when none is installed. */
  readonly to: string | undefined;
}

export interface InstalledPackage {
  /** Real path of its directory, which identifies it in the graph. */
  readonly dir: string;
  /** The package's own name and version. */
  readonly name: string;
  readonly version: string;
  readonly json: PackageJson;
  readonly edges: readonly InstalledEdge[];
  /** True for source code of the workspace, false for a package from a registry. */
  readonly workspace: boolean;
}

export interface InstalledGraph {
  readonly app: InstalledPackage;
  /** All packages by their real directory, in breadth-first order. The app is the first. */
  readonly packages: ReadonlyMap<string, InstalledPackage>;
  /** Hard dependencies that are not installed, each as `NAME (wanted by DEPENDENT)`. */
  readonly missing: readonly string[];
}

/**
 * Reads the app and everything that its production dependencies reach: dependencies, and the optionalDependencies and
 * peers that are installed. An optional peer counts only when something else in production needs it: otherwise it is
 * installed for development alone.
 * @param root the directory above which no module is used
 * @param also further dependencies of the app itself that count
 * @param reached directories of further packages that the app's modules import. They come last in the graph
 * @throws the file system's error when the app's own package.json cannot be read
 */
export function readInstalled(
  appDir: string,
  root: string,
  also: readonly "development"[] = [],
  reached: readonly string[] = [],
): InstalledGraph {
  const boundary = realpathSync(root);
  const app = readPackage(realpathSync(appDir), boundary, also);
  const packages = new Map([[app.dir, app]]);
  const missing: string[] = [];
  const readAll = (): void => {
    for (const current of packages.values()) {
      for (const edge of current.edges) {
        if (edge.to === undefined) {
          if (edge.kind === "hard") missing.push(`${edge.name} (wanted by ${current.name})`);
          continue;
        }
        if (!isOptionalPeer(current, edge) && !packages.has(edge.to))
          packages.set(edge.to, readPackage(edge.to, boundary));
      }
    }
  };
  readAll();
  const others = reached.filter((dir) => !packages.has(dir));
  for (const dir of others) packages.set(dir, readPackage(dir, boundary));
  if (others.length > 0) readAll();
  const known = [...packages].map(([dir, found]) => [dir, withoutUnknownPeers(found, packages)] as const);
  const settled = new Map(known);
  return { app: settled.get(app.dir) ?? app, packages: settled, missing: [...new Set(missing)] };
}

function isOptionalPeer({ json }: InstalledPackage, { kind, name }: InstalledEdge): boolean {
  return kind === "peer" && json.peerDependenciesMeta?.[name]?.optional === true;
}

/** A package whose optional peers lead nowhere unless they are packages of the graph. */
function withoutUnknownPeers(
  found: InstalledPackage,
  packages: ReadonlyMap<string, InstalledPackage>,
): InstalledPackage {
  const edges = found.edges.map((edge) =>
    isOptionalPeer(found, edge) && !packages.has(edge.to ?? "") ? { ...edge, to: undefined } : edge,
  );
  return Object.freeze({ ...found, edges });
}

/** Real directory of the package that a module in `from` gets when it imports `name`, or undefined. */
function resolveInstalled(from: string, name: string, root: string): string | undefined {
  for (const directory of searched(from, root)) {
    const candidate = join(directory, "node_modules", name);
    if (statSync(join(candidate, "package.json"), { throwIfNoEntry: false }) !== undefined)
      return realpathSync(candidate);
  }
  return undefined;
}

/**
 * Directories whose node_modules are searched, nearest first. For a package that lies outside the root, in a store of a
 * package manager, only the node_modules that contains it is searched.
 */
function searched(from: string, root: string): string[] {
  const directories: string[] = [];
  const inside = isInside(from, root);
  for (let directory = from; ; directory = dirname(directory)) {
    const parts = directory.split(sep);
    const last = parts.at(-1);
    if (last !== "node_modules") directories.push(directory);
    const end = inside ? directory === root : last === "node_modules";
    if (end && !inside) directories.push(dirname(directory));
    if (end || directory === dirname(directory)) return directories;
  }
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}

/**
 * Reads the package in a directory.
 * @param root the directory above which no module is used
 * @param also further dependencies that count
 * @throws the file system's error when its package.json cannot be read
 */
export function readPackage(
  dir: string,
  root: string,
  also: readonly "development"[] = [],
): InstalledPackage {
  const json = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as PackageJson;
  return Object.freeze({
    dir,
    name: json.name ?? "",
    version: json.version ?? "",
    json,
    workspace: !dir.split(sep).includes("node_modules"),
    edges: dependencyEdges(json, also).map(({ name, spec, kind }) => {
      return { name, spec, kind, to: resolveInstalled(dir, name, root) };
    }),
  });
}

/**
 * The production dependencies of a package.json. An optional dependency overrides a hard one of the same name, as in
 * npm.
 */
function dependencyEdges(json: PackageJson, also: readonly "development"[]): Omit<InstalledEdge, "to">[] {
  const edges = new Map<string, Omit<InstalledEdge, "to">>();
  const groups: [EdgeKind, Record<string, string> | undefined][] = [
    ["hard", also.includes("development") ? json.devDependencies : undefined],
    ["peer", json.peerDependencies],
    ["hard", json.dependencies],
    ["optional", json.optionalDependencies],
  ];
  for (const [kind, group] of groups) {
    for (const [name, spec] of Object.entries(group ?? {})) edges.set(name, { name, spec, kind });
  }
  return [...edges.values()];
}
