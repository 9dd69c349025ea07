/**
 * The door of the elf room: reads ELF files as bytes. It uses no file system, no host and no rules, and checks every
 * value that it reads from a file. A damaged file is a value (`kind: "malformed"`), never an exception.
 */
export type { AddonFacts } from "./addon.ts";
/** Where bytes are read from: a file (src/host) or memory. */
export type { ByteSource } from "./bytes.ts";
export { DF_1, EM, EM_OF_ARCH, ET, machineName } from "./constants.ts";
/** `readNativeFile` reads one file; `guarded` turns errors of a damaged file's functions into a value. */
export {
  guarded,
  isPie,
  readNativeFile,
  type ElfFile,
  type MalformedValue,
  type NativeFile,
} from "./elf-file.ts";
/** Identifies a file by its first bytes, for walks over many files. */
export { identifyFile } from "./identify.ts";
export type { ElfImport } from "./relocations.ts";
/** Finds which bytes of an executable are debugging information only, so that a build can remove them. */
export { planStrip } from "./strip.ts";
