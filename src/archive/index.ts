/**
 * The door of the archive room: the only way in which an archive is unpacked. It refuses what is hostile or damaged
 * and repairs nothing.
 */
export { unpackArchive } from "./unpack.ts";
/** Which names an archive may use. */
export { findUnsafe } from "./names.ts";
/** Writes files below a private, empty directory, hashing what it writes. */
export { createTreeWriter, type TreeWriter } from "./write.ts";
