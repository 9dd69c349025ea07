/** Writes the files of an imported release into a new directory. The mode of a file depends on its contents. */
import { chmodSync, fstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createTreeWriter, type TreeWriter } from "../../../archive/index.ts";
import type { GantryError } from "../../../base/errors.ts";
import type { TreeListing } from "../../../base/files/index.ts";
import { parentsOf, startEntry } from "../../../release/index.ts";
import { MOST_BYTES } from "./limits.ts";
import { pieceAfterPiece, tooLarge } from "./source-tree.ts";

type Entry = readonly [size: number, sha256: string];

export interface ImportWriter {
  /**
   * Copies an open file, or moves it when `move` is given, and hashes it.
   * @returns its size and digest
   * @throws GantryError DIGEST_MISMATCH when it has more than `most` bytes
   */
  readonly copy: (descriptor: number, file: ImportedFile) => Promise<Entry>;
  readonly put: (path: string, bytes: Uint8Array) => void;
  /** Removes a file that `copy` wrote. */
  readonly remove: (path: string) => void;
  readonly has: (path: string) => boolean;
  readonly listing: () => TreeListing;
}

interface ImportedFile {
  readonly path: string;
  /** The file's path for messages. */
  readonly where: string;
  /** Most bytes of the file. All files together have the limit MOST_BYTES. */
  readonly most?: number;
  /** The mode of a module's file, from the manifest. When left out, the mode depends on the contents. */
  readonly mode?: number;
  /**
   * The path of a file that no other user can change. The file is moved after it was read. When left out, it is copied.
   */
  readonly move?: string;
}

/** Pieces of 1 MiB after which the event loop gets a turn, in which the lock's heartbeat and signals are handled. */
const PIECES = 8;

/**
 * Makes a directory and the writer for it.
 * @param to the directory to make
 */
export function startWriting(to: string, signal: AbortSignal): ImportWriter {
  mkdirSync(to, { mode: 0o755 });
  chmodSync(to, 0o755);
  const writer = createTreeWriter(to);
  const files = new Set<string>();
  const directories = new Set<string>();
  let room = MOST_BYTES;
  const makeParents = (path: string) => {
    for (const parent of parentsOf(path)) {
      if (!directories.has(parent)) writer.directory(parent);
      directories.add(parent);
    }
  };
  return {
    copy: async (descriptor, { path, where, most = room, mode, move }) => {
      makeParents(path);
      const sink = move === undefined ? writer : undefined;
      const limit = Math.min(most, room);
      try {
        const tooMuch = tooLarge(limit, where);
        const taken = await pour(descriptor, { path, mode, sink, signal, limit, tooMuch });
        room -= taken.entry[0];
        if (move !== undefined) {
          renameSync(move, join(to, path));
          chmodSync(join(to, path), taken.mode);
        }
        files.add(path);
        return taken.entry;
      } finally {
        writer.abandon();
      }
    },
    put: (path, bytes) => {
      makeParents(path);
      writer.open(path, 0o644);
      try {
        writer.write(bytes);
      } finally {
        writer.abandon();
      }
      files.add(path);
    },
    remove: (path) => {
      rmSync(join(to, path), { force: true });
      files.delete(path);
    },
    has: (path) => files.has(path),
    // Longer paths first, so that a directory comes after its contents.
    listing: () => ({
      files: [...files],
      directories: [...[...directories].toSorted((a, b) => b.length - a.length), ""],
    }),
  };
}

interface Pouring {
  readonly path: string;
  readonly mode: number | undefined;
  /** What writes the new file. Undefined when the file is only read and hashed. */
  readonly sink: TreeWriter | undefined;
  readonly signal: AbortSignal;
  readonly limit: number;
  readonly tooMuch: GantryError;
}

/** Reads and hashes an open file, and writes the same bytes to the sink if there is one. */
async function pour(
  descriptor: number,
  { path, mode, sink, signal, limit, tooMuch }: Pouring,
): Promise<{ readonly entry: Entry; readonly mode: number }> {
  // Checked before reading, because anybody can make a sparse file of any size that uses no space on the disk.
  if (fstatSync(descriptor).size > limit) throw tooMuch;
  const hash = startEntry();
  let chosen: number | undefined;
  let [size, pieces] = [0, 0];
  const begin = (head: Uint8Array) => {
    const made = mode ?? modeOf(head);
    sink?.open(path, made);
    return made;
  };
  for (const piece of pieceAfterPiece(descriptor)) {
    chosen ??= begin(piece);
    size += piece.length;
    if (size > limit) throw tooMuch;
    hash.update(piece);
    sink?.write(piece);
    pieces += 1;
    if (pieces % PIECES === 0) await turn();
    signal.throwIfAborted();
  }
  return { entry: hash.finish(), mode: chosen ?? begin(new Uint8Array()) };
}

/**
 * Chooses the mode of a file from its first bytes: a file that the kernel can execute (execve(2)) becomes executable.
 * SHA256SUMS has no modes, and the modes of the source are not trusted.
 */
function modeOf(head: Uint8Array): number {
  const start = Buffer.from(head.subarray(0, 4)).toString("latin1");
  return start.startsWith("#!") || start === "\u007fELF" ? 0o755 : 0o644;
}
