/**
 * Reads a directory that another user may be changing at the same time. Every step of a path is opened relative to its
 * parent directory, which is held open, and no link is followed. So a name that becomes a link meanwhile causes an
 * error. What is no regular file, such as a FIFO, a socket or a device, is refused without blocking. Linux only.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, type Stats } from "node:fs";
import { basename } from "node:path";
import { openPlainFile } from "../../../base/files/index.ts";
import { errorCode, GantryError, isMissing, type Finding } from "../../../base/errors.ts";

/** A directory, held open. */
export interface SourceTree {
  /** The directory's name for messages. */
  readonly named: string;
  /** The names in a directory of the tree; `.` is the top. Empty when there is no such directory. */
  readonly names: (directory: string) => readonly SourceName[];
  /**
   * Opens a regular file, which the caller closes.
   * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH for what is not a regular file, STORE_UNSAFE, IO_FAILED
   */
  readonly open: (path: string) => number;
  readonly close: () => void;
}

interface SourceName {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * User ids whose files are accepted. Files that others could change are refused as STORE_UNSAFE. Undefined accepts
 * all.
 */
export type Owners = ReadonlySet<number> | undefined;

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
/**
 * Opens a directory.
 * @param root its path; links in this path are followed, because a person named it
 * @throws GantryError STORE_UNSAFE; the file system's error when it is no directory
 */
export function openSourceTree(
  root: string,
  { owners, named }: { readonly owners?: Owners; readonly named: string },
): SourceTree {
  const top = openSync(root, DIRECTORY);
  try {
    checkOwner(fstatSync(top), named, owners);
  } catch (error) {
    closeSync(top);
    throw error;
  }
  const shown = (path: string) => `${named}/${path}`;
  return {
    named,
    names: (directory) => {
      try {
        return inDirectory(top, directory === "." ? [] : directory.split("/"), owners, named, listNames);
      } catch (error) {
        if (isMissing(error) || errorCode(error) === "ELOOP") return [];
        throw error;
      }
    },
    open: (path) => {
      const parts = path.split("/");
      const name = parts.pop() ?? "";
      try {
        return inDirectory(top, parts, owners, named, (parent) =>
          openFile(parent, name, shown(path), owners),
        );
      } catch (error) {
        throw explain(error, path, shown(path));
      }
    },
    close: () => closeSync(top),
  };
}

/** A path that leads to a name in an open directory (proc_pid_fd(5)). Used because Node has no openat(2). */
function within(descriptor: number, name: string): string {
  return `/proc/self/fd/${descriptor}/${name}`;
}

/** Opens each directory of a path in its parent, and calls `use` with the descriptor of the last one. */
function inDirectory<T>(
  top: number,
  parts: readonly string[],
  owners: Owners,
  named: string,
  use: (descriptor: number) => T,
): T {
  const [first, ...rest] = parts;
  if (first === undefined) return use(top);
  const inner = openSync(within(top, first), DIRECTORY | constants.O_NOFOLLOW);
  try {
    const shown = `${named}/${first}`;
    checkOwner(fstatSync(inner), shown, owners);
    return inDirectory(inner, rest, owners, shown, use);
  } finally {
    closeSync(inner);
  }
}

function listNames(descriptor: number): SourceName[] {
  return readdirSync(within(descriptor, "."), { withFileTypes: true })
    .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function openFile(parent: number, name: string, where: string, owners: Owners): number {
  const { descriptor, stats } = openPlainFile(within(parent, name), "refused");
  try {
    checkOwner(stats, where, owners);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function irregular(where: string): Finding {
  return {
    code: "DIGEST_MISMATCH",
    what: "this is no regular file (a link, a directory, a FIFO, a socket or a device)",
    where,
    fix: "unpack the release archive again, all of it, into an empty directory",
  };
}

/**
 * Refuses a file that another user owns or can change. The mode is enough to see the latter: an ACL by which others can
 * write sets the group bits of the mode (acl(5)).
 */
function checkOwner({ uid, mode }: Stats, where: string, owners: Owners): void {
  if (owners === undefined) return;
  const open = (mode & 0o022) !== 0;
  if (owners.has(uid) && !open) return;
  const what = open ? "others than its owner can change this" : `this belongs to user ${uid}`;
  throw new GantryError({
    code: "STORE_UNSAFE",
    what,
    where,
    fix: "unpack the release archive as yourself into a directory of your own, with umask 022",
  });
}

/** Turns an error of the file system into a finding about the release. */
function explain(error: unknown, path: string, where: string): unknown {
  const fix = "unpack the release archive again, all of it, into an empty directory";
  if (errorCode(error) === "ENOENT") {
    return new GantryError({ code: "RELEASE_FILE_MISSING", what: `${path} is not there`, where, fix });
  }
  // ENOTDIR: a link or a file in the path (O_DIRECTORY). ELOOP: a link at its end. EINVAL, EISDIR: no regular file.
  if (["ENOTDIR", "ELOOP", "EINVAL", "EISDIR"].includes(errorCode(error) ?? ""))
    return new GantryError(irregular(where));
  const code = errorCode(error);
  if (code === undefined) return error;
  return new GantryError({ code: "IO_FAILED", what: `${path} cannot be read (${code})`, where });
}

/**
 * Opens a file that a person named. Links are followed. The caller closes it.
 * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH for what is not a regular file; the file system's error
 */
export function openNamed(path: string): number {
  try {
    return openPlainFile(path, "followed").descriptor;
  } catch (error) {
    throw explain(error, basename(path), path);
  }
}

const PIECE_BYTES = 1 << 20;

/**
 * Reads all bytes of an open file, which stays open.
 * @param most the most bytes that the file may have; a larger one is DIGEST_MISMATCH
 */
function readDescriptor(descriptor: number, most: number, where: string): Buffer {
  const pieces: Buffer[] = [];
  let size = 0;
  for (const piece of pieceAfterPiece(descriptor)) {
    size += piece.length;
    if (size > most) throw tooLarge(most, where);
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

export function tooLarge(most: number, where: string): GantryError {
  const what = `the file has more than ${most} bytes, which no release needs`;
  return new GantryError({ code: "DIGEST_MISMATCH", what, where });
}

/**
 * Reads an open file in pieces from its beginning. A piece is valid until the next one is read: they share a buffer.
 */
export function* pieceAfterPiece(descriptor: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; ;) {
    const count = readSync(descriptor, buffer, 0, PIECE_BYTES, at);
    if (count === 0) return;
    at += count;
    yield buffer.subarray(0, count);
  }
}

/** Reads a small file of a tree. Undefined when the name does not exist. */
export function readSmall(tree: SourceTree, path: string, most: number): Buffer | undefined {
  return readOpened(() => tree.open(path), most, `${tree.named}/${path}`);
}

/** Reads a small file that a person named. Undefined when the name does not exist. */
export function readSmallNamed(path: string, most: number): Buffer | undefined {
  return readOpened(() => openNamed(path), most, path);
}

function readOpened(open: () => number, most: number, where: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = open();
  } catch (error) {
    if (error instanceof GantryError && error.findings[0].code === "RELEASE_FILE_MISSING") return undefined;
    throw error;
  }
  try {
    return readDescriptor(descriptor, most, where);
  } finally {
    closeSync(descriptor);
  }
}
