/**
 * The note beside a stamp says who looked at the way to a tree and found that nobody else can change it. The stub has
 * builtins alone and cannot look for itself, so it asks for a note of its own user's: root, before it takes anything on
 * trust, and everybody before taking modules from a store.
 *
 * Three things make it, all asked of one open file: its owner is whoever runs, it has the sticky bit, which nobody but
 * its owner gives to a file and no program gives to one by accident, and a line spells where it was found and for whom.
 * A note that is reached by another way, through a link of somebody else's, says the wrong path.
 */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import { noteLine, noteName } from "../../release/index.ts";
import { writeDurably } from "../../base/files/index.ts";
import { readHostId } from "./tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";

/** Who started it, and by which names of the release's root directory. */
export interface NoteOwner {
  readonly uid: number;
  readonly roots: readonly string[];
}

/** A start through one more name is one more line; the oldest go. */
const MOST_LINES = 16;
const MODE = 0o1644;

/**
 * Notes that the chains were found safe, where that is asked for and can be written; without it the next start looks
 * again.
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
