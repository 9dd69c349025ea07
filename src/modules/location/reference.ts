/**
 * Which releases use a tree of a store: an empty file for each, beside the tree, at `.gantry-used/ROOT/RELEASE-HOST`,
 * where ROOT is the release's whole path. The stub asks for it with one test, so that no release starts from a tree
 * without being known to `clean`: a copy, or one that was moved, is noted at its first start. Only cold starts write.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readEntries } from "../../base/files/index.ts";
import { errorCode, isMissing } from "../../base/errors.ts";
import { stampName, STORE_USED } from "../../release/index.ts";
import { readHostId } from "../proof/tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";

/** A release by its root directory, its id (see releaseId) and the host on which that path means something. */
export interface Reference {
  readonly root: string;
  readonly release: string;
  readonly host: string;
}

/**
 * Notes that this release uses the tree; done before the tree is made or proven, so that nobody removes it meanwhile.
 * @param roots its root directory, by every name that it is started by
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

/** Other users may start from a store of root's, whatever root's umask. */
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

/** The same where it may be impossible: a store that is only read has to be looked after by its owner. */
export function noteReferences(release: Release, roots: readonly string[], location: TreeLocation): void {
  try {
    writeReferences(release, roots, location);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/**
 * All that is noted beside a tree.
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
