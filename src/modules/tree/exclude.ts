/** Removes files from an existing tree, and excludes modules that no included external needs. */
import { mkdtempSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errorCode, isMissing } from "../../base/errors.ts";
import { type Manifest, NAMES } from "../../release/index.ts";
import type { TreeLocation } from "../release/unpacked.ts";
import type { Reporter } from "../../base/reporter.ts";
import { removeQuietly } from "./work.ts";

/**
 * Removes the modules that no included external needs, each with one rename. Where the tree cannot be written they stay,
 * the app may load them, and a warning says so.
 */
export function excludeModules(
  manifest: Manifest,
  location: TreeLocation,
  included: ReadonlySet<string>,
  reporter: Reporter,
): void {
  const unneeded = Object.entries(manifest.modules)
    .filter(([, module]) => !module.neededBy.some((name) => included.has(name)))
    .map(([directory]) => directory);
  try {
    removeFromTree(location, unneeded);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    reporter.warn(
      `it cannot be taken out of ${location.modules} (${errorCode(error)}), so the app may still load it`,
    );
  }
}

/**
 * Removes files, links and directories from the tree, each first with one rename. No link is followed.
 * @param paths relative to the modules directory
 * @throws the file system's error
 */
export function removeFromTree(location: TreeLocation, paths: readonly string[]): void {
  const aside = mkdtempSync(join(location.parent, NAMES.old));
  try {
    for (const [index, path] of paths.entries())
      moveAside(join(location.modules, path), join(aside, `${index}`));
  } finally {
    removeQuietly(aside);
  }
}

/** Renames a path; a missing one is no error, because a module may lie inside one that was moved before. */
function moveAside(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
