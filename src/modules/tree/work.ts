/**
 * Private work directories, in which a tree is made before it gets its final name. Each has an unguessable name and mode
 * 0700, is on the same file system as the tree's location, and is removed at the end, also after an error.
 */
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorCode, GantryError, toGantryError, type Finding } from "../../base/errors.ts";
import { NAMES } from "../../release/index.ts";
import type { TreeLocation } from "../release/unpacked.ts";
import { mapsCode } from "./exec-probe.ts";

/**
 * Makes a work directory.
 * @returns its path
 * @throws GantryError STORE_UNWRITABLE or DISK_FULL
 */
export function createWork(location: TreeLocation): string {
  try {
    return mkdtempSync(join(location.parent, NAMES.work));
  } catch (error) {
    throw locationError(error, location);
  }
}

/** Empties a work directory; the directory itself stays. */
export function emptyWork(work: string): void {
  for (const name of readdirSync(work)) rmSync(join(work, name), { recursive: true, force: true });
}

/** Turns a file system error at the location into a GantryError with path and fix; returns every other error as it is. */
export function locationError(error: unknown, location: TreeLocation): unknown {
  const finding = locationFinding(errorCode(error), location);
  return finding === undefined ? error : new GantryError(finding);
}

/** Why this user cannot write at the location; undefined when it can. */
export function checkWritable(location: TreeLocation): Finding | undefined {
  try {
    accessSync(location.parent, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return toGantryError(locationError(error, location)).findings[0];
  }
}

function locationFinding(code: string | undefined, location: TreeLocation): Finding | undefined {
  const where = location.parent;
  const once = "run ./gantry prepare once as the owner of the release";
  switch (code) {
    case "EACCES":
    case "EPERM":
      return {
        code: "STORE_UNWRITABLE",
        what: `the modules are not prepared, and this user may not write beside them (${code})`,
        where,
        fix: `${once} (sudo, or the user who unpacked it); after that it starts without writing`,
      };
    case "EROFS":
      return {
        code: "STORE_UNWRITABLE",
        what: "the modules are not prepared, and the file system is read-only (EROFS)",
        where,
        fix: `${once} where it can be written, for an image while it is built; after that it starts without writing`,
      };
    case "ENOSPC":
    case "EDQUOT":
      return { code: "DISK_FULL", what: `no space left to prepare the modules (${code})`, where };
    case "EBUSY":
    case "EXDEV":
      return {
        code: "STORE_UNWRITABLE",
        what: `the modules directory cannot be replaced, because something is mounted on it (${code})`,
        where: location.modules,
        fix: "mount the whole release directory instead of its node_modules",
      };
    default:
      return undefined;
  }
}

/**
 * Removes the stale files of dead processes. Only the lock owner may call it: every other work directory is stale then.
 * What cannot be removed stays.
 */
export function removeStaleFiles(location: TreeLocation): void {
  for (const name of readdirSync(location.parent)) {
    if (isStaleFile(name)) removeQuietly(join(location.parent, name));
  }
}

/** Whether a name is that of a work directory, a renamed tree, or a dead owner's lock that was being removed. */
export function isStaleFile(name: string): boolean {
  return [NAMES.work, NAMES.old, `${NAMES.lock}-`].some((start) => name.startsWith(start));
}

/** Removes a file or directory; what cannot be removed stays. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/**
 * Checks that code can be mapped at the location, before modules are fetched that could not be loaded. For an existing
 * tree the load probe finds that out.
 * @throws GantryError STORE_NOEXEC
 */
export function checkExecAllowed(work: string, location: TreeLocation): void {
  if (mapsCode(work)) return;
  throw new GantryError({
    code: "STORE_NOEXEC",
    what: "native modules cannot be loaded from here, because the file system is mounted noexec",
    where: location.parent,
  });
}
