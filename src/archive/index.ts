/**
 * The door of the archive room. `unpackArchive` unpacks bundles and release archives; it refuses hostile and damaged ones,
 * and repairs nothing.
 */
export { unpackArchive } from "./unpack.ts";
/** `findUnsafe` tells why a path in an archive is refused. */
export { findUnsafe } from "./entry-names.ts";
/** `createTreeWriter` writes files below a private directory and hashes them. */
export { createTreeWriter, type TreeWriter } from "./write.ts";
