/**
 * Normalizes a tree that a module source has made, so that all sources give the same one: only the manifest's files,
 * modes 0644 and 0755 whatever the umask was, and no empty directories. Only for a private work directory.
 */
import { chmodSync, lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unlessMissing } from "../../base/files/index.ts";
import type { TreeListing } from "../../base/files/index.ts";
import { type FileEntry, filesOfTree, type Manifest, normalMode } from "../../release/index.ts";

/**
 * Removes everything that the externals in `included` do not need, and sets every mode.
 * @returns the files and directories that are left
 */
export function normalizeTree(
  modules: string,
  manifest: Manifest,
  included: ReadonlySet<string>,
): TreeListing {
  const keep = filesOfTree(manifest, included);
  const listing: { files: string[]; directories: string[] } = { files: [], directories: [] };
  if (unlessMissing(() => lstatSync(modules))?.isDirectory() === true)
    normalizeDirectory(modules, "", keep, listing);
  return listing;
}

/** @returns whether anything is left in the directory */
function normalizeDirectory(
  modules: string,
  below: string,
  keep: ReadonlyMap<string, FileEntry>,
  listing: { files: string[]; directories: string[] },
): boolean {
  const directory = join(modules, below);
  chmodSync(directory, 0o755);
  let left = false;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      left = normalizeDirectory(modules, path, keep, listing) || left;
      continue;
    }
    const kept = keep.get(path);
    if (kept === undefined) {
      rmSync(join(modules, path), { force: true });
      continue;
    }
    left = true;
    if (!entry.isFile()) continue;
    chmodSync(join(modules, path), normalMode(kept));
    listing.files.push(path);
  }
  if (left || below === "") listing.directories.push(below);
  else rmdirSync(directory);
  return left;
}
