/**
 * Plans what strip(1) does to a finished program, without binutils. Symbol table and debugging sections are removed.
 * Every mapped byte stays where it was. The section table keeps the remaining sections, because profilers and
 * debuggers find .dynsym and .eh_frame by it. Pure: returns what to cut and what to append. A file with anything
 * unknown (data after the sections, sections of other names, odd tables) is not changed.
 */
import {
  eachRecord,
  getU64,
  MalformedFile,
  pagedSource,
  readExactly,
  type ByteSource,
  type PagedSource,
} from "./bytes.ts";
import { ET, PT } from "./constants.ts";
import { identifyFile } from "./identify.ts";
import { readImage, readString, type ElfImage } from "./elf-image.ts";

export interface StripPlan {
  /** Number of bytes that stay at the start of the file. */
  readonly kept: number;
  /** Appended after them: the names of the sections and their table. */
  readonly tail: Uint8Array;
  /** Replaces the ELF header, the first 64 bytes. */
  readonly header: Uint8Array;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  /** Bytes in the file. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  /** The section header as it is in the table. */
  readonly record: Uint8Array;
}

const HEADER = 64;
const RECORD = 64;
const SHT = { NULL: 0, SYMTAB: 2, STRTAB: 3, RELA: 4, NOBITS: 8, REL: 9 } as const;
const SHF = { ALLOC: 2, INFO_LINK: 0x40 } as const;
/**
 * From this value on, a count or an index is stored elsewhere (gABI, SHN_LORESERVE). No program has so many sections.
 */
const MAX_SECTIONS = 0xff00;

/**
 * Names of sections that a running program does not read. Notes of probes, signatures and appended data are not in this
 * list, because some programs read them from their own file.
 */
const DISPENSABLE = new Set([".comment", ".gnu.build.attributes", ".strtab", ".shstrtab"]);

/**
 * Plans the removal for a 64-bit little-endian program or library.
 * @returns undefined when the file must not be changed
 */
export function planStrip(source: ByteSource): StripPlan | undefined {
  try {
    if (identifyFile(source).kind !== "elf") return undefined;
    const paged = pagedSource(source);
    const image = readImage(paged);
    const finished = image.type === ET.EXEC || image.type === ET.DYN;
    if (!image.wide || !image.little || !finished) return undefined;
    if (!image.segments.some(({ type }) => type === PT.LOAD)) return undefined;
    const header = readExactly(paged, 0, HEADER, "the ELF header");
    const sections = readSections(paged, header);
    const count = 1 + sections.findLastIndex(({ flags }) => (flags & SHF.ALLOC) !== 0);
    const remaining = sections.slice(0, count);
    const dropped = sections.slice(count);
    if (!standAlone(remaining) || !areDispensable(dropped)) return undefined;
    const kept = endOfContent(image, header, remaining);
    const table = { offset: getU64(header, 40, true), size: sections.length * RECORD };
    if (!areAllThatFollows(paged, kept, [...dropped, table])) return undefined;
    return renderPlan(header, kept, remaining);
  } catch (error) {
    if (error instanceof MalformedFile) return undefined;
    throw error;
  }
}

function readSections(source: PagedSource, header: DataView): Section[] {
  const offset = getU64(header, 40, true);
  const count = header.getUint16(60, true);
  const names = header.getUint16(62, true);
  if (header.getUint16(58, true) !== RECORD || count >= MAX_SECTIONS || names >= count) return [];
  const records: DataView[] = [];
  eachRecord(source, { offset, count, size: RECORD, what: "the section table" }, (view, at) => {
    records.push(new DataView(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + RECORD)));
  });
  const strings = records[names];
  if (strings === undefined) return [];
  const [start, length] = [getU64(strings, 24, true), getU64(strings, 32, true)];
  return records.map((record) => {
    const type = record.getUint32(4, true);
    const name = record.getUint32(0, true);
    return {
      name: readString(source, start + name, Math.max(0, length - name)),
      type,
      flags: record.getUint32(8, true),
      offset: getU64(record, 24, true),
      size: type === SHT.NOBITS || type === SHT.NULL ? 0 : getU64(record, 32, true),
      link: record.getUint32(40, true),
      info: record.getUint32(44, true),
      record: new Uint8Array(record.buffer),
    };
  });
}

/** Are all of them mapped, and does none refer to a section outside this list? Then their numbers stay valid. */
function standAlone(sections: readonly Section[]): boolean {
  return sections.every(({ type, flags, link, info }, index) => {
    if (index === 0) return type === SHT.NULL;
    const refers = type === SHT.REL || type === SHT.RELA || (flags & SHF.INFO_LINK) !== 0;
    const target = refers ? info : 0;
    return (flags & SHF.ALLOC) !== 0 && link < sections.length && target < sections.length;
  });
}

/**
 * Can all of them be removed, and is one of them symbols or debugging data? Without one the file is stripped already.
 */
function areDispensable(sections: readonly Section[]): boolean {
  const heavy = ({ name, type }: Section): boolean => type === SHT.SYMTAB || name.startsWith(".debug_");
  return sections.some(heavy) && sections.every((section) => heavy(section) || DISPENSABLE.has(section.name));
}

/** The end of the last segment, remaining section or program header in the file. */
function endOfContent(image: ElfImage, header: DataView, remaining: readonly Section[]): number {
  const programHeaders = getU64(header, 32, true) + header.getUint16(54, true) * image.segments.length;
  const segments = image.segments.map(({ offset, fileSize }) => offset + fileSize);
  const sections = remaining.map(({ offset, size }) => (size === 0 ? 0 : offset + size));
  return Math.max(HEADER, programHeaders, ...segments, ...sections);
}

interface Piece {
  readonly offset: number;
  readonly size: number;
}

/**
 * Do the pieces cover everything after the content? At most 64 bytes of alignment may be between two of them, and these
 * have to be zero.
 */
function areAllThatFollows(source: PagedSource, kept: number, pieces: readonly Piece[]): boolean {
  let at = kept;
  for (const { offset, size } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    if (size === 0) continue;
    const gap = offset - at;
    if (gap < 0 || gap > RECORD) return false;
    const padding = readExactly(source, at, gap, "the padding");
    for (let index = 0; index < gap; index += 1) if (padding.getUint8(index) !== 0) return false;
    at = offset + size;
  }
  return at === source.size;
}

function renderPlan(header: DataView, kept: number, remaining: readonly Section[]): StripPlan {
  const names = [...remaining.map(({ name }) => name), ".shstrtab"];
  const starts: number[] = [];
  let text = "\0";
  for (const name of names) {
    starts.push(name === "" ? 0 : text.length);
    if (name !== "") text += `${name}\0`;
  }
  const table = Math.ceil((kept + text.length) / 8) * 8;
  const tail = new Uint8Array(table - kept + names.length * RECORD);
  const view = new DataView(tail.buffer);
  for (let at = 0; at < text.length; at += 1) tail[at] = text.charCodeAt(at);
  for (const [index, start] of starts.entries()) {
    const at = table - kept + index * RECORD;
    const record = remaining[index]?.record;
    if (record !== undefined) tail.set(record, at);
    else writeNamesSection(view, at, kept, text.length);
    view.setUint32(at, start, true);
  }
  const changed = new DataView(header.buffer.slice(header.byteOffset, header.byteOffset + HEADER));
  changed.setBigUint64(40, BigInt(table), true);
  changed.setUint16(60, names.length, true);
  changed.setUint16(62, names.length - 1, true);
  return { kept, tail, header: new Uint8Array(changed.buffer) };
}

function writeNamesSection(view: DataView, at: number, offset: number, size: number): void {
  view.setUint32(at + 4, SHT.STRTAB, true);
  view.setBigUint64(at + 24, BigInt(offset), true);
  view.setBigUint64(at + 32, BigInt(size), true);
  view.setBigUint64(at + 48, 1n, true);
}
