/**
 * Computes checksums of a release's program and launcher, which the release's scripts compare before they run them: the
 * size, the CRC of cksum (POSIX, "cksum"), and the SHA-256. The CRC detects accidental changes only. A person who can
 * replace these files could change the scripts as well.
 */
import { startEntry } from "../../release/index.ts";
import { readPieces } from "../../base/files/index.ts";

export interface ProvenFile {
  /** Relative to the release. */
  readonly path: string;
  readonly size: number;
  readonly crc: number;
  readonly sha256: string;
}

/** Bytes that `addBytes` takes at once. */
const WIDTH = 8;
/**
 * Row `n` has, for each byte, the CRC-32 of that byte and `n` zero bytes after it, most significant bit first. POSIX,
 * "cksum", gives the polynomial. The rows are one after another.
 */
const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(256 * WIDTH);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at += 1) table[at] = addByte(table[at - 256] ?? 0, 0, table);
  return table;
}

function addByte(crc: number, byte: number, table = TABLE): number {
  return (crc << 8) ^ (table[(crc >>> 24) ^ byte] ?? 0);
}

const row = (zeros: number, byte: number): number => TABLE[256 * zeros + byte] ?? 0;

/** One table look-up after another costs most of the time. Eight that do not wait for each other cost that of one. */
function addBytes(before: number, piece: Buffer): number {
  const byte = (at: number): number => piece[at] ?? 0;
  const whole = piece.length - (piece.length % WIDTH);
  let crc = before;
  for (let at = 0; at < whole; at += WIDTH) {
    const first = row(7, (crc >>> 24) ^ byte(at)) ^ row(6, ((crc >>> 16) & 255) ^ byte(at + 1));
    const second = row(5, ((crc >>> 8) & 255) ^ byte(at + 2)) ^ row(4, (crc & 255) ^ byte(at + 3));
    const third = row(3, byte(at + 4)) ^ row(2, byte(at + 5));
    crc = first ^ second ^ third ^ row(1, byte(at + 6)) ^ row(0, byte(at + 7));
  }
  for (let at = whole; at < piece.length; at += 1) crc = addByte(crc, byte(at));
  return crc;
}

/**
 * Computes the checksums of a file of any size. Reads the file once.
 * @throws the file system's error when it cannot be read
 */
export function proveFile(root: string, path: string): ProvenFile {
  const entry = startEntry();
  let crc = 0;
  readPieces(`${root}/${path}`, (piece) => {
    entry.update(piece);
    crc = addBytes(crc, piece);
  });
  const [size, sha256] = entry.finish();
  // cksum adds the file's length after its bytes, least significant byte first, without leading zero bytes.
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) crc = addByte(crc, rest & 255);
  return { path, size, crc: ~crc >>> 0, sha256 };
}
