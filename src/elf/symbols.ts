/**
 * Dynamic symbols: one by index, and the exports of a file, found through its hash tables as a loader does it. A
 * lookup reads a few words of a 100 MB runtime. Only `names` walks the whole table.
 */
import { malformed } from "./bytes.ts";
import { DT, STB, VERSION } from "./constants.ts";
import { gnuHashTable, sysvHashTable } from "./hash-table.ts";
import { dynamicString, tableOffset, type ElfImage } from "./elf-image.ts";
import { readVersionDefinitions } from "./symbol-versions.ts";

interface ElfSymbol {
  readonly nameIndex: number;
  /** STB_*. */
  readonly binding: number;
  /** STT_*. */
  readonly type: number;
  /** Section index; 0 is undefined. */
  readonly section: number;
}

export interface ElfExports {
  /** True when a definition of that name is exported. Versions are compared as in versionMatches. */
  has(name: string, version?: string): boolean;
  /** Address of the definition that is not hidden, which is the default version; undefined when there is none. */
  address(name: string): number | undefined;
  /** Every exported name once, as `name` or `name@VERSION`, in table order. */
  names(): string[];
}

export interface SymbolTable {
  symbol(index: number): ElfSymbol;
  /** The address of a symbol. */
  value(index: number): number;
  name(symbol: ElfSymbol): string;
  /** Compares the name without decoding it. */
  isNamed(index: number, name: string): boolean;
  /** Raw DT_VERSYM entry with the hidden bit; undefined in a file without versions. */
  version(index: number): number | undefined;
  readonly exports: ElfExports;
}

export function readSymbolTable(image: ElfImage): SymbolTable {
  const { source, wide, little } = image;
  const start = tableOffset(image, DT.SYMTAB, "the symbol table");
  const versions = tableOffset(image, DT.VERSYM, "the symbol version table");
  const strings = tableOffset(image, DT.STRTAB, "the string table") ?? 0;
  const size = wide ? 24 : 16;
  const table: Omit<SymbolTable, "exports"> = {
    symbol(index) {
      if (start === undefined) malformed(0, "there are relocations but no symbol table");
      const at = start + index * size;
      // st_info, st_other and st_shndx share one word in both classes; look-ups read thousands of them.
      const word = source.u32(at + (wide ? 4 : 12), little);
      const info = little ? word & 0xff : word >>> 24;
      return {
        nameIndex: source.u32(at, little),
        binding: info >>> 4,
        type: info & 15,
        section: little ? word >>> 16 : word & 0xffff,
      };
    },
    value(index) {
      if (start === undefined) malformed(0, "there are relocations but no symbol table");
      const at = start + index * size + (wide ? 8 : 4);
      if (!wide) return source.u32(at, little);
      return source.u32(little ? at + 4 : at, little) * 2 ** 32 + source.u32(little ? at : at + 4, little);
    },
    name: (symbol) => dynamicString(image, symbol.nameIndex),
    isNamed(index, name) {
      if (start === undefined) return false;
      return source.holdsName(strings + source.u32(start + index * size, little), name);
    },
    version(index) {
      if (versions === undefined) return undefined;
      return source.u16(versions + index * 2, little);
    },
  };
  return { ...table, exports: readExports(image, table) };
}

function readExports(image: ElfImage, symbols: Omit<SymbolTable, "exports">): ElfExports {
  const table = gnuHashTable(image) ?? sysvHashTable(image);
  let versionNames: Map<number, string> | undefined;
  const versionName = (index: number): string | undefined => {
    versionNames ??= new Map(
      readVersionDefinitions(image)
        .filter(({ base }) => !base)
        .map((definition) => [definition.index, definition.name]),
    );
    return versionNames.get(index & VERSION.MASK);
  };
  const find = (name: string, accept: (index: number) => boolean): number | undefined =>
    table?.find(
      name,
      (index) => symbols.isNamed(index, name) && isExported(symbols.symbol(index)) && accept(index),
    );
  return {
    has(name, version) {
      return (
        find(name, (index) => versionMatches(symbols.version(index), version, versionName)) !== undefined
      );
    },
    address(name) {
      const index = find(name, (found) => ((symbols.version(found) ?? 1) & VERSION.HIDDEN) === 0);
      return index === undefined ? undefined : symbols.value(index);
    },
    names() {
      const names = new Set<string>();
      for (const index of table?.indexes() ?? []) {
        const symbol = symbols.symbol(index);
        if (!isExported(symbol)) continue;
        const version = versionName(symbols.version(index) ?? VERSION.GLOBAL);
        names.add(version === undefined ? symbols.name(symbol) : `${symbols.name(symbol)}@${version}`);
      }
      return [...names];
    },
  };
}

function isExported({ section, binding }: ElfSymbol): boolean {
  return section !== 0 && (binding === STB.GLOBAL || binding === STB.WEAK || binding === STB.GNU_UNIQUE);
}

/**
 * glibc's check_match (elf/dl-lookup.c): the definition must have the wanted version, unless it has none. Without a
 * wanted version any definition that is not hidden matches, and a hidden one of the oldest version.
 */
function versionMatches(
  raw: number | undefined,
  wanted: string | undefined,
  nameOf: (index: number) => string | undefined,
): boolean {
  if (raw === undefined) return true;
  // Index 2 is the oldest version of the file.
  if (wanted === undefined) return (raw & VERSION.HIDDEN) === 0 || (raw & VERSION.MASK) <= 2;
  const defined = nameOf(raw);
  return defined === undefined ? (raw & VERSION.HIDDEN) === 0 : defined === wanted;
}
