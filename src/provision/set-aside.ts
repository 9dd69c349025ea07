/** Takes modules out of a tree where it lies: those that no external needs which is part of it. */
import { mkdtempSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errorCode, isMissing } from "../errors.ts";
import { NAMES } from "../release/layout.ts";
import type { Manifest } from "../release/manifest.ts";
import type { Place } from "./release.ts";
import type { Reporter } from "./report.ts";
import { removeQuietly } from "./work.ts";

/**
 * Takes the modules that nothing included needs out of the tree, each with one rename. Where that cannot be
 * written the app will meet them; the warning has been given.
 */
export function setAside(
  manifest: Manifest,
  place: Place,
  included: ReadonlySet<string>,
  reporter: Reporter,
): void {
  const unneeded = Object.entries(manifest.modules)
    .filter(([, module]) => !module.neededBy.some((name) => included.has(name)))
    .map(([directory]) => directory);
  let aside: string | undefined;
  try {
    aside = mkdtempSync(join(place.parent, NAMES.old));
    for (const [index, directory] of unneeded.entries())
      moveAside(join(place.modules, directory), join(aside, `${index}`));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    reporter.warn(
      `it cannot be taken out of ${place.modules} (${errorCode(error)}), so the app may still load it`,
    );
  } finally {
    if (aside !== undefined) removeQuietly(aside);
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
