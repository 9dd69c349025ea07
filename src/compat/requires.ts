/**
 * What a set of shipped files needs from a host: minimum C library and C++ library, processor level, ABI or Node-API,
 * and libraries, each with the files that need it. All of it is read from the files' bytes. Files for another machine
 * or C library are left out, because a release may carry prebuilds that it never loads.
 */
import type { ElfFile } from "../elf/index.ts";
import type { LibcFamily } from "../host/index.ts";
import { compareDotted } from "../base/versions.ts";
import { GLIBC_NAMES, MUSL_NAMES } from "./libc-names.ts";

export interface ShippedFile {
  /** What to call it in the build table, for example the package's name. */
  readonly name: string;
  /** Its name on disk, by which other shipped files may need it. */
  readonly fileName: string;
  readonly file: ElfFile;
}

interface Floor<T> {
  readonly value: T;
  /** Names of the files that need it. */
  readonly by: readonly string[];
}

export interface Requires {
  /** npm-style machine. */
  readonly arch: string;
  readonly libc: LibcFamily;
  readonly glibc?: Floor<string>;
  /** Set only when a file has packed relocations, which musl supports since 1.2.4. */
  readonly musl?: Floor<string>;
  readonly glibcxx?: Floor<string>;
  readonly cxxabi?: Floor<string>;
  /** x86-64 level 1 to 4, where a file declares one. */
  readonly cpuLevel?: Floor<number>;
  /** Each NODE_MODULE_VERSION that a file was built for. */
  readonly abi: readonly Floor<number>[];
  readonly napi?: Floor<number>;
  /** Libraries that are neither part of the C library nor of the release. */
  readonly libraries: readonly Floor<string>[];
}

/** @throws MalformedFile only for files that were damaged after they were read */
export function deriveRequires(
  files: readonly ShippedFile[],
  target: { readonly arch: string; readonly libc: LibcFamily },
): Requires {
  const mine = files.filter(({ file }) => file.arch === target.arch && fits(file, target.libc));
  const glibc = highest(mine, (file) => versionsOf(file, "GLIBC").map(fromGlibcName), compareDotted);
  const glibcxx = highest(mine, (file) => versionsOf(file, "GLIBCXX"), compareDotted);
  const cxxabi = highest(mine, (file) => versionsOf(file, "CXXABI"), compareDotted);
  const musl = highest(mine, (file) => (file.packedRelocations ? ["1.2.4"] : []), compareDotted);
  const cpuLevel = highest(mine, ({ isaLevel }) => (isaLevel === undefined ? [] : [isaLevel]), byNumber);
  const napi = highest(mine, napiOf, byNumber);
  return {
    arch: target.arch,
    libc: target.libc,
    ...(target.libc === "glibc" && glibc !== undefined ? { glibc } : {}),
    ...(target.libc === "musl" && musl !== undefined ? { musl } : {}),
    ...(glibcxx === undefined ? {} : { glibcxx }),
    ...(cxxabi === undefined ? {} : { cxxabi }),
    ...(cpuLevel === undefined ? {} : { cpuLevel }),
    abi: collect(mine, abiOf),
    ...(napi === undefined ? {} : { napi }),
    libraries: collect(mine, (file) => foreignLibraries(file, mine)),
  };
}

/** A file that needs neither C library fits both. */
function fits(file: ElfFile, libc: LibcFamily): boolean {
  const glibc = file.needed.some((name) => GLIBC_NAMES.test(name));
  const musl = file.needed.some((name) => MUSL_NAMES.test(name)) && !glibc;
  return libc === "glibc" ? !musl : !glibc;
}

/** Numbers of the strong version needs of a family: GLIBC_2.28 gives 2.28. */
function versionsOf(file: ElfFile, family: string): string[] {
  return file
    .versionNeeds()
    .flatMap(({ versions }) => versions)
    .filter(({ name, weak }) => !weak && name.startsWith(`${family}_`))
    .map(({ name }) => name.slice(family.length + 1))
    .filter((version) => /^\d+(\.\d+)*$/.test(version) || version === "ABI_DT_RELR");
}

/** GLIBC_ABI_DT_RELR was introduced in glibc 2.36. */
function fromGlibcName(version: string): string {
  return version === "ABI_DT_RELR" ? "2.36" : version;
}

const EXPERIMENTAL = 0x7fff_ffff;

function napiOf(file: ElfFile): number[] {
  const { napiSymbol, napiConstructor, napiVersion } = file.addon();
  if (!napiSymbol && !napiConstructor) return [];
  // A module without that function asks for Node-API 8 (node_api.h).
  return napiVersion === EXPERIMENTAL ? [] : [napiVersion ?? 8];
}

function abiOf(file: ElfFile): number[] {
  const { abiConstructor, abiVersion, abiSymbols, napiSymbol, napiConstructor } = file.addon();
  if (napiConstructor || (napiSymbol && !abiConstructor)) return [];
  if (abiVersion !== undefined && !abiSymbols.includes(abiVersion)) return [abiVersion, ...abiSymbols];
  return [...abiSymbols];
}

function foreignLibraries(file: ElfFile, shipped: readonly ShippedFile[]): string[] {
  return file.needed.filter(
    (name) =>
      !GLIBC_NAMES.test(name) &&
      !MUSL_NAMES.test(name) &&
      !shipped.some((other) => other.fileName === name || other.file.soname === name),
  );
}

function byNumber(left: number, right: number): number {
  return left - right;
}

function highest<T>(
  files: readonly ShippedFile[],
  values: (file: ElfFile) => readonly T[],
  compare: (left: T, right: T) => number,
): Floor<T> | undefined {
  let floor: { value: T; by: string[] } | undefined;
  for (const { name, file } of files) {
    for (const value of values(file)) {
      const order = floor === undefined ? 1 : compare(value, floor.value);
      if (order > 0) floor = { value, by: [name] };
      else if (order === 0 && floor?.by.includes(name) === false) floor.by.push(name);
    }
  }
  return floor;
}

function collect<T extends string | number>(
  files: readonly ShippedFile[],
  values: (file: ElfFile) => readonly T[],
): Floor<T>[] {
  const found = new Map<T, string[]>();
  for (const { name, file } of files) {
    for (const value of values(file)) {
      const by = found.get(value) ?? [];
      if (!by.includes(name)) found.set(value, [...by, name]);
    }
  }
  return [...found].map(([value, by]) => ({ value, by }));
}
