/** Takes modules out of a tree where it lies: those that no external needs which is part of it. */
import { mkdtempSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errorCode, isMissing } from "../../base/errors.ts";
import { type Manifest, NAMES } from "../../release/index.ts";
import type { TreeLocation } from "../release/unpacked.ts";
import type { Reporter } from "../../base/reporter.ts";
import { removeQuietly } from "./work.ts";

/**
 * Takes the modules that nothing included needs out of the tree, each with one rename. Where that cannot be
 * written the app will meet them; the warning has been given.
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
 * Takes files, links and directories out of the tree, each with one rename, and removes them; no link is followed.
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

/** A module inside one that was moved before is gone already. */
function moveAside(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
