/**
 * Lists a directory tree as its files with size, SHA-256 and mode. Trees are compared and checked in this form, and the
 * manifest has it. All hashing of files is here.
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

/** Computes size and SHA-256 of bytes that arrive in pieces. */
export interface EntryHash {
  readonly update: (bytes: Uint8Array) => void;
  readonly finish: () => readonly [size: number, sha256: string];
}

/** Starts the hash of bytes that arrive in pieces. */
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

/** The permission bits of an installed file, whatever the umask: 0755 or 0644. */
export function normalMode(entry: FileEntry): number {
  return entry[2] === "x" ? 0o755 : 0o644;
}

export interface TreeFile {
  /** Relative to the root that was listed, with forward slashes. */
  readonly path: string;
  readonly kind: "file" | "link" | "other";
}

/** Lists everything below `root` except directories, sorted by path in UTF-16 order. Links are not followed. */
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
 * Reads one file's entry. A link is not followed: its entry has the size of its target's path, and a hash of that path.
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
