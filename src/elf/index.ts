/**
 * The door of the elf room: reads ELF files as bytes. It knows no file system, no host and no rules, and every value
 * that it reads from a file is checked first. A damaged file is a value (`kind: "malformed"`), never an exception.
 */
export type { AddonFacts } from "./addon.ts";
/** Where bytes are read from: a file, or memory. */
export type { ByteSource } from "./bytes.ts";
export { DF_1, EM, EM_OF_ARCH, ET, machineName } from "./constants.ts";
/** `readNativeFile` reads one file; `guarded` turns what a damaged one throws later into a value. */
export {
  guarded,
  isPie,
  readNativeFile,
  type ElfFile,
  type MalformedValue,
  type NativeFile,
} from "./elf-file.ts";
/** What a file is by its first bytes: cheap, for walks over many files. */
export { identifyFile } from "./identify.ts";
export type { ElfImport } from "./relocations.ts";
/** Which bytes of an executable are debugging information only. */
export { planStrip } from "./strip.ts";
