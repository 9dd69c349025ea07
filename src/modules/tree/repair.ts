/**
 * Repairs an installed tree: each file that differs is replaced by one rename from a proven tree in a work directory, and
 * foreign files that could be loaded are removed. A process that has mapped an old file keeps it. After an interruption
 * the tree has no stamp, so that the next start checks all of it.
 */
import { lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesOfTree, type Manifest, NAMES } from "../../release/index.ts";
import { syncPath, type TreeListing, unlessMissing } from "../../base/files/index.ts";
import type { TreeLocation } from "../release/unpacked.ts";
import { isAsBuilt, verifyTree } from "./verify.ts";

export interface RepairOptions {
  /** The node_modules of the proven tree, on the same file system. */
  readonly from: string;
  readonly listing: TreeListing;
  readonly included: ReadonlySet<string>;
  readonly location: TreeLocation;
  readonly manifest: Manifest;
  readonly signal: AbortSignal;
}

/**
 * Repairs the tree.
 * @returns the paths that were replaced or removed, relative to the release
 * @throws the file system's error
 */
export async function repairInPlace(options: RepairOptions): Promise<readonly string[]> {
  const { from, listing, location, manifest, signal } = options;
  const entries = filesOfTree(manifest, options.included);
  const repaired: string[] = [];
  const touched = new Set<string>();
  for (const path of listing.files) {
    const entry = entries.get(path);
    if (entry === undefined || isAsBuilt(location.modules, path, entry)) continue;
    const to = join(location.modules, path);
    makeRoom(location.modules, path);
    renameSync(join(from, path), to);
    touched.add(dirname(to));
    repaired.push(`${NAMES.modules}/${path}`);
  }
  const { loadable } = await verifyTree(location.modules, manifest, { modes: "ignored", signal });
  for (const path of loadable) {
    const file = join(location.modules, path);
    rmSync(file, { force: true });
    touched.add(dirname(file));
    repaired.push(`${NAMES.modules}/${path} (removed)`);
  }
  for (const directory of touched) await syncPath(directory);
  return repaired;
}

/**
 * Makes the directories above a file, and removes what is in the way: other things with the name of one of them, and a
 * directory with the name of the file.
 */
function makeRoom(modules: string, path: string): void {
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth += 1) {
    const directory = join(modules, ...parts.slice(0, depth));
    if (kindOf(directory) === "directory") continue;
    rmSync(directory, { force: true });
    mkdirSync(directory, { mode: 0o755 });
  }
  if (kindOf(join(modules, path)) === "directory") rmSync(join(modules, path), { recursive: true });
}

function kindOf(path: string): "directory" | "other" | undefined {
  const facts = unlessMissing(() => lstatSync(path));
  return facts === undefined ? undefined : facts.isDirectory() ? "directory" : "other";
}
