/** Reads files of any size without holding them in memory. All functions throw the file system's error. */
import { closeSync, readSync } from "node:fs";
import { openRegularFile } from "./regular-file.ts";

const PIECE_BYTES = 1 << 20;

/** The first bytes of a file: `most` of them, or all when it is shorter. */
export function readStart(path: string, most: number): Buffer {
  const descriptor = openRegularFile(path);
  try {
    const buffer = Buffer.alloc(most);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, most, 0));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Passes a file to `take` in pieces of at most 1 MiB. All pieces use one buffer: a piece is valid only during the call.
 */
export function readPieces(path: string, take: (piece: Buffer) => void): void {
  const descriptor = openRegularFile(path);
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    for (;;) {
      const count = readSync(descriptor, buffer, 0, PIECE_BYTES, null);
      if (count === 0) return;
      take(buffer.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}
