/** The door of the base/files room: what others may use of it. */
/** Writing that survives a power cut. */
export {
  createDurably,
  removeDurably,
  syncDirectories,
  syncFiles,
  syncPath,
  syncTree,
  type TreeListing,
  writeDurably,
} from "./durable.ts";
/** Reading what may rightly not be there. */
export {
  isDirectory,
  isThere,
  readEntries,
  readNames,
  readOptionalText,
  unlessMissing,
  unlessRefused,
} from "./optional.ts";
/** Files of any size, read without holding them in memory. */
export { readPieces, readStart } from "./pieces.ts";
/** Opening what somebody else may have put there. */
export { openPlainFile, openRegularFile, readRegularFile, readRegularText } from "./regular-file.ts";
