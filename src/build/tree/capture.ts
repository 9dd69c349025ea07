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
  type Target,
  type TreeFile,
  type TreeModule,
} from "../../release/index.ts";
import { otherPlatform } from "../../compat/index.ts";
import { withNativeFile } from "../../host/index.ts";
import { findUnmatched, matchesKeep, type Keep, type UnmatchedKeep } from "./keep.ts";
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
  /** Entries of `gantry.keep` that match no file of this tree. */
  readonly unmatched: readonly UnmatchedKeep[];
}

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
 * @param keep files that stay although a rule would remove them
 */
export function captureTree(
  directory: string,
  closure: readonly ClosurePackage[],
  target: Target,
  keep: Keep = [],
): CapturedTree {
  const isKept = matchesKeep(keep);
  const paths: string[] = [];
  const left = new Map<PruneReason, { files: number; bytes: number }>();
  const drop = (file: TreeFile, reason: PruneReason): void => {
    const path = join(directory, file.path);
    const sum = left.get(reason) ?? { files: 0, bytes: 0 };
    left.set(reason, { files: sum.files + 1, bytes: sum.bytes + lstatSync(path).size });
    rmSync(path);
  };
  const kept = new Map<ClosurePackage, TreeFile[]>();
  for (const file of readTreeFiles(directory)) {
    const owner = ownerOf(file.path, closure);
    if (owner === undefined || isCommandLink(file.path)) {
      drop(file, isCommandLink(file.path) ? "command links" : "packages outside the closure");
      continue;
    }
    paths.push(file.path);
    const reason = isKept(file.path)
      ? undefined
      : (pruneReason(file.path.slice(owner.path.length + 1), target) ??
        foreignReason(directory, file, target));
    if (reason === undefined) kept.set(owner, [...(kept.get(owner) ?? []), file]);
    else drop(file, reason);
  }
  for (const [owner, files] of kept) {
    if (
      files.some((file) => isKept(file.path)) ||
      !hasNothingToLoad(files.map((file) => file.path.slice(owner.path.length + 1)))
    )
      continue;
    for (const file of files) drop(file, "packages with nothing to load");
    kept.delete(owner);
  }
  removeEmptyDirectories(directory);
  const leftOut = [...left].map(([reason, sum]) => ({ reason, files: sum.files, bytes: sum.bytes }));
  return { ...describeTree(directory, kept, target), leftOut, unmatched: findUnmatched(keep, paths) };
}

/** Judges a native file by its head, because many packages have names for platforms that only their own code knows. */
function foreignReason(directory: string, { path, kind }: TreeFile, target: Target): PruneReason | undefined {
  if (kind !== "file") return undefined;
  const reason = withNativeFile(join(directory, path), (file) => otherPlatform(file, target));
  return reason === undefined ? undefined : "other platforms' binaries";
}

function describeTree(
  directory: string,
  kept: ReadonlyMap<ClosurePackage, readonly TreeFile[]>,
  target: Target,
): Pick<CapturedTree, "modules" | "native"> {
  const modules: Record<string, TreeModule> = {};
  const native: CapturedTree["native"] = [];
  for (const [owner, files] of [...kept].toSorted(([a], [b]) => (a.path < b.path ? -1 : 1))) {
    const entries: Record<string, FileEntry> = {};
    for (const file of files) {
      const entry = readTreeEntry(directory, file);
      if (file.kind === "file") chmodSync(join(directory, file.path), normalMode(entry));
      entries[file.path.slice(owner.path.length + 1)] = entry;
      if (
        isLoadable(file.path.slice(owner.path.length + 1), target) &&
        foreignReason(directory, file, target) === undefined
      )
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

/**
 * Says whether a file is a native file for the target. Files for other platforms may have been kept, and are not
 * loaded.
 */
function isLoadable(path: string, target: Target): boolean {
  return path.endsWith(".node") && pruneReason(path, target) !== "other platforms' binaries";
}

function removeEmptyDirectories(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    removeEmptyDirectories(path);
    if (readdirSync(path).length === 0) rmdirSync(path);
  }
}
