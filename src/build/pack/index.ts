/**
 * The door of build/pack: writes the release's archive and its SHA256SUMS. The same files always give the same bytes.
 */
export { DEFAULT_EPOCH, writeArchive } from "./release-archive.ts";
export { repackArchive, type Repacked } from "./repack.ts";
export { formatSums, makeSums } from "./make-sums.ts";
