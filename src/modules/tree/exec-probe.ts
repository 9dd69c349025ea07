/**
 * Can code be mapped from a directory? The question is put to the kernel, by loading a shared object that holds
 * nothing: mmap(2) with PROT_EXEC fails with EPERM on a noexec mount, and wherever a security module forbids it,
 * whatever the mount table says. Neither runtime offers mmap itself.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EM_OF_ARCH } from "../../elf/index.ts";
import { errorCode } from "../../base/errors.ts";
import { runSync } from "../../base/process/index.ts";

/** glibc's words for a failed mmap, and musl's, which are those of the error number. */
const NOT_MAPPED = /failed to map segment|not permitted|permission denied/i;

/**
 * Writes a file into the directory, loads it, and removes it.
 * @throws the file system's error when it cannot be written
 */
export function mapsCode(directory: string): boolean {
  const machine = process.platform === "linux" ? EM_OF_ARCH[process.arch] : undefined;
  if (machine === undefined) return runsScript(directory);
  const path = join(directory, "exec-check.so");
  writeFileSync(path, emptyObject(machine), { mode: 0o700 });
  try {
    // Always throws: what was loaded is no addon. Only a loader's failure to map it says something.
    process.dlopen({ exports: {} }, path);
    return true;
  } catch (error) {
    return !(error instanceof Error && NOT_MAPPED.test(error.message));
  } finally {
    rmSync(path, { force: true });
  }
}

/** On systems whose programs are no ELF files: execve(2) is refused where mapping would be. */
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
 * The smallest shared object that glibc and musl load: one segment of code without any, one for the dynamic section
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
