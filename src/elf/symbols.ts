/**
 * Dynamic symbols: one by index, and what a file exports, found through its hash tables as a loader does it.
 * A lookup touches a few words of a 100 MB runtime; only `names` walks the whole table.
 */
import { eachRecord, malformed, readExactly } from "./bytes.ts";
import { DT, STB, VERSION } from "./constants.ts";
import { dynamicString, tableOffset, type ElfImage } from "./image.ts";
import { readVersionDefinitions } from "./versions.ts";

interface ElfSymbol {
  readonly nameIndex: number;
  /** STB_*. */
  readonly binding: number;
  /** STT_*. */
  readonly type: number;
  /** Section index; 0 is undefined. */
  readonly section: number;
  readonly value: number;
}

export interface ElfExports {
  /** True when a definition of that name, and of that version where both sides have one, is exported. */
  has(name: string, version?: string): boolean;
  /** Address of the default definition. */
  address(name: string): number | undefined;
  /** Every exported name once, as `name` or `name@VERSION`, in table order. */
  names(): string[];
}

export interface SymbolTable {
  symbol(index: number): ElfSymbol;
  name(symbol: ElfSymbol): string;
  /** Compares without decoding. */
  isNamed(symbol: ElfSymbol, name: string): boolean;
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
      // st_info and st_other share a 16-bit word; info is its first byte.
      const pair = source.u16(at + (wide ? 4 : 12), little);
      const info = little ? pair & 0xff : pair >>> 8;
      const low = source.u32(at + (wide && !little ? 12 : wide ? 8 : 4), little);
      const high = wide ? source.u32(at + (little ? 12 : 8), little) : 0;
      return {
        nameIndex: source.u32(at, little),
        binding: info >>> 4,
        type: info & 15,
        section: source.u16(at + (wide ? 6 : 14), little),
        value: high * 2 ** 32 + low,
      };
    },
    name: (symbol) => dynamicString(image, symbol.nameIndex),
    isNamed: (symbol, name) => source.holdsName(strings + symbol.nameIndex, name),
    version(index) {
      if (versions === undefined) return undefined;
      return source.u16(versions + index * 2, little);
    },
  };
  return { ...table, exports: readExports(image, table) };
}

function readExports(image: ElfImage, table: Omit<SymbolTable, "exports">): ElfExports {
  const buckets = gnuBuckets(image) ?? sysvBuckets(image);
  let versionNames: Map<number, string> | undefined;
  const versionName = (index: number): string | undefined => {
    versionNames ??= new Map(
      readVersionDefinitions(image)
        .filter(({ base }) => !base)
        .map((definition) => [definition.index, definition.name]),
    );
    return versionNames.get(index & VERSION.MASK);
  };
  const find = (name: string, accept: (index: number) => boolean): ElfSymbol | undefined => {
    if (buckets === undefined) return undefined;
    for (const index of buckets.candidates(name)) {
      const symbol = table.symbol(index);
      if (isExported(symbol) && table.isNamed(symbol, name) && accept(index)) return symbol;
    }
    return undefined;
  };
  return {
    has(name, version) {
      return find(name, (index) => versionMatches(table.version(index), version, versionName)) !== undefined;
    },
    address(name) {
      return find(name, (index) => ((table.version(index) ?? 1) & VERSION.HIDDEN) === 0)?.value;
    },
    names() {
      const names = new Set<string>();
      for (const index of buckets?.indexes() ?? []) {
        const symbol = table.symbol(index);
        if (!isExported(symbol)) continue;
        const version = versionName(table.version(index) ?? VERSION.GLOBAL);
        names.add(version === undefined ? table.name(symbol) : `${table.name(symbol)}@${version}`);
      }
      return [...names];
    },
  };
}

function isExported({ section, binding }: ElfSymbol): boolean {
  return section !== 0 && (binding === STB.GLOBAL || binding === STB.WEAK || binding === STB.GNU_UNIQUE);
}

/**
 * glibc's check_match (elf/dl-lookup.c): a wanted version must be the definition's, unless the definition has
 * none; without a wanted version any definition that is not hidden will do.
 */
function versionMatches(
  raw: number | undefined,
  wanted: string | undefined,
  nameOf: (index: number) => string | undefined,
): boolean {
  if (raw === undefined) return true;
  const defined = nameOf(raw);
  // Index 2 is the oldest version of the file; an unversioned reference takes it even when it is hidden.
  if (wanted === undefined) return (raw & VERSION.HIDDEN) === 0 || (raw & VERSION.MASK) <= 2;
  return defined === undefined ? (raw & VERSION.HIDDEN) === 0 : defined === wanted;
}

interface Buckets {
  /** Symbol indexes whose hash is that of the name; the caller compares names. */
  candidates(name: string): number[];
  /** Every index in the table. */
  indexes(): Iterable<number>;
}

/** No chain of a real file is near this long; a longer one is a loop or damage. */
const MAX_CHAIN = 4096;

/** DT_GNU_HASH: bloom filter, buckets, then one hash per symbol whose low bit ends a chain. */
function gnuBuckets(image: ElfImage): Buckets | undefined {
  const start = tableOffset(image, DT.GNU_HASH, "the GNU hash table");
  if (start === undefined) return undefined;
  const { source, wide, little } = image;
  const header = readExactly(source, start, 16, "the GNU hash table");
  const count = header.getUint32(0, little);
  const first = header.getUint32(4, little);
  const bloomWords = header.getUint32(8, little);
  const bucketsAt = start + 16 + bloomWords * (wide ? 8 : 4);
  const chainsAt = bucketsAt + count * 4;
  const u32 = (offset: number): number => source.u32(offset, little);
  const shift = header.getUint32(12, little);
  const bits = wide ? 64 : 32;
  /** The bloom filter: both of a name's bits are set when it may be in the table. */
  const mayHold = (hash: number): boolean => {
    if (bloomWords === 0) return true;
    const at = start + 16 + (Math.floor(hash / bits) % bloomWords) * (bits / 8);
    const isSet = (bit: number): boolean => {
      const half = wide && bit >= 32 === little ? 4 : 0;
      return ((u32(at + half) >>> (bit % 32)) & 1) === 1;
    };
    return isSet(hash % bits) && isSet((hash >>> shift) % bits);
  };
  const chain = function* (head: number): Generator<[index: number, hash: number]> {
    if (head < first) return;
    for (let index = head; index < head + MAX_CHAIN; index += 1) {
      const hash = u32(chainsAt + (index - first) * 4);
      yield [index, hash];
      if ((hash & 1) === 1) return;
    }
    malformed(chainsAt, "a chain of the GNU hash table has no end");
  };
  return {
    candidates(name) {
      if (count === 0) return [];
      const wanted = gnuHash(name);
      if (!mayHold(wanted)) return [];
      const found: number[] = [];
      for (const [index, hash] of chain(u32(bucketsAt + (wanted % count) * 4))) {
        if ((hash | 1) >>> 0 === (wanted | 1) >>> 0) found.push(index);
      }
      return found;
    },
    *indexes() {
      // Chains lie one after the other, so the last bucket's chain ends the table.
      let last = 0;
      eachRecord(source, { offset: bucketsAt, count, size: 4, what: "the GNU hash table" }, (view, at) => {
        last = Math.max(last, view.getUint32(at, little));
      });
      if (last < first) return;
      for (const [index] of chain(last)) last = index;
      for (let index = first; index <= last; index += 1) yield index;
    },
  };
}

/** DT_HASH: bucket and chain counts, then both arrays; index 0 ends a chain. */
function sysvBuckets(image: ElfImage): Buckets | undefined {
  const start = tableOffset(image, DT.HASH, "the hash table");
  if (start === undefined) return undefined;
  const { source, little } = image;
  const header = readExactly(source, start, 8, "the hash table");
  const count = header.getUint32(0, little);
  const chains = header.getUint32(4, little);
  const u32 = (index: number): number => source.u32(start + 8 + index * 4, little);
  return {
    candidates(name) {
      if (count === 0) return [];
      const found: number[] = [];
      let index = u32(sysvHash(name) % count);
      while (index !== 0) {
        if (index >= chains) malformed(start, "a chain of the hash table leads outside of it");
        found.push(index);
        if (found.length > MAX_CHAIN) malformed(start, "a chain of the hash table has no end");
        index = u32(count + index);
      }
      return found;
    },
    *indexes() {
      // nchain is the number of symbols; the file's size bounds it, because one symbol takes 16 bytes.
      const limit = Math.min(chains, Math.ceil(source.size / 16));
      for (let index = 1; index < limit; index += 1) yield index;
    },
  };
}

/** One name is looked up in object after object; its hash is computed for the first. */
let hashed = { name: "", hash: 5381 };

function gnuHash(name: string): number {
  if (hashed.name === name) return hashed.hash;
  let hash = 5381;
  for (let index = 0; index < name.length; index += 1) {
    hash = (Math.imul(hash, 33) + name.charCodeAt(index)) | 0;
  }
  hashed = { name, hash: hash >>> 0 };
  return hashed.hash;
}

function sysvHash(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index += 1) {
    hash = ((hash << 4) + name.charCodeAt(index)) >>> 0;
    const high = hash & 0xf000_0000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}
