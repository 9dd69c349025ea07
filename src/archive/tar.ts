/**
 * Reads a tar stream in pieces of any size, and keeps at most one header and one extension in memory. It accepts only
 * files and directories: without links, nothing can be written through one. What two readers could read differently (two
 * sizes, two names, data in padding or after the end) is refused. The `tar` package is not used because it skips unknown
 * entries, and would add 34 KB to every release.
 */
import { EXTENSION_BYTES, parseLongName, parsePax, type Extension } from "./extension.ts";
import { BLOCK, isZero, parseHeader, type Header } from "./entry-header.ts";
import { quoted } from "./entry-names.ts";
import type { Refuse } from "./archive-errors.ts";

/** The most zeros after the end, in bytes: tar(1) fills its records, by default of 10 KiB. */
const TRAILER_BYTES = 1 << 20;

export interface TarEntry {
  /** The path in the archive, without the slash at the end of a directory's. It is not checked yet. */
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly size: number;
  readonly executable: boolean;
}

/** Receives the contents of the stream. Each function may throw to stop the reader. */
export interface TarSink {
  readonly entry: (entry: TarEntry) => void;
  /** Pieces of the last entry's file. The bytes are valid only during the call. */
  readonly data: (bytes: Uint8Array) => void;
  /** Called when the last entry's file is complete, also when it is empty; never for a directory. */
  readonly end: () => void;
}

export interface TarReader {
  readonly push: (chunk: Uint8Array) => void;
  /** @throws what `refuse` makes, when the archive's end was not seen */
  readonly finish: () => void;
}

type Stage = "header" | "body" | "extension" | "padding" | "second zero block" | "end";

interface Reading {
  readonly sink: TarSink;
  readonly refuse: Refuse;
  stage: Stage;
  /** Bytes left of a body, of padding, or of the zeros that may follow the end; never 0 in a body or padding. */
  left: number;
  padding: number;
  /** A header or extension that came in several pieces. */
  readonly held: Uint8Array;
  filled: number;
  /** The kinds of extensions since the last entry, with the one that is being read. */
  kinds: ("pax" | "long name")[];
  extension: Extension;
}

export function createTarReader(sink: TarSink, refuse: Refuse): TarReader {
  const reading: Reading = {
    sink,
    refuse,
    stage: "header",
    left: 0,
    padding: 0,
    held: new Uint8Array(EXTENSION_BYTES),
    filled: 0,
    kinds: [],
    extension: {},
  };
  return {
    push: (chunk) => {
      for (let at = 0; at < chunk.length;) at += readPiece(reading, chunk, at);
    },
    finish: () => {
      if (reading.stage !== "end") throw refuse("it is cut off");
    },
  };
}

/** Uses bytes of `chunk` from `at` on, as the state allows. Returns their number, which is at least 1. */
function readPiece(reading: Reading, chunk: Uint8Array, at: number): number {
  const { stage, refuse } = reading;
  if (stage === "header" || stage === "second zero block") {
    const piece = chunk.subarray(at, at + BLOCK - reading.filled);
    const block = collectBlock(reading, piece);
    if (block !== undefined) readBlock(reading, block);
    return piece.length;
  }
  const piece = chunk.subarray(at, at + reading.left);
  if (piece.length === 0) throw refuse("too many zeros follow its end");
  reading.left -= piece.length;
  if (stage === "body") reading.sink.data(piece);
  else if (stage === "extension") hold(reading, piece);
  else if (!isZero(piece))
    throw refuse(stage === "end" ? "something follows its end" : "padding is not zero");
  if (reading.left > 0 || stage === "end") return piece.length;
  if (stage === "padding") reading.stage = "header";
  else endBody(reading, stage);
  return piece.length;
}

function hold(reading: Reading, piece: Uint8Array): void {
  reading.held.set(piece, reading.filled);
  reading.filled += piece.length;
}

/**
 * The block, once all of its bytes have arrived; undefined before. A block that is whole in the piece is not copied.
 */
function collectBlock(reading: Reading, piece: Uint8Array): Uint8Array | undefined {
  if (piece.length === BLOCK) return piece;
  hold(reading, piece);
  if (reading.filled < BLOCK) return undefined;
  reading.filled = 0;
  return reading.held.subarray(0, BLOCK);
}

function readBlock(reading: Reading, block: Uint8Array): void {
  const { stage, refuse } = reading;
  if (stage === "second zero block") {
    if (!isZero(block)) throw refuse("a block of zeros is in the middle of it");
    reading.stage = "end";
    reading.left = TRAILER_BYTES;
  } else if (isZero(block)) {
    if (reading.kinds.length > 0) throw refuse("an extended header has no entry");
    reading.stage = "second zero block";
  } else readHeader(reading, parseHeader(block, refuse));
}

function readHeader(reading: Reading, header: Header): void {
  const { kind, size } = header;
  if (kind === "pax" || kind === "long name") {
    if (reading.kinds.includes(kind)) throw reading.refuse("one entry has two extended headers");
    if (size === 0 || size > EXTENSION_BYTES) throw reading.refuse(`an extended header has ${size} bytes`);
    reading.kinds.push(kind);
    startBody(reading, size, "extension");
    return;
  }
  const entry = describeEntry({ ...header, kind }, reading.extension, reading.refuse);
  reading.kinds = [];
  reading.extension = {};
  reading.sink.entry(entry);
  if (kind === "directory") return;
  startBody(reading, size, "body");
  if (size === 0) endBody(reading, "body");
}

function startBody(reading: Reading, size: number, stage: "body" | "extension"): void {
  reading.left = size;
  reading.padding = (BLOCK - (size % BLOCK)) % BLOCK;
  reading.stage = stage;
}

function endBody(reading: Reading, stage: "body" | "extension"): void {
  if (stage === "body") reading.sink.end();
  else readExtension(reading);
  reading.left = reading.padding;
  reading.stage = reading.padding === 0 ? "header" : "padding";
}

function readExtension(reading: Reading): void {
  const { refuse } = reading;
  const bytes = reading.held.subarray(0, reading.filled);
  reading.filled = 0;
  const found = reading.kinds.at(-1) === "pax" ? parsePax(bytes, refuse) : parseLongName(bytes, refuse);
  if (found.path !== undefined && reading.extension.path !== undefined) {
    throw refuse("two extended headers name one entry");
  }
  reading.extension = { ...reading.extension, ...found };
}

/**
 * Combines a header with its extensions: an extension's name replaces the header's, and an extension's size must equal
 * the header's.
 */
function describeEntry(
  header: Header & Pick<TarEntry, "kind">,
  extension: Extension,
  refuse: Refuse,
): TarEntry {
  const { kind, size, executable } = header;
  const name = extension.path ?? header.path;
  const path = kind === "directory" && name.endsWith("/") ? name.slice(0, -1) : name;
  if (extension.size !== undefined && extension.size !== size) {
    throw refuse(`two headers give ${quoted(path)} ${size} and ${extension.size} bytes`);
  }
  if (kind === "directory" && size !== 0) throw refuse(`the directory ${quoted(path)} has ${size} bytes`);
  return { path, kind, size, executable };
}
