/**
 * Makes the manifest's list of modules from an installed node_modules: prunes the directory, sets the modes of its
 * files, and lists and hashes the files of each module. Every host must get this tree, byte for byte.
 */
import { chmodSync, lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  digestOfFiles,
  type FileEntry,
  normalMode,
  readTreeEntry,
  readTreeFiles,
  type TreeFile,
  type TreeModule,
} from "../../release/index.ts";
import type { LoadPlace } from "../../compat/index.ts";
import { findUnmatched, matchesPattern, type Keep, type UnmatchedPattern } from "./keep.ts";
import {
  findUnserved,
  leaveOutNative,
  readNativeFiles,
  type NativeFiles,
  type Unserved,
} from "./native-files.ts";
import { hasNothingToLoad, pruneReason, type PruneReason } from "./prune.ts";

/** A package of the tree. `path` is its directory relative to node_modules. */
export interface ClosurePackage {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Names of the externals that need it. */
  readonly neededBy: readonly string[];
}

export interface LeftOut {
  readonly reason: PruneReason;
  readonly files: number;
  readonly bytes: number;
}

export interface CapturedTree {
  readonly modules: Record<string, TreeModule>;
  readonly native: { path: string; neededBy: string[] }[];
  readonly leftOut: readonly LeftOut[];
  /** Packages with files of which a variant for graphics cards or `gantry.exclude` left some out, by path. */
  readonly thinned: ReadonlySet<string>;
  /** Packages of which every addon is foreign. */
  readonly unserved: readonly Unserved[];
  /** Patterns that match no file of this tree. */
  readonly unmatched: readonly UnmatchedPattern[];
}

/** Patterns of paths below node_modules, as the settings have them. */
export interface Patterns {
  /** Files that stay although a rule would remove them. */
  readonly keep?: Keep;
  /** Files that are removed in any case. */
  readonly exclude?: readonly string[];
}

/** Reasons that leave out files which the target's program could load. */
const BY_CHOICE: ReadonlySet<PruneReason> = new Set(["gantry.exclude", "binaries for graphics cards"]);

/**
 * Says whether a file is a link to a command. Package managers put a `.bin` with such links into every node_modules,
 * also inside packages.
 */
function isCommandLink(path: string): boolean {
  return /(?:^|\/node_modules\/)\.bin\//.test(path);
}

/** The package to which a file belongs: of the packages whose directory contains it, the one with the longest path. */
function ownerOf(path: string, packages: readonly ClosurePackage[]): ClosurePackage | undefined {
  return packages
    .filter((candidate) => path.startsWith(`${candidate.path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
}

/**
 * Prunes a node_modules, and lists and hashes the files that stay.
 * @param directory the node_modules
 * @param closure the packages of the tree; files outside them are removed
 * @param place what loads the modules
 */
export function captureTree(
  directory: string,
  closure: readonly ClosurePackage[],
  place: LoadPlace,
  patterns: Patterns = {},
): CapturedTree {
  const { keep = [], exclude = [] } = patterns;
  const isKept = matchesPattern(keep);
  const files = readTreeFiles(directory);
  const owners = new Map(files.map((file) => [file.path, ownerOf(file.path, closure)]));
  const own = files.filter(({ path }) => owners.get(path) !== undefined && !isCommandLink(path));
  const natives = readNativeFiles(directory, own, place);
  const reasons = chooseLeftOut(own, owners, natives, { isKept, isExcluded: matchesPattern(exclude) });
  const kept = new Map<ClosurePackage, TreeFile[]>();
  const sums = new Map<PruneReason, { files: number; bytes: number }>();
  const drop = ({ path }: TreeFile, reason: PruneReason): void => {
    const { size } = lstatSync(join(directory, path));
    const sum = sums.get(reason) ?? { files: 0, bytes: 0 };
    sums.set(reason, { files: sum.files + 1, bytes: sum.bytes + size });
    rmSync(join(directory, path));
  };
  for (const file of files) {
    const owner = isCommandLink(file.path) ? undefined : owners.get(file.path);
    const reason = reasons.get(file.path);
    if (owner === undefined)
      drop(file, isCommandLink(file.path) ? "command links" : "packages outside the closure");
    else if (reason === undefined) kept.set(owner, [...(kept.get(owner) ?? []), file]);
    else drop(file, reason);
  }
  for (const [owner, its] of kept) {
    const inner = its.map((file) => file.path.slice(owner.path.length + 1));
    if (its.some((file) => isKept(file.path)) || !hasNothingToLoad(inner)) continue;
    for (const file of its) drop(file, "packages with nothing to load");
    kept.delete(owner);
  }
  removeEmptyDirectories(directory);
  const paths = own.map(({ path }) => path);
  const thinned = [...reasons].flatMap(([path, reason]) =>
    BY_CHOICE.has(reason) ? (owners.get(path)?.path ?? []) : [],
  );
  return {
    ...describeTree(directory, kept, natives),
    leftOut: [...sums].map(([reason, sum]) => Object.assign({ reason }, sum)),
    thinned: new Set(thinned),
    unserved: findUnserved(natives, (path) => owners.get(path)),
    unmatched: [
      ...findUnmatched("gantry.keep", keep, paths),
      ...findUnmatched("gantry.exclude", exclude, paths),
    ],
  };
}

/** Why files are left out, by their paths: first what the settings say, then the names, then the heads. */
function chooseLeftOut(
  files: readonly TreeFile[],
  owners: ReadonlyMap<string, ClosurePackage | undefined>,
  natives: NativeFiles,
  {
    isKept,
    isExcluded,
  }: { readonly isKept: (path: string) => boolean; readonly isExcluded: (path: string) => boolean },
): ReadonlyMap<string, PruneReason> {
  const reasons = new Map<string, PruneReason>();
  for (const { path } of files) {
    const inner = path.slice((owners.get(path)?.path.length ?? 0) + 1);
    const reason = isExcluded(path) ? "gantry.exclude" : isKept(path) ? undefined : pruneReason(inner);
    if (reason !== undefined) reasons.set(path, reason);
  }
  const staying = new Set(files.map(({ path }) => path).filter((path) => !reasons.has(path)));
  return new Map([...leaveOutNative(natives, staying, isKept), ...reasons]);
}

function describeTree(
  directory: string,
  kept: ReadonlyMap<ClosurePackage, readonly TreeFile[]>,
  { foreign }: NativeFiles,
): Pick<CapturedTree, "modules" | "native"> {
  const modules: Record<string, TreeModule> = {};
  const native: CapturedTree["native"] = [];
  for (const [owner, files] of [...kept].toSorted(([a], [b]) => (a.path < b.path ? -1 : 1))) {
    const entries: Record<string, FileEntry> = {};
    for (const file of files) {
      const entry = readTreeEntry(directory, file);
      if (file.kind === "file") chmodSync(join(directory, file.path), normalMode(entry));
      entries[file.path.slice(owner.path.length + 1)] = entry;
      // Foreign files may have been kept, and are not loaded.
      if (file.path.endsWith(".node") && !foreign.has(file.path))
        native.push({ path: file.path, neededBy: [...owner.neededBy] });
    }
    const { name, version, neededBy } = owner;
    modules[owner.path] = {
      name,
      version,
      digest: digestOfFiles(entries),
      neededBy: [...neededBy],
      files: entries as TreeModule["files"],
    };
  }
  return { modules, native };
}

function removeEmptyDirectories(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    removeEmptyDirectories(path);
    if (readdirSync(path).length === 0) rmdirSync(path);
  }
}
