/**
 * The door of the archive room: the only way in which an archive is unpacked. It refuses what is hostile or damaged
 * and repairs nothing.
 */
export { unpackArchive } from "./unpack.ts";
