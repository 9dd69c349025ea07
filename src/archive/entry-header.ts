/**
 * Parses a tar header: a block of 512 bytes in the format of POSIX.1-2017 (ustar interchange format) or of GNU tar. Only
 * files, directories and the two kinds of extensions are accepted. Numbers must be plain octal. Pure.
 */
import { parseName, quoted } from "./entry-names.ts";
import type { Refuse } from "./archive-errors.ts";

export const BLOCK = 512;
/** setuid, setgid and sticky. */
const SPECIAL_MODES = 0o7000;
const EXECUTABLE = 0o100;
const CHECKSUM = { at: 148, length: 8 } as const;

/** Names of the kinds of entries that are refused, for messages. */
const REFUSED_KINDS: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a character device",
  "4": "a block device",
  "6": "a fifo",
  K: "a link",
  S: "a sparse file",
  g: "a header about all that follows",
};

type HeaderKind = "file" | "directory" | "pax" | "long name";

const KINDS: Readonly<Record<string, HeaderKind>> = {
  "0": "file",
  "\0": "file",
  "5": "directory",
  x: "pax",
  L: "long name",
};

export interface Header {
  readonly kind: HeaderKind;
  /** As written. It is not checked yet. */
  readonly path: string;
  /** Bytes that follow, without padding. */
  readonly size: number;
  readonly executable: boolean;
}

export function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

/**
 * Parses one block as a header.
 * @throws what `refuse` makes, for a damaged header and for an entry that a prepared tree never has
 */
export function parseHeader(block: Uint8Array, refuse: Refuse): Header {
  const number = (at: number, length: number, what: string): number => {
    const value = parseOctal(block.subarray(at, at + length));
    if (value === undefined) throw refuse(`a header's ${what} is no octal number`);
    return value;
  };
  if (number(CHECKSUM.at, CHECKSUM.length, "checksum") !== checksumOf(block)) {
    throw refuse("a header's checksum is wrong: it is damaged, or a size before it lies");
  }
  const magic = Buffer.from(block.buffer, block.byteOffset + 257, 8).toString("latin1");
  const isPosix = magic === "ustar\u000000";
  if (!isPosix && magic !== "ustar  \0") throw refuse("a header is neither ustar nor GNU");
  const name = parseName(field(block, 0, 100), refuse);
  // In GNU tar's format this field has times, in ustar the first part of a long name.
  const prefix = isPosix ? parseName(field(block, 345, 155), refuse) : "";
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const flag = String.fromCharCode(block[156] ?? 0);
  const kind = KINDS[flag];
  if (kind === undefined) {
    throw refuse(`the entry ${quoted(path)} is ${REFUSED_KINDS[flag] ?? `of an unknown kind (${flag})`}`);
  }
  if (block[157] !== 0) throw refuse(`the entry ${quoted(path)} names a link's target`);
  const mode = number(100, 8, "mode");
  if ((mode & SPECIAL_MODES) !== 0) throw refuse(`the entry ${quoted(path)} is setuid, setgid or sticky`);
  return { kind, path, size: number(124, 12, "size"), executable: (mode & EXECUTABLE) !== 0 };
}

/** The bytes of a text field up to its first NUL. */
function field(block: Uint8Array, at: number, length: number): Uint8Array {
  const bytes = block.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

/**
 * Parses octal digits with blanks before, and blanks or NULs after them. Undefined for anything else, such as GNU's
 * base-256 numbers, which only sizes from 8 GiB on need.
 */
function parseOctal(bytes: Uint8Array): number | undefined {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(Buffer.from(bytes).toString("latin1"))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** The sum of all bytes, in which those of the checksum field count as blanks. */
function checksumOf(block: Uint8Array): number {
  let sum = CHECKSUM.length * 0x20;
  for (const byte of block) sum += byte;
  for (const byte of block.subarray(CHECKSUM.at, CHECKSUM.at + CHECKSUM.length)) sum -= byte;
  return sum;
}
