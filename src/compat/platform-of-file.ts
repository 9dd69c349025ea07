/**
 * Judges by a native file's head whether it can be for a platform at all: its format, its machine, and the C library
 * that it names. Neither its path nor its package counts. Pure.
 */
import type { NativeFile } from "../elf/index.ts";

/** The part of a target that a file's head can contradict. */
export interface FilePlatform {
  readonly os: string;
  readonly arch: string;
  /** Undefined for systems that have one C library. */
  readonly libc?: "gnu" | "musl" | undefined;
}

/**
 * Why a file is for another platform, as the end of the sentence "it is …". Undefined when it may be for this one, and
 * for a file that is no native file.
 *
 * A file for glibc is not refused for musl: musl takes itself for `libc.so.6`, and Node loads some of these files. A
 * file for musl never loads with glibc, which has no `libc.musl-ARCH.so.1`.
 */
export function otherPlatform(file: NativeFile, { os, arch, libc }: FilePlatform): string | undefined {
  if (file.kind === "foreign") {
    return file.os === os && (file.arches.includes(arch) || file.arches.includes("unknown"))
      ? undefined
      : file.what;
  }
  if (file.kind !== "elf") return undefined;
  if (os === "darwin" || os === "win32") return `an ELF ${file.arch} module`;
  if (file.arch !== arch) return `an ELF ${file.arch} module`;
  const musl = [file.interpreter ?? "", ...file.needed].some((name) =>
    /(?:^|\/)(?:libc\.musl-|ld-musl-)/.test(name),
  );
  return musl && libc === "gnu" ? "a module for musl" : undefined;
}
