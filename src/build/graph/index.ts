/**
 * The door of build/graph: what the source files of an app say about the modules and files that they load, and the
 * changes that make it true in a release.
 */
export { HERE_PREFIX, rewriteSource } from "./places.ts";
