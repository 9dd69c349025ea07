/**
 * Dynamic relocations: which symbols a file imports, when each is looked up, and what it needs of thread-local storage.
 * Symbols are found through relocations, not by walking the symbol table, because DT_GNU_HASH leaves undefined symbols
 * out, and does not tell the number of symbols in a file without exports.
 */
import { eachRecord, getU64, readExactly } from "./bytes.ts";
import { DF, DF_1, DT, EM, STB, STT_TLS, VERSION } from "./constants.ts";
import { fileOffset, getWord, lastValue, tableOffset, type ElfImage } from "./elf-image.ts";
import type { SymbolTable } from "./symbols.ts";
import type { VersionNeed } from "./symbol-versions.ts";

export interface ElfImport {
  readonly name: string;
  /** Wanted version, for example GLIBC_2.28; undefined in an unversioned reference. */
  readonly version: string | undefined;
  /** The library that has to define that version, as in DT_NEEDED. */
  readonly library: string | undefined;
  /** A weak reference may stay unresolved without an error. */
  readonly weak: boolean;
  /** `eager` is looked up at load. `lazy` is looked up at the first call, when the loader binds lazily. */
  readonly use: "eager" | "lazy";
  /**
   * Whether all uses go through slots of the global offset table. musl looks such a symbol up late when it binds
   * lazily.
   */
  readonly slot: boolean;
  readonly tls: boolean;
}

export interface Relocations {
  readonly imports: readonly ElfImport[];
  /** The name of a variable of this file that it reaches by initial-exec TLS; "" when it has no symbol. */
  readonly ownStaticTls: string | undefined;
}

type RelocationUse = "none" | "relative" | "slot" | "got" | "data" | "tpoff";

/** Relocation numbers of the machines of gantry's targets, from their psABIs. */
const USES: ReadonlyMap<number, ReadonlyMap<number, RelocationUse>> = new Map([
  [
    EM.X86_64,
    new Map<number, RelocationUse>([
      [0, "none"],
      [6, "got"],
      [7, "slot"],
      [8, "relative"],
      [18, "tpoff"],
      [37, "none"],
    ]),
  ],
  [
    EM.AARCH64,
    new Map<number, RelocationUse>([
      [0, "none"],
      [1025, "got"],
      [1026, "slot"],
      [1027, "relative"],
      [1030, "tpoff"],
      [1032, "none"],
    ]),
  ],
]);

/** True when the file asks for every symbol at load (-z now). */
export function bindsNow(image: ElfImage): boolean {
  return (
    image.dynamic.has(DT.BIND_NOW) ||
    ((lastValue(image, DT.FLAGS) ?? 0) & DF.BIND_NOW) !== 0 ||
    ((lastValue(image, DT.FLAGS_1) ?? 0) & DF_1.NOW) !== 0
  );
}

interface Reference {
  use: "eager" | "lazy";
  slot: boolean;
}

export function readRelocations(
  image: ElfImage,
  symbols: SymbolTable,
  needs: readonly VersionNeed[],
): Relocations {
  const references = new Map<number, Reference>();
  const staticTls = new Set<number>();
  const now = bindsNow(image);
  for (const table of relocationTables(image)) {
    eachEntry(image, withoutRelative(table), (_address, symbol, type) => {
      if (symbol === 0 && type === table.relativeType) return;
      const use = useOf(table, type);
      if (use === "tpoff") staticTls.add(symbol);
      if (symbol === 0 || use === "none" || use === "relative") return;
      const lazy = use === "slot" && !now;
      const known = references.get(symbol);
      const slot = (use === "slot" || use === "got") && (known?.slot ?? true);
      references.set(symbol, { use: lazy && known?.use !== "eager" ? "lazy" : "eager", slot });
    });
  }
  const versions = new Map(
    needs.flatMap((need) =>
      need.versions.map(({ index, name }) => [index, { name, library: need.library }] as const),
    ),
  );
  const imports: ElfImport[] = [];
  for (const [index, { use, slot }] of references) {
    const symbol = symbols.symbol(index);
    if (symbol.section !== 0) continue;
    const version = versions.get((symbols.version(index) ?? 0) & VERSION.MASK);
    imports.push({
      name: symbols.name(symbol),
      version: version?.name,
      library: version?.library,
      weak: symbol.binding === STB.WEAK,
      use,
      slot,
      tls: symbol.type === STT_TLS,
    });
  }
  return { imports, ownStaticTls: ownVariable(symbols, staticTls) };
}

/** The name of the first symbol that this file defines itself; "" for symbol 0, which is a variable without a name. */
function ownVariable(symbols: SymbolTable, indexes: ReadonlySet<number>): string | undefined {
  for (const index of indexes) {
    if (index === 0) return "";
    const symbol = symbols.symbol(index);
    if (symbol.section !== 0) return symbols.name(symbol);
  }
  return undefined;
}

interface RelocationTable {
  readonly offset: number;
  readonly count: number;
  /** Bytes per entry. */
  readonly size: number;
  readonly addends: boolean;
  readonly procedureLinkage: boolean;
  /** Number of RELATIVE entries at the start, which loaders apply without a lookup (DT_RELACOUNT). */
  readonly leadingRelative: number;
  readonly uses: ReadonlyMap<number, RelocationUse> | undefined;
  readonly relativeType: number | undefined;
}

/** The table from its first entry that may name a symbol. A large module has 100,000 entries before it. */
function withoutRelative(table: RelocationTable): RelocationTable {
  const skipped = Math.min(table.leadingRelative, table.count);
  return { ...table, offset: table.offset + skipped * table.size, count: table.count - skipped };
}

function relocationTables(image: ElfImage): RelocationTable[] {
  const linkage = lastValue(image, DT.PLTREL) === DT.REL ? "rel" : "rela";
  const word = image.wide ? 8 : 4;
  const uses = USES.get(image.machine);
  const relativeType = [...(uses ?? [])].find(([, use]) => use === "relative")?.[0];
  const tables: RelocationTable[] = [];
  const add = (tag: number, sizeTag: number, addends: boolean, relative = 0): void => {
    const bytes = lastValue(image, sizeTag) ?? 0;
    if (bytes === 0) return;
    const offset = tableOffset(image, tag, "a relocation table");
    if (offset === undefined) return;
    const size = word * (addends ? 3 : 2);
    const count = Math.floor(bytes / size);
    const procedureLinkage = tag === DT.JMPREL;
    tables.push({
      offset,
      count,
      size,
      addends,
      procedureLinkage,
      leadingRelative: relative,
      uses,
      relativeType,
    });
  };
  add(DT.RELA, DT.RELASZ, true, lastValue(image, DT.RELACOUNT));
  add(DT.REL, DT.RELSZ, false, lastValue(image, DT.RELCOUNT));
  add(DT.JMPREL, DT.PLTRELSZ, linkage === "rela");
  return tables;
}

function eachEntry(
  image: ElfImage,
  table: RelocationTable,
  visit: (address: number, symbol: number, type: number, addend: number | undefined) => void,
): void {
  const { wide, little } = image;
  const word = wide ? 8 : 4;
  const { offset, count, size } = table;
  const range = { offset, count, size, what: "a relocation table" };
  eachRecord(image.source, range, (view, at) => {
    const address = getWord(view, at, wide, little);
    // r_info: symbol in the upper half of 64 bits, or above the low byte of 32.
    const low = view.getUint32(at + word + (wide && !little ? 4 : 0), little);
    const symbol = wide ? view.getUint32(at + word + (little ? 4 : 0), little) : low >>> 8;
    const addend = table.addends ? getWord(view, at + 2 * word, wide, little) : undefined;
    visit(address, symbol, wide ? low : low & 0xff, addend);
  });
}

/** For a machine without a table here, entries of the linkage table count as slots, all others as data. */
function useOf({ uses, procedureLinkage }: RelocationTable, type: number): RelocationUse {
  if (uses === undefined) return procedureLinkage ? "slot" : "data";
  return uses.get(type) ?? "data";
}

/**
 * Calls `visit` with each address that holds a pointer into the same file, and that pointer. Covers RELATIVE entries,
 * symbolic ones against the file's own symbols, and the packed DT_RELR form.
 */
export function eachOwnPointer(
  image: ElfImage,
  symbols: SymbolTable,
  visit: (address: number, target: number) => void,
): void {
  for (const table of relocationTables(image)) {
    eachEntry(image, table, (address, index, type, addend) => {
      const use = useOf(table, type);
      if (use === "relative") {
        visit(address, addend ?? readPointer(image, address) ?? 0);
      } else if (use === "data" && index !== 0) {
        if (symbols.symbol(index).section !== 0) visit(address, symbols.value(index) + (addend ?? 0));
      }
    });
  }
  eachPackedPointer(image, (address) => visit(address, readPointer(image, address) ?? 0));
}

/**
 * DT_RELR (gABI, "Relative relocation table"): an even word is an address, and an odd one is a bitmap of the addresses
 * that follow it.
 */
function eachPackedPointer(image: ElfImage, visit: (address: number) => void): void {
  const offset = tableOffset(image, DT.RELR, "the packed relocation table");
  if (offset === undefined) return;
  const size = image.wide ? 8 : 4;
  const count = Math.floor((lastValue(image, DT.RELRSZ) ?? 0) / size);
  const { little } = image;
  let next = 0;
  eachRecord(image.source, { offset, count, size, what: "the packed relocation table" }, (view, at) => {
    const low = view.getUint32(image.wide && !little ? at + 4 : at, little);
    const high = image.wide ? view.getUint32(little ? at + 4 : at, little) : 0;
    if ((low & 1) === 0) {
      const address = high * 2 ** 32 + low;
      visit(address);
      next = address + size;
      return;
    }
    for (let bit = 1; bit < size * 8; bit += 1) {
      const set = bit < 32 ? (low >>> bit) & 1 : (high >>> (bit - 32)) & 1;
      if (set === 1) visit(next + (bit - 1) * size);
    }
    next += (size * 8 - 1) * size;
  });
}

/** The address stored at an address, before relocation. */
function readPointer(image: ElfImage, address: number): number | undefined {
  const offset = fileOffset(image.segments, address);
  if (offset === undefined) return undefined;
  const size = image.wide ? 8 : 4;
  if (offset + size > image.source.size) return undefined;
  const view = readExactly(image.source, offset, size, "a pointer");
  return image.wide ? getU64(view, 0, image.little) : view.getUint32(0, image.little);
}
