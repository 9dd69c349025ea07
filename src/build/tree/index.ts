/**
 * The door of build/tree: makes the node_modules of a release. The modules are installed and pruned, their files are
 * listed and hashed, and those that this machine can load are proven by loading them.
 */
export {
  describeUnserved,
  dropUnavailable,
  findUnbuilt,
  refuseNeededAtStart,
  refuseUnbuilt,
  selectAvailable,
  type Unavailable,
} from "./available.ts";
export type { CapturedTree, ClosurePackage, LeftOut, Patterns } from "./capture.ts";
export { installTree } from "./install-tree.ts";
export { packageOfPattern } from "./keep.ts";
export { mayLoad } from "./native-files.ts";
export { proveExternals, proveRelease } from "./prove.ts";
export { readPackageJson, runScript } from "./run-script.ts";
export { readScriptPolicy, type ScriptPolicy } from "./script-policy.ts";
export { runInstallScripts, warnOfUnrun } from "./scripts.ts";
