/**
 * Symbol versions (gABI and "ELF Symbol Versioning", Drepper): which versions a file needs of which library, and which
 * it defines. The linked lists are followed forwards only, and at most as far as version indexes can count.
 */
import { malformed, readExactly } from "./bytes.ts";
import { DT, VER_FLG } from "./constants.ts";
import { dynamicString, lastValue, tableOffset, type ElfImage } from "./elf-image.ts";

interface NeededVersion {
  /** For example GLIBC_2.28. */
  readonly name: string;
  /** A loader only warns when a weak version is missing. */
  readonly weak: boolean;
  /** Its index in DT_VERSYM. */
  readonly index: number;
}

export interface VersionNeed {
  /** The library's name as in DT_NEEDED. */
  readonly library: string;
  readonly versions: readonly NeededVersion[];
}

export interface DefinedVersion {
  readonly name: string;
  readonly index: number;
  /** The entry that names the file itself and is not a version of a symbol. */
  readonly base: boolean;
}

/** Version indexes have 15 bits. */
const MAX_ENTRIES = 32_768;

export function readVersionNeeds(image: ElfImage): VersionNeed[] {
  const needs: VersionNeed[] = [];
  let left = MAX_ENTRIES;
  eachLinked(image, { tag: DT.VERNEED, countTag: DT.VERNEEDNUM, size: 16, nextAt: 12 }, (view, offset) => {
    const { little } = image;
    const count = view.getUint16(2, little);
    const versions: NeededVersion[] = [];
    let at = offset + view.getUint32(8, little);
    for (let index = 0; index < count; index += 1) {
      left -= 1;
      if (left < 0) malformed(at, "there are more needed versions than indexes");
      const entry = readExactly(image.source, at, 16, "a needed version");
      versions.push({
        name: dynamicString(image, entry.getUint32(8, little)),
        weak: (entry.getUint16(4, little) & VER_FLG.WEAK) !== 0,
        index: entry.getUint16(6, little) & 0x7fff,
      });
      const next = entry.getUint32(12, little);
      if (next === 0) break;
      at += next;
    }
    needs.push({ library: dynamicString(image, view.getUint32(4, little)), versions });
  });
  return needs;
}

export function readVersionDefinitions(image: ElfImage): DefinedVersion[] {
  const definitions: DefinedVersion[] = [];
  eachLinked(image, { tag: DT.VERDEF, countTag: DT.VERDEFNUM, size: 20, nextAt: 16 }, (view, offset) => {
    const { little } = image;
    // The first auxiliary entry is the version's own name. Further ones name the versions that it inherits.
    const aux = readExactly(image.source, offset + view.getUint32(12, little), 8, "a defined version");
    definitions.push({
      name: dynamicString(image, aux.getUint32(0, little)),
      index: view.getUint16(4, little) & 0x7fff,
      base: (view.getUint16(2, little) & VER_FLG.BASE) !== 0,
    });
  });
  return definitions;
}

interface LinkedTable {
  readonly tag: number;
  readonly countTag: number;
  readonly size: number;
  readonly nextAt: number;
}

function eachLinked(
  image: ElfImage,
  table: LinkedTable,
  visit: (view: DataView, offset: number) => void,
): void {
  const start = tableOffset(image, table.tag, "a version table");
  if (start === undefined) return;
  const count = Math.min(lastValue(image, table.countTag) ?? 0, MAX_ENTRIES);
  let offset = start;
  for (let index = 0; index < count; index += 1) {
    const view = readExactly(image.source, offset, table.size, "a version table");
    visit(view, offset);
    const next = view.getUint32(table.nextAt, image.little);
    if (next === 0) return;
    offset += next;
  }
}
