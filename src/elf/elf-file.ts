/**
 * Reads one native file: what it is, and what it needs from loader, libraries and runtime. `readNativeFile` never
 * throws for the contents of a file: damage is returned as a value with offset and reason. The expensive parts of an
 * ElfFile are functions, computed once and only on request. Those throw MalformedFile, which `guarded` turns into the
 * same value.
 */
import { readAddon, type AddonFacts } from "./addon.ts";
import { malformed, MalformedFile, pagedSource, type ByteSource } from "./bytes.ts";
import { DF, DF_1, DT, machineName, PF, PT } from "./constants.ts";
import { identifyFile, type FileKind } from "./identify.ts";
import { dynamicString, fileOffset, lastValue, readImage, type ElfImage } from "./elf-image.ts";
import { readIsaLevel } from "./notes.ts";
import { bindsNow, readRelocations, type ElfImport } from "./relocations.ts";
import { readSymbolTable, type ElfExports } from "./symbols.ts";
import { readVersionDefinitions, readVersionNeeds, type VersionNeed } from "./symbol-versions.ts";

export interface ElfFile {
  readonly kind: "elf";
  /** Size of the file in bytes. */
  readonly size: number;
  readonly bits: 32 | 64;
  readonly little: boolean;
  readonly osabi: number;
  readonly abiVersion: number;
  /** e_type, one of ET_*. */
  readonly type: number;
  readonly machine: number;
  /** npm-style name of the machine: x64, arm64, arm, ia32 … */
  readonly arch: string;
  /** Path of the dynamic loader that an executable asks for. */
  readonly interpreter: string | undefined;
  readonly loads: readonly LoadSegment[];
  readonly hasDynamic: boolean;
  readonly soname: string | undefined;
  readonly needed: readonly string[];
  /** DT_RPATH and DT_RUNPATH, split at colons. */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
  /** DT_FLAGS_1, bits of DF_1_*. */
  readonly flags1: number;
  readonly bindsNow: boolean;
  /** Bytes and alignment of the PT_TLS segment. */
  readonly tlsSize: number;
  readonly tlsAlign: number;
  /** DF_STATIC_TLS: the linker saw initial-exec accesses. */
  readonly staticTls: boolean;
  readonly packedRelocations: boolean;
  readonly textRelocations: boolean;
  readonly executableStack: boolean;
  /** Bytes of the dynamic string table (DT_STRSZ). */
  readonly stringsSize: number;
  /** x86-64 level 1 to 4 that a GNU property note declares. */
  readonly isaLevel: number | undefined;
  versionNeeds(): readonly VersionNeed[];
  /** Names of the versions that this file defines, without the base entry. */
  versionDefinitions(): readonly string[];
  imports(): readonly ElfImport[];
  /**
   * Name of a variable of this file that is reached by initial-exec TLS; "" when it has no symbol, undefined when there
   * is none.
   */
  ownStaticTls(): string | undefined;
  exports(): ElfExports;
  addon(): AddonFacts;
  /** Bytes at an address of the loaded image, for code and strings. Shorter where the file ends. */
  bytesAt(address: number, length: number): Uint8Array;
}

interface LoadSegment {
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface MalformedValue {
  readonly kind: "malformed";
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly reason: string;
}

export type NativeFile = ElfFile | MalformedValue | Exclude<FileKind, { readonly kind: "elf" }>;

export function readNativeFile(source: ByteSource): NativeFile {
  return guarded(() => {
    const paged = pagedSource(source);
    const kind = identifyFile(paged);
    return kind.kind === "elf" ? describe(readImage(paged)) : kind;
  });
}

/** Runs `work` and returns MalformedFile as a value. */
export function guarded<T>(work: () => T): T | MalformedValue {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MalformedFile)) throw error;
    return { kind: "malformed", offset: error.offset, reason: error.reason };
  }
}

/** Limit for needed libraries, because each is searched for in many directories. Real files have a few dozen. */
const MAX_NEEDED = 1000;

function describe(image: ElfImage): ElfFile {
  const strings = (tag: number): string[] =>
    (image.dynamic.get(tag) ?? []).map((index) => dynamicString(image, index));
  const paths = (tag: number): string[] => strings(tag).at(-1)?.split(":") ?? [];
  const needed = image.dynamic.get(DT.NEEDED)?.length ?? 0;
  if (needed > MAX_NEEDED) malformed(0, `the file needs ${needed} libraries`);
  const flags = lastValue(image, DT.FLAGS) ?? 0;
  const tls = image.segments.find(({ type }) => type === PT.TLS);
  const stack = image.segments.find(({ type }) => type === PT.GNU_STACK);
  return {
    kind: "elf",
    size: image.source.size,
    bits: image.wide ? 64 : 32,
    little: image.little,
    osabi: image.osabi,
    abiVersion: image.abiVersion,
    type: image.type,
    machine: image.machine,
    arch: machineName(image.machine, image.wide),
    interpreter: image.interpreter,
    loads: image.segments.filter(({ type }) => type === PT.LOAD),
    hasDynamic: image.dynamic.size > 0,
    soname: strings(DT.SONAME).at(-1),
    needed: strings(DT.NEEDED),
    rpath: paths(DT.RPATH),
    runpath: paths(DT.RUNPATH),
    flags1: lastValue(image, DT.FLAGS_1) ?? 0,
    bindsNow: bindsNow(image),
    tlsSize: tls?.memorySize ?? 0,
    tlsAlign: tls?.align ?? 0,
    staticTls: (flags & DF.STATIC_TLS) !== 0,
    packedRelocations: image.dynamic.has(DT.RELR),
    textRelocations: image.dynamic.has(DT.TEXTREL) || (flags & DF.TEXTREL) !== 0,
    // Without the header a loader assumes the ABI's default, which is executable on x86-64 and AArch64.
    executableStack: stack === undefined || (stack.flags & PF.X) !== 0,
    stringsSize: lastValue(image, DT.STRSZ) ?? 0,
    isaLevel: readIsaLevel(image),
    ...readLater(image),
  };
}

type Later = Pick<
  ElfFile,
  "versionNeeds" | "versionDefinitions" | "imports" | "ownStaticTls" | "exports" | "addon" | "bytesAt"
>;

/** The parts that need a walk over a table. Each is computed at most once. */
function readLater(image: ElfImage): Later {
  const symbols = once(() => readSymbolTable(image));
  const versionNeeds = once(() => readVersionNeeds(image));
  const relocations = once(() => readRelocations(image, symbols(), versionNeeds()));
  return {
    versionNeeds,
    versionDefinitions: once(() =>
      readVersionDefinitions(image)
        .filter(({ base }) => !base)
        .map(({ name }) => name),
    ),
    imports: () => relocations().imports,
    ownStaticTls: () => relocations().ownStaticTls,
    exports: () => symbols().exports,
    addon: once(() => readAddon(image, symbols(), relocations().imports)),
    bytesAt(address, length) {
      const offset = fileOffset(image.segments, address);
      return offset === undefined ? new Uint8Array() : image.source.read(offset, length);
    },
  };
}

function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}

/** Is it a position-independent executable (DF_1_PIE), which glibc refuses to dlopen? */
export function isPie(file: ElfFile): boolean {
  return (file.flags1 & DF_1.PIE) !== 0;
}
