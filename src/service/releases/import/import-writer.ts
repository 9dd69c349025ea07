/** What an import writes: new files below a directory of its own, with modes that follow from their contents. */
import { chmodSync, fstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createTreeWriter, parentsOf, type TreeWriter } from "../../../archive/index.ts";
import type { GantryError } from "../../../base/errors.ts";
import type { TreeListing } from "../../../base/files/index.ts";
import { startEntry } from "../../../release/index.ts";
import { MOST_BYTES } from "./limits.ts";
import { pieceAfterPiece, tooLarge } from "./source-tree.ts";

type Entry = readonly [size: number, sha256: string];

export interface ImportWriter {
  /** Copies an open file, hashed while it is copied; stops as soon as there are more than `most` bytes. */
  readonly copy: (descriptor: number, file: ImportedFile) => Promise<Entry>;
  readonly put: (path: string, bytes: Uint8Array) => void;
  /** Takes back what `copy` wrote. */
  readonly remove: (path: string) => void;
  readonly has: (path: string) => boolean;
  readonly listing: () => TreeListing;
}

interface ImportedFile {
  readonly path: string;
  /** For messages. */
  readonly where: string;
  /** Bytes; those of all files together are limited besides. */
  readonly most?: number;
  /** Of a module's file, as the manifest says; else the contents decide. */
  readonly mode?: number;
  /** The file itself, where nobody else can change it: it is moved when it was read. */
  readonly move?: string;
}

/** Pieces of 1 MiB after which others have their turn: the lock's heartbeat, signals. */
const PIECES = 8;

/** @param to made here */
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
    // What lies deeper is longer, and so comes first.
    listing: () => ({
      files: [...files],
      directories: [...[...directories].toSorted((a, b) => b.length - a.length), ""],
    }),
  };
}

interface Pouring {
  readonly path: string;
  readonly mode: number | undefined;
  /** Undefined to read only. */
  readonly sink: TreeWriter | undefined;
  readonly signal: AbortSignal;
  readonly limit: number;
  readonly tooMuch: GantryError;
}

/** From an open file to a new one, or to nowhere; what is hashed is what is written. */
async function pour(
  descriptor: number,
  { path, mode, sink, signal, limit, tooMuch }: Pouring,
): Promise<{ readonly entry: Entry; readonly mode: number }> {
  // A sparse file costs its owner nothing.
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
 * SHA256SUMS has no modes, and the ones of a source are anybody's: what a kernel can execute (execve(2)) is a program.
 */
function modeOf(head: Uint8Array): number {
  const start = Buffer.from(head.subarray(0, 4)).toString("latin1");
  return start.startsWith("#!") || start === "\u007fELF" ? 0o755 : 0o644;
}
