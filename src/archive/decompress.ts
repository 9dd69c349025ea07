/**
 * Decompresses an archive in pieces, so that only a few pieces and the decompression window are in memory. A cut file,
 * a second stream and any data after the first are refused.
 */
import { closeSync, readSync } from "node:fs";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { GantryError } from "../base/errors.ts";
import { readCompression } from "../release/index.ts";
import { refuseUnsafe, type Refuse } from "./archive-errors.ts";
import { createFrameFollower } from "./zstd-frame.ts";
import { openRegularFile } from "../base/files/index.ts";

/**
 * Compressed bytes read at once, and decompressed bytes handed over at once. Pieces of 64 KiB take 1.4 times the
 * processor time and save 1 MB.
 */
const PIECE_BYTES = 256 * 1024;

interface Decompressor {
  readonly transform: Transform & { readonly bytesWritten: number };
  /** Takes compressed bytes, and returns those to decompress. */
  readonly push: (piece: Uint8Array) => Uint8Array;
  /**
   * Checks that the data ended as it must. `used` is the number of compressed bytes that were used, and `made` that of
   * the bytes that came out.
   */
  readonly finish: (used: number, made: number) => void;
}

/**
 * Passes every piece of the decompressed file to `consume`, which may throw to stop. The bytes are valid only during the
 * call.
 * @throws GantryError ARCHIVE_UNSAFE for damage, HOST_UNSUPPORTED when this runtime has no zstd; what `consume`
 * throws; the signal's reason; the file system's errors
 */
export async function decompress(
  file: string,
  signal: AbortSignal,
  consume: (piece: Uint8Array) => void,
): Promise<void> {
  const descriptor = openRegularFile(file);
  // Errors thrown in this function, because Node 20 reports an AbortError of the stream in their place.
  const thrown: unknown[] = [];
  const keep = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  };
  try {
    const refuse = refuseUnsafe(file);
    const { transform, push, finish } = openDecompressor(descriptor, file, refuse);
    let made = 0;
    const take = (piece: Uint8Array): void => {
      signal.throwIfAborted();
      made += piece.length;
      consume(piece);
    };
    const source = function* (): Generator<Uint8Array> {
      for (;;) {
        const piece = keep(() => readPiece(descriptor, null));
        if (piece.length === 0) return;
        const part = keep(() => push(piece));
        if (part.length > 0) yield part;
      }
    };
    const sink = async (pieces: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const piece of pieces) keep(() => take(piece));
    };
    await pipeline(Readable.from(source(), { objectMode: false }), transform, sink).catch(() => {
      throw thrown[0] ?? refuse("its compressed data is damaged or cut off");
    });
    finish(transform.bytesWritten, made);
  } finally {
    closeSync(descriptor);
  }
}

/** @param position 0 reads from the start; null reads on after the last piece */
function readPiece(descriptor: number, position: 0 | null): Buffer {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  return piece.subarray(0, readSync(descriptor, piece, 0, PIECE_BYTES, position));
}

function openDecompressor(descriptor: number, file: string, refuse: Refuse): Decompressor {
  switch (readCompression(readPiece(descriptor, 0))) {
    case "gz":
      return openGzip(refuse);
    case "zst":
      return openZstd(file, refuse);
    case undefined:
      throw refuse("it is neither zstd nor gzip");
  }
}

/**
 * The end of a gzip member is known only after decompression, and a decompressor goes on with the next member. So it is
 * checked afterwards that every byte was used, and that the last member's size (ISIZE, the last four bytes; RFC 1952,
 * 2.3.1) is that of all bytes that came out.
 */
function openGzip(refuse: Refuse): Decompressor {
  let total = 0;
  let last = Buffer.alloc(0);
  return {
    transform: zlib.createGunzip({ chunkSize: PIECE_BYTES }),
    push: (piece) => {
      total += piece.length;
      last = Buffer.concat([last, piece.subarray(-4)]).subarray(-4);
      return piece;
    },
    finish: (used, made) => {
      if (used !== total || last.readUInt32LE(0) !== made % 2 ** 32) {
        throw refuse("something follows its compressed data");
      }
    },
  };
}

type ZstdModule = {
  /** Bun 1.2.17, Node 22.15 and newer. */
  readonly createZstdDecompress?: (options: zlib.ZlibOptions) => Decompressor["transform"];
};

function openZstd(file: string, refuse: Refuse): Decompressor {
  const { createZstdDecompress } = zlib as ZstdModule;
  if (createZstdDecompress === undefined) {
    throw new GantryError({
      code: "HOST_UNSUPPORTED",
      what: "this runtime cannot read zstd, and the archive is a .zst",
      where: file,
      fix: "use the .tar.gz of it, or a release with Bun 1.2.17 or Node 22.15, or newer",
    });
  }
  const { push, finish } = createFrameFollower(refuse);
  return { transform: createZstdDecompress({ chunkSize: PIECE_BYTES }), push, finish };
}
