/**
 * The basic structure of an ELF file: header, program headers and dynamic section, from which every other table is
 * found. Section headers are not read here: loaders ignore them, and some stripped files lack them. 32 and 64 bit, both
 * byte orders. Throws MalformedFile with the offset of what is wrong.
 */
import {
  eachRecord,
  getU64,
  latin1,
  malformed,
  readExactly,
  type ByteSource,
  type PagedSource,
} from "./bytes.ts";
import { DT, PT } from "./constants.ts";

export interface Segment {
  readonly type: number;
  readonly flags: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface ElfImage {
  readonly source: PagedSource;
  /** 64-bit class. */
  readonly wide: boolean;
  readonly little: boolean;
  readonly osabi: number;
  readonly abiVersion: number;
  readonly type: number;
  readonly machine: number;
  readonly segments: readonly Segment[];
  readonly interpreter: string | undefined;
  /** Every value of a tag in file order; empty when there is no dynamic section. */
  readonly dynamic: ReadonlyMap<number, readonly number[]>;
  /**
   * The place of the string table, and how many bytes of names may still be decoded. Without that limit, a hostile file
   * could make a reader decode a name of 64 KB a hundred thousand times.
   */
  readonly strings: StringTable;
}

interface StringTable {
  left: number;
  /** Position of the table, found on first use. */
  place?: { readonly start: number; readonly size: number };
}

/** More program headers or dynamic entries than any linker writes: a file with more is damaged. */
const MAX_SEGMENTS = 4096;
const MAX_DYNAMIC = 16_384;

export function readImage(source: PagedSource): ElfImage {
  const ident = readExactly(source, 0, 16, "the ELF header");
  const classByte = ident.getUint8(4);
  const dataByte = ident.getUint8(5);
  if (classByte !== 1 && classByte !== 2) malformed(4, `ELF class ${classByte} does not exist`);
  if (dataByte !== 1 && dataByte !== 2) malformed(5, `ELF byte order ${dataByte} does not exist`);
  if (ident.getUint8(6) !== 1) malformed(6, `ELF version ${ident.getUint8(6)} does not exist`);
  const wide = classByte === 2;
  const little = dataByte === 1;
  const header = readExactly(source, 0, wide ? 64 : 52, "the ELF header");
  const segments = readSegments(source, header, wide, little);
  return {
    source,
    wide,
    little,
    osabi: ident.getUint8(7),
    abiVersion: ident.getUint8(8),
    type: header.getUint16(16, little),
    machine: header.getUint16(18, little),
    segments,
    interpreter: readInterpreter(source, segments),
    dynamic: readDynamic(source, segments, wide, little),
    strings: { left: MAX_STRINGS },
  };
}

/** An address-sized field. */
export function getWord(view: DataView, at: number, wide: boolean, little: boolean): number {
  return wide ? getU64(view, at, little) : view.getUint32(at, little);
}

function readSegments(source: ByteSource, header: DataView, wide: boolean, little: boolean): Segment[] {
  const offset = getWord(header, wide ? 32 : 28, wide, little);
  const size = header.getUint16(wide ? 54 : 42, little);
  const count = header.getUint16(wide ? 56 : 44, little);
  if (count === 0) return [];
  const expected = wide ? 56 : 32;
  if (size !== expected) malformed(wide ? 54 : 42, `program headers of ${size} bytes, not ${expected}`);
  if (count > MAX_SEGMENTS) malformed(wide ? 56 : 44, `${count} program headers`);
  const segments: Segment[] = [];
  eachRecord(source, { offset, count, size, what: "the program header table" }, (view, at) => {
    const word = (wideAt: number, narrowAt: number): number =>
      getWord(view, at + (wide ? wideAt : narrowAt), wide, little);
    segments.push({
      type: view.getUint32(at, little),
      flags: view.getUint32(at + (wide ? 4 : 24), little),
      offset: word(8, 4),
      address: word(16, 8),
      fileSize: word(32, 16),
      memorySize: word(40, 20),
      align: word(48, 28),
    });
  });
  return segments;
}

function readInterpreter(source: ByteSource, segments: readonly Segment[]): string | undefined {
  const segment = segments.find(({ type }) => type === PT.INTERP);
  if (segment === undefined || segment.fileSize === 0) return undefined;
  // A path longer than PATH_MAX cannot be opened; the kernel refuses it too (fs/binfmt_elf.c).
  if (segment.fileSize > 4096) malformed(segment.offset, "the interpreter's path is longer than 4096 bytes");
  const view = readExactly(source, segment.offset, segment.fileSize, "the interpreter's path");
  return latin1(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)).replace(/\0.*$/s, "");
}

function readDynamic(
  source: ByteSource,
  segments: readonly Segment[],
  wide: boolean,
  little: boolean,
): Map<number, number[]> {
  const dynamic = new Map<number, number[]>();
  const segment = segments.find(({ type }) => type === PT.DYNAMIC);
  if (segment === undefined) return dynamic;
  // Loaders use the address, not p_offset. The two differ only in files that were patched incorrectly.
  const offset = fileOffset(segments, segment.address) ?? segment.offset;
  const size = wide ? 16 : 8;
  const available = Math.max(0, Math.min(segment.fileSize, source.size - offset));
  const count = Math.min(Math.floor(available / size), MAX_DYNAMIC);
  let ended = false;
  eachRecord(source, { offset, count, size, what: "the dynamic section" }, (view, at) => {
    const tag = getWord(view, at, wide, little);
    if (tag === DT.NULL) {
      ended = true;
      return false;
    }
    const value = getWord(view, at + size / 2, wide, little);
    const values = dynamic.get(tag);
    if (values === undefined) dynamic.set(tag, [value]);
    else values.push(value);
    return true;
  });
  if (!ended) malformed(offset, "the dynamic section has no end");
  return dynamic;
}

/** The file offset of an address; undefined when no PT_LOAD has file bytes there (.bss, or outside). */
export function fileOffset(segments: readonly Segment[], address: number): number | undefined {
  for (const { type, address: start, fileSize, offset } of segments) {
    if (type === PT.LOAD && address >= start && address < start + fileSize) return offset + (address - start);
  }
  return undefined;
}

/** The file offset of a table that a dynamic tag points at; undefined without the tag. */
export function tableOffset(image: ElfImage, tag: number, what: string): number | undefined {
  const address = lastValue(image, tag);
  if (address === undefined) return undefined;
  const offset = fileOffset(image.segments, address);
  if (offset === undefined) malformed(0, `${what} is at address ${hex(address)}, which no segment holds`);
  return offset;
}

/** Loaders use the last entry of a tag that may occur once (glibc elf/get-dynamic-info.h). */
export function lastValue(image: ElfImage, tag: number): number | undefined {
  return image.dynamic.get(tag)?.at(-1);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Longest name read from a string table; the longest C++ symbol of the measured corpus has 5,900 bytes. */
const MAX_NAME = 65_536;
/** The most bytes of names that are decoded of one file. The 90,000 exports of a Node executable have 6 MB. */
const MAX_STRINGS = 2 ** 24;

/** The NUL-terminated string at an index of the dynamic string table. */
export function dynamicString(image: ElfImage, index: number): string {
  const { start, size } = (image.strings.place ??= findStrings(image));
  if (index >= size) malformed(start, `string ${index} lies outside the string table of ${size} bytes`);
  const text = readString(image.source, start + index, Math.min(MAX_NAME, size - index));
  image.strings.left -= text.length;
  if (image.strings.left < 0) malformed(start, "the names are many times longer than their table");
  return text;
}

function findStrings(image: ElfImage): { readonly start: number; readonly size: number } {
  const start = tableOffset(image, DT.STRTAB, "the string table");
  if (start === undefined) malformed(0, "there are names but no string table");
  return { start, size: lastValue(image, DT.STRSZ) ?? 0 };
}

/**
 * Reads up to a NUL within `limit` bytes.
 * @throws MalformedFile when there is none
 */
export function readString(source: ByteSource, offset: number, limit: number): string {
  let text = "";
  for (let step = 64; text.length < limit; step = Math.min(step * 4, 8192)) {
    const bytes = source.read(offset + text.length, Math.min(step, limit - text.length));
    if (bytes.length === 0) break;
    const end = bytes.indexOf(0);
    if (end >= 0) return text + latin1(bytes.subarray(0, end));
    text += latin1(bytes);
  }
  return malformed(offset, "a name has no end");
}
