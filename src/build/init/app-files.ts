/** Reads the files of an app for its proposal: sources, and the files by which it is run elsewhere. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Directories without anything that says how the app is run. */
const SKIPPED =
  /^(?:node_modules|bower_components|coverage|tests?|__tests__|e2e|docs|examples?|releases|\..+)$|\.(?:test|spec)\.[cm]?[jt]sx?$|\.d\.[cm]?ts$|\.min\.js$/;
const SOURCE = /\.[cm]?[jt]sx?$|(?:^|\/)bin\/[^/.]+$/;
/** Bytes. A larger file is a bundle or data. */
const LARGEST = 256 * 1024;
const MOST_FILES = 2000;

export interface AppFiles {
  readonly dir: string;
  /** Names of what lies beside package.json. */
  readonly names: readonly string[];
  /** Source files with their texts, by path relative to the app; those nearest to package.json come first. */
  readonly sources: ReadonlyMap<string, string>;
  /** The text of a file; undefined when there is none. */
  readonly read: (path: string) => string | undefined;
  readonly has: (path: string) => boolean;
}

/** Reads an app's files. Installed modules, tests and documentation are left out. */
export function readAppFiles(dir: string): AppFiles {
  const has = (path: string): boolean => statSync(join(dir, path), { throwIfNoEntry: false }) !== undefined;
  const read = (path: string): string | undefined =>
    statSync(join(dir, path), { throwIfNoEntry: false })?.isFile() === true
      ? readFileSync(join(dir, path), "utf8")
      : undefined;
  return { dir, names: readdirSync(dir).toSorted(), sources: readSources(dir), read, has };
}

function readSources(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  const queue = [""];
  for (const below of queue) {
    for (const entry of readdirSync(join(dir, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (SKIPPED.test(entry.name)) continue;
      if (entry.isDirectory()) queue.push(path);
      if (!entry.isFile() || !SOURCE.test(path) || found.size >= MOST_FILES) continue;
      if (statSync(join(dir, path)).size <= LARGEST) found.set(path, readFileSync(join(dir, path), "utf8"));
    }
  }
  return found;
}

/** The first match of a pattern in the sources. */
export function findInSources(
  { sources }: Pick<AppFiles, "sources">,
  pattern: RegExp,
): { readonly path: string; readonly match: RegExpExecArray } | undefined {
  for (const [path, text] of sources) {
    const match = pattern.exec(text);
    if (match !== null) return { path, match };
  }
  return undefined;
}
