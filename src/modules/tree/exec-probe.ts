/**
 * Finds out whether code can be mapped from a directory, by loading an empty shared object from it. mmap(2) with
 * PROT_EXEC fails with EPERM on a noexec mount, and where a security module forbids it, which the mount table does not
 * show. Neither Node nor Bun has mmap itself.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EM_OF_ARCH } from "../../elf/index.ts";
import { errorCode } from "../../base/errors.ts";
import { loadNativeFile, runSync, SELF } from "../../base/process/index.ts";

/** Messages for a failed mmap: glibc's own, and musl's, which is that of the error number. */
const NOT_MAPPED = /failed to map segment|not permitted|permission denied/i;

/**
 * Writes a shared object into the directory, loads it, and removes it.
 * @returns whether code can be mapped from the directory
 * @throws the file system's error when it cannot be written
 */
export function mapsCode(directory: string): boolean {
  const machine = SELF.platform === "linux" ? EM_OF_ARCH[SELF.arch] : undefined;
  if (machine === undefined) return runsScript(directory);
  const path = join(directory, "exec-check.so");
  writeFileSync(path, emptyObject(machine), { mode: 0o700 });
  try {
    // Always throws, because the object is no addon. Only the loader's failure to map it counts.
    loadNativeFile(path);
    return true;
  } catch (error) {
    return !(error instanceof Error && NOT_MAPPED.test(error.message));
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * Runs a script from the directory, on systems and processors without a shared object here: execve(2) fails on a noexec
 * mount.
 */
function runsScript(directory: string): boolean {
  const path = join(directory, "exec-check");
  writeFileSync(path, "#!/bin/sh\nexit 0\n", { mode: 0o700 });
  try {
    runSync(path, [], { cwd: directory, environment: {} });
    return true;
  } catch (error) {
    return errorCode(error) !== "EACCES";
  } finally {
    rmSync(path, { force: true });
  }
}

/** Segments are aligned for pages of up to 64 KiB (arm64). */
const PAGE = 0x10000;
const DYNAMIC = { offset: 0x200, entries: 6 };
const HASH = 0x160;
const SYMBOLS = 0x170;
const STRINGS = 0x190;

/**
 * The smallest shared object that glibc and musl load: one empty segment of code, one for the dynamic section
 * (glibc before 2.36 writes to it), and a stack that is not executable. No constructors, no relocations, no symbols.
 */
function emptyObject(machine: number): Buffer {
  const file = Buffer.alloc(0x400);
  const words = (offset: number, ...values: readonly number[]) =>
    values.forEach((value, index) => file.writeBigUInt64LE(BigInt(value), offset + 8 * index));
  file.write("\u007fELF", "latin1");
  // ELFCLASS64, ELFDATA2LSB, EV_CURRENT; then ET_DYN, e_phoff, e_ehsize, e_phentsize, e_phnum, e_shentsize.
  file.set([2, 1, 1], 4);
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  words(32, 64);
  for (const [offset, value] of [
    [52, 64],
    [54, 56],
    [56, 4],
    [58, 64],
  ] as const)
    file.writeUInt16LE(value, offset);
  const segment = (index: number, type: number, flags: number, ...rest: readonly number[]) => {
    const at = 64 + 56 * index;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    words(at + 8, ...rest);
  };
  const { offset, entries } = DYNAMIC;
  const address = PAGE + offset;
  // PT_LOAD r-x, PT_LOAD rw-, PT_DYNAMIC, PT_GNU_STACK rw-: offset, addresses, sizes, alignment.
  segment(0, 1, 5, 0, 0, 0, offset, offset, PAGE);
  segment(1, 1, 6, offset, address, address, offset, offset, PAGE);
  segment(2, 2, 6, offset, address, address, entries * 16, entries * 16, 8);
  segment(3, 0x6474e551, 6, 0, 0, 0, 0, 0, 16);
  // DT_HASH with one empty bucket and the null symbol.
  file.writeUInt32LE(1, HASH);
  file.writeUInt32LE(1, HASH + 4);
  // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_NULL.
  words(offset, 4, HASH, 5, STRINGS, 6, SYMBOLS, 10, 1, 11, 24, 0, 0);
  return file;
}
