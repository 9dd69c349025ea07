/**
 * Notes beside a stamp: a note says that a user's launcher checked the whole path to a tree, and that no other user can
 * change it. The stub has only shell builtins and cannot check that, so it requires a note that the same user has
 * written: root always, every user for modules from a store.
 *
 * A note is an empty file whose path below the stamps' directory contains the paths that were checked. The stub opens the
 * tree's directory and looks the note up in it, so that it reads nothing and a link that turns changes nothing. The tree,
 * its parent and the note must belong to the running user.
 */
import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import { notePath } from "../../release/index.ts";
import { ensureDirectory, writeDurably } from "../../base/files/index.ts";
import { readHostId } from "./tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";

/** Who started the release, and by which paths of its root directory. */
export interface NoteOwner {
  readonly uid: number;
  readonly roots: readonly string[];
}

/**
 * Notes that the paths were found safe, if the stub would require that and the note can be written. Without a note the
 * next start checks again.
 */
export async function writeNote(
  release: Release,
  { uid, roots }: NoteOwner,
  location: TreeLocation,
): Promise<void> {
  if (uid !== 0 && location.store === undefined) return;
  const store = location.store === undefined ? undefined : location.parent;
  const host = readHostId();
  for (const root of roots) {
    const note = join(location.stamps, notePath(release.id, host, root, store));
    try {
      if (isNote(note, uid)) continue;
      ensureDirectory(dirname(note), 0o755);
      await writeDurably(note, "", 0o644);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }
}

function isNote(path: string, uid: number): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  return facts?.isFile() === true && facts.uid === uid;
}
