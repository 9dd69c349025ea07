/**
 * The note beside a stamp: it says that a user's launcher checked the whole path to a tree, and that no other user can
 * change it. The stub has only shell builtins and cannot check that, so it requires a note that the same user has
 * written: root always, every user for modules from a store.
 *
 * The stub accepts a note by three properties of one open file. Its owner is the running user. It has the sticky bit,
 * which only the owner can set on a file (chmod(2)) and no program sets by accident. One of its lines has the user id and
 * the paths. A note that is reached through another user's link has the wrong path.
 */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import { noteLine, noteName } from "../../release/index.ts";
import { writeDurably } from "../../base/files/index.ts";
import { readHostId } from "./tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";

/** Who started the release, and by which paths of its root directory. */
export interface NoteOwner {
  readonly uid: number;
  readonly roots: readonly string[];
}

/** Each path by which a release is started is a line; the oldest lines are removed. */
const MOST_LINES = 16;
const MODE = 0o1644;

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
  const path = join(location.stamps, noteName(release.id, readHostId()));
  const modules = location.store === undefined ? undefined : location.modules;
  const lines = roots.map((root) => noteLine(uid, root, modules)).filter((line) => !line.includes("\n"));
  try {
    const known = readNote(path, uid);
    const added = lines.filter((line) => !known.includes(line));
    if (added.length === 0) return;
    const all = [...known, ...added].slice(-MOST_LINES);
    await writeDurably(path, all.map((line) => `${line}\n`).join(""), MODE);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function readNote(path: string, uid: number): string[] {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts?.isFile() !== true || facts.uid !== uid || (facts.mode & 0o1000) === 0) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}
