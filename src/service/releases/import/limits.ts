/**
 * Limits for the sizes of a release, in bytes. No release that gantry builds exceeds them. They limit how much of the
 * disk and of the memory a malicious release can use.
 */

/** All files of a release together, and an archive. */
export const MOST_BYTES = 4 * 2 ** 30;
export const MOST_SUMS_BYTES = 16 * 2 ** 20;
export const MOST_MANIFEST_BYTES = 64 * 2 ** 20;
/** A signature has two comments, and minisign(1) reads comments of at most 8192 bytes. */
export const MOST_SIGNATURE_BYTES = 20_000;
