/** The door of the base/files room: reading and writing files, for all other rooms. */
/** Makes a directory and its missing parents. */
export { ensureDirectory } from "./directory.ts";
/** These write files and trees that survive a power cut. */
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
/** These read files and directories that may be missing. */
export {
  isDirectory,
  isThere,
  readEntries,
  readNames,
  readOptionalText,
  unlessMissing,
  unlessRefused,
} from "./optional.ts";
/** These read files of any size in pieces. */
export { readPieces, readStart } from "./pieces.ts";
/** These open regular files that another user may have made. */
export { openPlainFile, openRegularFile, readRegularFile, readRegularText } from "./regular-file.ts";
