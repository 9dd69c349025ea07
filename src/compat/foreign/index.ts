/** The door of compat/foreign: which files of a tree were made for another platform, runtime or kind of machine. */
export { findAccelerated, type LibraryFile } from "./accelerators.ts";
export { foreignTo } from "./foreign-file.ts";
export type { Foreign, LoadPlace } from "./load-place.ts";
export { passOverForeign } from "./served.ts";
