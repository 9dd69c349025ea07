/**
 * Follows the frames of zstd data without decompressing it (RFC 8878, 3.1): at most one skippable frame, which is a
 * bundle's head, then exactly one frame of data and nothing after it. Decompressors do not check this: Bun and Node accept
 * a cut frame, Bun 1.4.5 joins several frames, and Node 22.23 and Bun 1.3.0 return no data after a skippable frame. Pure.
 */
import type { Refuse } from "./archive-errors.ts";

/** The largest window, which is held in memory: 8 MiB, as RFC 8878 (3.1.1.1.2) recommends and level 19 uses. */
const WINDOW_BYTES = 8 << 20;
const SKIPPABLE = 0x184d2a50;
const SKIPPABLE_BYTES = 4096;
const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = Buffer.from("28b52ffd", "hex");
const NOTHING = new Uint8Array(0);
/** Bytes of the content size and of the dictionary id, by their flags in the descriptor. */
const CONTENT_SIZE = [0, 2, 4, 8] as const;
const DICTIONARY = [0, 1, 2, 4] as const;
const BLOCK_KINDS = { rle: 1, reserved: 3 } as const;

type Stage = "magic" | "skippable" | "descriptor" | "header" | "block" | "end";

interface Following {
  stage: Stage;
  /** Bytes to skip before the next field. */
  skip: number;
  readonly field: Buffer;
  filled: number;
  wanted: number;
  descriptor: number;
  named: boolean;
}

export interface FrameFollower {
  /**
   * @returns the part of the chunk that belongs to the frame of data
   * @throws what `refuse` makes
   */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** @throws what `refuse` makes, when the frame's end was not seen */
  readonly finish: () => void;
}

export function createFrameFollower(refuse: Refuse): FrameFollower {
  const following: Following = {
    stage: "magic",
    skip: 0,
    field: Buffer.alloc(16),
    filled: 0,
    wanted: 4,
    descriptor: 0,
    named: false,
  };
  return {
    push: (chunk) => {
      let rest = following.stage === "magic" || following.stage === "skippable" ? NOTHING : chunk;
      for (let at = 0; at < chunk.length;) {
        const before = following.stage;
        at += takePiece(following, chunk, at, refuse);
        // The magic number may be divided between pieces, and only its last byte tells which one it is.
        const isStart = before === "magic" && following.stage === "descriptor";
        if (isStart) rest = Buffer.concat([MAGIC_BYTES, chunk.subarray(at)]);
      }
      return rest;
    },
    finish: () => {
      if (following.stage !== "end" || following.skip > 0) throw refuse("it is cut off");
    },
  };
}

function takePiece(following: Following, chunk: Uint8Array, at: number, refuse: Refuse): number {
  if (following.skip > 0) {
    const passed = Math.min(following.skip, chunk.length - at);
    following.skip -= passed;
    return passed;
  }
  if (following.stage === "end") throw refuse("something follows the compressed data");
  const piece = chunk.subarray(at, at + following.wanted - following.filled);
  following.field.set(piece, following.filled);
  following.filled += piece.length;
  if (following.filled === following.wanted) {
    following.filled = 0;
    readField(following, refuse);
  }
  return piece.length;
}

function readField(following: Following, refuse: Refuse): void {
  switch (following.stage) {
    case "magic":
      return readMagic(following, refuse);
    case "skippable":
      following.skip = following.field.readUInt32LE(0);
      if (following.skip > SKIPPABLE_BYTES) throw refuse("the name in front of it is too long");
      following.named = true;
      return expectField(following, "magic", 4);
    case "descriptor":
      return readDescriptor(following, refuse);
    case "header":
      checkWindow(following, refuse);
      return expectField(following, "block", 3);
    case "block":
      return readBlock(following, refuse);
    case "end":
  }
}

function expectField(following: Following, stage: Stage, wanted: number): void {
  following.stage = stage;
  following.wanted = wanted;
}

function readMagic(following: Following, refuse: Refuse): void {
  const magic = following.field.readUInt32LE(0);
  if (magic === MAGIC) expectField(following, "descriptor", 1);
  else if ((magic & ~0xf) >>> 0 === SKIPPABLE && !following.named) expectField(following, "skippable", 4);
  else throw refuse("its compressed data is damaged");
}

const isSingle = (descriptor: number): boolean => (descriptor & 0x20) !== 0;
const contentSizeBytes = (descriptor: number): number =>
  descriptor >> 6 === 0 && isSingle(descriptor) ? 1 : (CONTENT_SIZE[descriptor >> 6] ?? 0);

function readDescriptor(following: Following, refuse: Refuse): void {
  const descriptor = following.field[0] ?? 0;
  if ((descriptor & 0x08) !== 0 || DICTIONARY[descriptor & 3] !== 0) {
    throw refuse("its compressed data needs a dictionary or a newer format");
  }
  following.descriptor = descriptor;
  expectField(following, "header", (isSingle(descriptor) ? 0 : 1) + contentSizeBytes(descriptor));
}

/** The window's size is in a byte of its own, or is the content's size for a single segment. */
function checkWindow({ descriptor, field }: Following, refuse: Refuse): void {
  const bytes = isSingle(descriptor) ? contentSize(field, descriptor) : windowSize(field[0] ?? 0);
  if (bytes > WINDOW_BYTES) {
    throw refuse(
      `it was compressed with a window of ${bytes} bytes; ${WINDOW_BYTES}, which level 19 has, are allowed`,
    );
  }
}

function contentSize(field: Buffer, descriptor: number): number {
  const length = contentSizeBytes(descriptor);
  if (length === 8) return Number(field.readBigUInt64LE(0));
  return field.readUIntLE(0, length) + (length === 2 ? 256 : 0);
}

function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

/** Reads a block's header. After the last block a checksum follows, if the frame has one. */
function readBlock(following: Following, refuse: Refuse): void {
  const header = following.field.readUIntLE(0, 3);
  const kind = (header >> 1) & 3;
  if (kind === BLOCK_KINDS.reserved) throw refuse("its compressed data is damaged");
  following.skip = kind === BLOCK_KINDS.rle ? 1 : header >> 3;
  if ((header & 1) === 0) return;
  if ((following.descriptor & 0x04) !== 0) following.skip += 4;
  following.stage = "end";
}
