/**
 * Reading a directory that somebody else may be changing at this very moment. Every step of a path is opened relative to
 * the directory that was opened before, and no link is followed, so that a name which is swapped in between leads
 * nowhere. What is not a regular file is refused without waiting for it: a FIFO, a socket, a device. Linux only.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  type Stats,
} from "node:fs";
import { basename } from "node:path";
import { errorCode, GantryError, isMissing, type Finding } from "../../../base/errors.ts";

/** A directory, held open. */
export interface SourceTree {
  /** As people call it. */
  readonly named: string;
  /** Names directly in a directory below, `.` for the top; none where there is no directory. */
  readonly names: (directory: string) => readonly SourceName[];
  /**
   * Opens a regular file, which the caller closes.
   * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH for what is no regular file, STORE_UNSAFE, IO_FAILED
   */
  readonly open: (path: string) => number;
  readonly close: () => void;
}

interface SourceName {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Whose files are taken, and refused as STORE_UNSAFE when anybody else could change them; undefined for everybody's. */
export type Owners = ReadonlySet<number> | undefined;

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
/** A FIFO without a writer opens at once, and so does a file whose lease another process has (fcntl(2), F_SETLEASE). */
const FILE = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * @param root followed as it is named: whoever named it means what it leads to
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

/** A name in a directory that is open (proc_pid_fd(5)): Node has no openat(2). */
function within(descriptor: number, name: string): string {
  return `/proc/self/fd/${descriptor}/${name}`;
}

/** Opens one directory in the other, and calls `use` with the last. */
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
  const path = within(parent, name);
  // To open a device is to use it. A race can turn this look, and then it is fstat below that refuses.
  if (!lstatSync(path).isFile()) throw new GantryError(irregular(where));
  const descriptor = openSync(path, FILE | constants.O_NOFOLLOW);
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw new GantryError(irregular(where));
    checkOwner(facts, where, owners);
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

/** An ACL that lets others write shows in the bits of the group (acl(5)). */
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

/** What the file system says, as a finding about the release. */
function explain(error: unknown, path: string, where: string): unknown {
  const fix = "unpack the release archive again, all of it, into an empty directory";
  if (errorCode(error) === "ENOENT") {
    return new GantryError({ code: "RELEASE_FILE_MISSING", what: `${path} is not there`, where, fix });
  }
  // A link or a file on the way (ENOTDIR with O_DIRECTORY), a link at the end, a socket.
  if (["ENOTDIR", "ELOOP", "ENXIO"].includes(errorCode(error) ?? ""))
    return new GantryError(irregular(where));
  const code = errorCode(error);
  if (code === undefined) return error;
  return new GantryError({ code: "IO_FAILED", what: `${path} cannot be read (${code})`, where });
}

/**
 * Opens a file that a person named, links followed; the caller closes it.
 * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH for what is no regular file; the file system's error
 */
export function openNamed(path: string): number {
  try {
    if (!statSync(path).isFile()) throw new GantryError(irregular(path));
    const descriptor = openSync(path, FILE);
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
    throw new GantryError(irregular(path));
  } catch (error) {
    throw explain(error, basename(path), path);
  }
}

const PIECE_BYTES = 1 << 20;

/**
 * All bytes of an open file, which stays open.
 * @param most more of them are DIGEST_MISMATCH
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

/** The pieces of an open file from its beginning; each is overwritten by the next one. */
export function* pieceAfterPiece(descriptor: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; ;) {
    const count = readSync(descriptor, buffer, 0, PIECE_BYTES, at);
    if (count === 0) return;
    at += count;
    yield buffer.subarray(0, count);
  }
}

/** A small file of a tree; undefined when there is nothing of that name. */
export function readSmall(tree: SourceTree, path: string, most: number): Buffer | undefined {
  return readOpened(() => tree.open(path), most, `${tree.named}/${path}`);
}

/** A small file that a person named; undefined when there is nothing of that name. */
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
