/**
 * Makes private directories, in which the build side makes everything before it gets its final name. They are removed
 * when their work is done or has failed. One `Scratch` owns the directories of one run and is passed as a parameter, so
 * two runs in one process are independent.
 */
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isDirectory } from "../base/files/index.ts";
import { GantryError, toGantryError } from "../base/errors.ts";

/** Prefix of the work directories beside results. */
const BESIDE = ".gantry-build-";
/** Milliseconds after which such a directory was surely left by a build that was killed. A build takes minutes. */
const ABANDONED = 24 * 60 * 60 * 1000;

/** Makes and removes the directories of one run. */
export interface Scratch {
  /** Makes a directory among the system's temporary files that only its owner can read. */
  readonly makePrivate: () => string;
  /**
   * Makes a directory in `parent`, so that a result can be renamed into place. Removes directories that killed builds
   * left there more than a day ago.
   */
  readonly makeBeside: (parent: string) => string;
  readonly remove: (directory: string) => void;
  /**
   * Takes a function that `removeAll` calls before it removes anything: it ends processes that would go on using the
   * directories.
   * @returns a function that takes it back
   */
  readonly guard: (end: () => void) => () => void;
  /** Removes all directories that still exist and can be removed. For a process that is interrupted. */
  readonly removeAll: () => void;
}

/** Makes the `Scratch` of one run. */
export function createScratch(): Scratch {
  const inUse = new Set<string>();
  const guards = new Set<() => void>();
  const make = (start: string): string => {
    const directory = realpathSync(mkdtempSync(start));
    inUse.add(directory);
    return directory;
  };
  const remove = (directory: string): void => {
    // A child process may still be writing files there: see maxRetries of fs.rm.
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    inUse.delete(directory);
  };
  return Object.freeze({
    makePrivate: () => make(join(tmpdir(), "gantry-build-")),
    makeBeside: (parent: string) => {
      removeAbandoned(parent);
      return make(join(parent, BESIDE));
    },
    remove,
    guard: (end: () => void) => {
      guards.add(end);
      return () => void guards.delete(end);
    },
    removeAll: () => {
      for (const end of guards) end();
      for (const directory of inUse) {
        try {
          remove(directory);
        } catch (error) {
          if (!(error instanceof Error)) throw error;
        }
      }
    },
  });
}

function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (name.startsWith(BESIDE) && isAbandoned(path)) rmSync(path, { recursive: true, force: true });
  }
}

function isAbandoned(path: string): boolean {
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  return made < Date.now() - ABANDONED;
}

/**
 * Makes the output directory that the user named.
 * @returns true when it did not exist before
 * @throws GantryError with the system's reason
 */
export function ensureOut(out: string): boolean {
  try {
    const made = makeDirectory(out);
    accessSync(out, constants.W_OK | constants.X_OK);
    return made;
  } catch (error) {
    const [finding] = toGantryError(error).findings;
    const fix = finding.fix ?? "name a directory that you can write with --out";
    throw new GantryError({ ...finding, where: out, fix });
  }
}

/**
 * Makes a directory, one level after another. fs.mkdir with `recursive` reports ENOENT for a read-only file system, and
 * before Node 26 it never returns for /proc.
 */
function makeDirectory(path: string): boolean {
  if (isDirectory(path)) return false;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    // Another build may have made it in the meantime.
    if (isDirectory(path)) return false;
    throw error;
  }
}
