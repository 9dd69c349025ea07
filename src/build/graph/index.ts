/**
 * The door of build/graph: what the source files of an app say about the modules and files that they load, and the
 * changes that make it true in a release.
 */
export { chooseAssets, type Asset, type AssetChoice } from "./assets.ts";
export { findFiles, type NamedFile } from "./files.ts";
export { findComputedLoads } from "./loads.ts";
export { packageDirectory } from "./owner.ts";
export { HERE_PREFIX, rewriteSource, type Edit } from "./places.ts";
export type { Trace, TracedImport } from "./trace.ts";
export { embeddedPath, findWorkers, workersIn, type WorkerUse } from "./workers.ts";
