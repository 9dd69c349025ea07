/**
 * Writes the tar inside a bundle. Its bytes depend only on the manifest's list of files: modes come from the manifest,
 * owners and times are fixed, and entries are sorted. Every file is compared with its digest while it is written, so a
 * bundle never holds other bytes than its manifest says.
 */
import { closeSync, openSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Header, Pax } from "tar";
import { errorCode, GantryError } from "../../base/errors.ts";
import { type FileEntry, type Manifest, normalMode, sha256 } from "../../release/index.ts";
import { DEFAULT_EPOCH } from "../pack/index.ts";

/** tar's unit in bytes. Every header and every file is padded to it. */
const BLOCK = 512;

/**
 * Writes the tar of a tree, with paths relative to node_modules.
 * @param directory the node_modules that holds the files
 * @param file the path of the tar
 * @returns the tar's size in bytes
 * @throws GantryError DIGEST_MISMATCH when a file's digest is not the one in `modules`; the file system's errors
 */
export function writeTreeTar(directory: string, modules: Manifest["modules"], file: string): number {
  const descriptor = openSync(file, "wx", 0o600);
  let size = 0;
  const write = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    size += bytes.length;
  };
  try {
    for (const [path, entry] of listFiles(modules)) {
      for (const bytes of formatEntry(directory, path, entry)) write(bytes);
    }
    write(Buffer.alloc(2 * BLOCK));
    return size;
  } finally {
    closeSync(descriptor);
  }
}

/** Every file of a tree by its path relative to node_modules, sorted by path in UTF-16 order. */
function listFiles(modules: Manifest["modules"]): [path: string, entry: FileEntry][] {
  return Object.entries(modules)
    .flatMap(([directory, module]) =>
      Object.entries(module.files).map(([path, entry]): [string, FileEntry] => [
        `${directory}/${path}`,
        entry,
      ]),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function formatEntry(directory: string, path: string, entry: FileEntry): Uint8Array[] {
  const where = join(directory, path);
  const link = readLink(where);
  const content = link === undefined ? readFileSync(where) : Buffer.alloc(0);
  const found = sha256(link === undefined ? content : `link:${link}`);
  if (found !== entry[1]) {
    throw new GantryError({
      code: "DIGEST_MISMATCH",
      what: `${path} is not the file that the release was built with`,
      where,
      detail: [`the release says ${entry[1]}`, `the file has     ${found}`],
      fix: "prepare the release again, or let gantry bundle install the modules anew",
    });
  }
  const names = link === undefined ? { path } : { path, linkpath: link };
  const header = new Header({
    ...names,
    type: link === undefined ? "File" : "SymbolicLink",
    mode: normalMode(entry),
    size: content.length,
    uid: 0,
    gid: 0,
    mtime: new Date(DEFAULT_EPOCH * 1000),
  });
  const block = Buffer.alloc(BLOCK);
  const extended = header.encode(block, 0) ? [new Pax(names).encode()] : [];
  return [...extended, block, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}

/** Where a symbolic link leads. Undefined for anything else. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errorCode(error) === "EINVAL") return undefined;
    throw error;
  }
}
