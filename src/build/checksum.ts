/**
 * Computes checksums of a release's program and launcher, which the release's scripts compare before they run them: the
 * size, the CRC of cksum (POSIX, "cksum"), and the SHA-256. The CRC detects accidental changes only. A person who can
 * replace these files could change the scripts as well.
 */
import { startEntry } from "../release/index.ts";
import { readPieces } from "../base/files/index.ts";

export interface ProvenFile {
  /** Relative to the release. */
  readonly path: string;
  readonly size: number;
  readonly crc: number;
  readonly sha256: string;
}

/** For each byte, the CRC-32 of that byte alone, most significant bit first. POSIX, "cksum", gives the polynomial. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

const addByte = (crc: number, byte: number): number => (crc << 8) ^ (TABLE[(crc >>> 24) ^ byte] ?? 0);

/**
 * Computes the checksums of a file of any size. Reads the file once.
 * @throws the file system's error when it cannot be read
 */
export function proveFile(root: string, path: string): ProvenFile {
  const entry = startEntry();
  let crc = 0;
  readPieces(`${root}/${path}`, (piece) => {
    entry.update(piece);
    for (const byte of piece) crc = addByte(crc, byte);
  });
  const [size, sha256] = entry.finish();
  // cksum adds the file's length after its bytes, least significant byte first, without leading zero bytes.
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) crc = addByte(crc, rest & 255);
  return { path, size, crc: ~crc >>> 0, sha256 };
}
