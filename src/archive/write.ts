/**
 * Writes files below a private, empty directory, and hashes them. Each file is opened so that an existing one, or a link,
 * is refused. Modes are set on the open file, so that the umask does not matter.
 */
import { chmodSync, closeSync, constants, fchmodSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type EntryHash, startEntry } from "../release/index.ts";

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface TreeWriter {
  readonly directory: (path: string) => void;
  /** Opens a new file; one is open at a time. @param mode 0o644 or 0o755 */
  readonly open: (path: string, mode: number) => void;
  readonly write: (bytes: Uint8Array) => void;
  /** @returns size and SHA-256 of what was written */
  readonly close: () => readonly [size: number, sha256: string];
  /** Closes a file that was left open after an error. */
  readonly abandon: () => void;
}

/**
 * Makes a writer for files below `root`. Its functions throw the file system's errors, such as EEXIST when a path
 * exists.
 */
export function createTreeWriter(root: string): TreeWriter {
  let open: { readonly descriptor: number; readonly hash: EntryHash } | undefined;
  const release = (): EntryHash | undefined => {
    const was = open;
    open = undefined;
    if (was !== undefined) closeSync(was.descriptor);
    return was?.hash;
  };
  return {
    directory: (path) => {
      mkdirSync(join(root, path), 0o755);
      chmodSync(join(root, path), 0o755);
    },
    open: (path, mode) => {
      open = { descriptor: openSync(join(root, path), CREATE, 0o600), hash: startEntry() };
      fchmodSync(open.descriptor, mode);
    },
    write: (bytes) => {
      if (open === undefined) return;
      for (let at = 0; at < bytes.length;) at += writeSync(open.descriptor, bytes, at);
      open.hash.update(bytes);
    },
    close: () => (release() ?? startEntry()).finish(),
    abandon: () => {
      release();
    },
  };
}
