/**
 * Notes which releases use a tree of a store: an empty file for each, beside the tree, at
 * `.gantry-used/ROOT/RELEASE-HOST`, where ROOT is the release's whole path. The stub tests for that file before it
 * starts from the tree, so that `clean` knows every release, also copied and moved ones. Only cold starts write it.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readEntries } from "../../base/files/index.ts";
import { errorCode, isMissing } from "../../base/errors.ts";
import { stampName, STORE_USED } from "../../release/index.ts";
import { readHostId } from "../proof/tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";

/** A release by its root directory, its id (see releaseId) and the host on which that path is valid. */
export interface Reference {
  readonly root: string;
  readonly release: string;
  readonly host: string;
}

/**
 * Notes that this release uses the tree. Called before the tree is made or proven, so that `clean` keeps it.
 * @param roots the release's root directory, by every path that it is started by
 * @throws the file system's error
 */
export function writeReferences(release: Release, roots: readonly string[], location: TreeLocation): void {
  const name = stampName(release.id, readHostId());
  for (const root of roots) {
    const directory = join(location.parent, STORE_USED, root);
    makeReadable(directory);
    try {
      writeFileSync(join(directory, name), "", { flag: "wx", mode: 0o644 });
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}

/** Makes a directory with mode 0755, whatever the umask, because other users may start from root's store. */
function makeReadable(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o755 });
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    if (!isMissing(error)) throw error;
    makeReadable(dirname(directory));
    return makeReadable(directory);
  }
  chmodSync(directory, 0o755);
}

/** Notes the use if it can be written. In a store that this user can only read, its owner has to keep the tree. */
export function noteReferences(release: Release, roots: readonly string[], location: TreeLocation): void {
  try {
    writeReferences(release, roots, location);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/**
 * Reads every reference beside a tree.
 * @param parent the directory that holds the tree's node_modules
 * @throws the file system's error when a note cannot be read
 */
export function readReferences(parent: string): Reference[] {
  return readBelow(join(parent, STORE_USED), "/");
}

function readBelow(directory: string, root: string): Reference[] {
  return readEntries(directory).flatMap((entry) => {
    if (entry.isDirectory()) return readBelow(join(directory, entry.name), join(root, entry.name));
    const [, release, host] = /^([0-9a-f]{16})-(.+)$/.exec(entry.name) ?? [];
    return release === undefined || host === undefined ? [] : [{ root, release, host }];
  });
}
