/**
 * Limits for the size of a release, in bytes: above any that gantry builds, and below what fills a disk or memory.
 */

/** All files of a release together, and an archive. */
export const MOST_BYTES = 4 * 2 ** 30;
export const MOST_SUMS_BYTES = 16 * 2 ** 20;
export const MOST_MANIFEST_BYTES = 64 * 2 ** 20;
/** minisign(1) reads comments of at most 8192 bytes, and a signature has two. */
export const MOST_SIGNATURE_BYTES = 20_000;
