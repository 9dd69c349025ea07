/**
 * The door of build/tree: makes the node_modules of a release. It is installed, pruned, captured file by file, and
 * proven by loading what this machine can load.
 */
export {
  dropUnavailable,
  findUnbuilt,
  refuseUnbuilt,
  selectAvailable,
  type Unavailable,
} from "./available.ts";
export type { CapturedTree, ClosurePackage, LeftOut } from "./capture.ts";
export { installTree } from "./install-tree.ts";
export { packageOfPattern, type Keep } from "./keep.ts";
export { proveExternals, proveRelease } from "./prove.ts";
export { pruneReason } from "./prune.ts";
export { readPackageJson, runScript } from "./run-script.ts";
export { readTrustedScripts, runInstallScripts } from "./scripts.ts";
