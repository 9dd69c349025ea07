/**
 * A directory tree as a sorted list of its files with size, SHA-256 and mode: the form in which trees are
 * compared, put into the manifest and checked. The one place that hashes.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";
import { readPieces } from "../base/files/index.ts";

/** `[size in bytes, SHA-256 in lower-case hexadecimal]`, and `"x"` as a third element for an executable file. */
export type FileEntry =
  | readonly [size: number, sha256: string]
  | readonly [size: number, sha256: string, mode: "x"];

/** The SHA-256 of some bytes or text, lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Size and SHA-256 of a file whose bytes come one piece after the other. */
export interface EntryHash {
  readonly update: (bytes: Uint8Array) => void;
  readonly finish: () => readonly [size: number, sha256: string];
}

/** Starts an entry for bytes that are not in a file yet, or not yet all. */
export function startEntry(): EntryHash {
  const hash = createHash("sha256");
  let size = 0;
  return {
    update: (bytes) => {
      size += bytes.length;
      hash.update(bytes);
    },
    finish: () => [size, hash.digest("hex")],
  };
}

/**
 * Size and SHA-256 of a file of any size.
 * @throws the file system's error when it cannot be read
 */
export function readFileEntry(path: string): readonly [size: number, sha256: string] {
  const entry = startEntry();
  readPieces(path, entry.update);
  return entry.finish();
}

/** Permission bits that an installed file gets, whatever the umask was when it was made. */
export function normalMode(entry: FileEntry): number {
  return entry[2] === "x" ? 0o755 : 0o644;
}

export interface TreeFile {
  /** Relative to the root that was listed, with forward slashes. */
  readonly path: string;
  readonly kind: "file" | "link" | "other";
}

/** Lists everything below `root` that is no directory, sorted by path in UTF-16 order, links not followed. */
export function readTreeFiles(root: string, below = ""): TreeFile[] {
  const files: TreeFile[] = [];
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) files.push(...readTreeFiles(root, path));
    else files.push({ path, kind: entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : "other" });
  }
  return below === "" ? files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) : files;
}

/**
 * Reads one file's entry: a link counts as the hash of what it says, so that it is compared without being followed.
 * @throws GantryError ARCHIVE_UNSAFE for a device, fifo or socket
 */
export function readTreeEntry(root: string, file: TreeFile): FileEntry {
  const path = join(root, file.path);
  if (file.kind === "link") {
    const to = readlinkSync(path);
    return [Buffer.byteLength(to), sha256(`link:${to}`)];
  }
  if (file.kind === "other") {
    throw new GantryError({ code: "ARCHIVE_UNSAFE", what: "this is neither a file nor a link", where: path });
  }
  const [size, digest] = readFileEntry(path);
  return (lstatSync(path).mode & 0o111) === 0 ? [size, digest] : [size, digest, "x"];
}

/**
 * One digest for a set of files: SHA-256 over the lines `SHA256  SIZE  MODE  PATH\n`, sorted by path.
 * Two trees have the same digest exactly when names, contents and modes agree.
 */
export function digestOfFiles(files: Readonly<Record<string, FileEntry>>): string {
  const lines = Object.keys(files)
    .toSorted()
    .map((path) => {
      const entry = files[path];
      return entry === undefined ? "" : `${entry[1]}  ${entry[0]}  ${entry[2] ?? "-"}  ${path}\n`;
    });
  return sha256(lines.join(""));
}

/** The first directory of a relative path, `.` for a file at the top. */
export function topOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? ".") : ".";
}
