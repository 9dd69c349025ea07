/** The door of the modules room, which makes a release's native modules ready: everything that other rooms may use. */
/** `ensureTree` makes a release's modules ready; every command that starts or prepares a release calls it. */
export { type Ensured, type EnsureOptions, ensureTree } from "./ensure.ts";
/** `inspectTree` checks every file and loads every module without a change, for `verify` and `doctor`. */
export { type InspectedModule, inspectTree, type TreeInspection } from "./inspect.ts";
/** `planLocation` chooses where the tree of a release is, or would be made. */
export { type LocationPlan, planLocation } from "./location/choose.ts";
/** `cleanStores` removes the trees of stores that no installed release uses. */
export { type CleanedTree, type CleanOptions, cleanStores } from "./location/clean.ts";
/** `ensureStore` makes a directory for the tree in the first store that works. */
export { ensureStore } from "./location/ensure.ts";
/** `readLocationFacts` reads what `planLocation` needs to choose. */
export { type Owner, readLocationFacts } from "./location/facts.ts";
/** `noteReferences` notes that a release uses a tree of a store, so that `cleanStores` keeps it. */
export { noteReferences } from "./location/reference.ts";
/** `takeLock` takes a lock file, or waits for its owner; changes of a service use it too. */
export { type Lock, LOCK_LIMITS, takeLock } from "./lock/lock.ts";
/** `readProcess` reads state and start time of a process, which tell whether a lock owner is alive. */
export { readProcess } from "./lock/owner.ts";
/** `removeStartGate` removes the start gate, so that other starts, which wait in the release's script, go on. */
export { removeStartGate } from "./lock/start-gate.ts";
/** These find the host's own Node, and compare its ABI with the release's. */
export { checkAbi, readRunning } from "./proof/host-node.ts";
/** `readScene` reads host and runtime for verdicts on native files; `Self` describes the running process. */
export { readScene, type Scene, type Self } from "./proof/judge.ts";
/** `writeNote` notes that only this user and root can change what a start runs. */
export { writeNote } from "./proof/note.ts";
/** `readHostId` identifies this host, as stamps name it. */
export { readHostId } from "./proof/tree-facts.ts";
/** `readTreeState` tells whether a tree is ready, present or absent. */
export { readTreeState, type TreeState } from "./proof/tree-state.ts";
/** `usedBy` lists the paths of all files that a start runs or reads, for the rule of src/trust. */
export { usedBy } from "./proof/used-paths.ts";
/** These compare the release's own files with SHA256SUMS. */
export { checkIntact, compareOwnFile } from "./release/intact.ts";
/** These read an unpacked release, check its program, and name the location of its tree. */
export {
  checkExecutable,
  checkMachine,
  type TreeLocation,
  locationInRelease,
  readRelease,
  type Release,
} from "./release/unpacked.ts";
/** These find the bundle that a person named, or one in or beside the release. */
export {
  type FoundBundle,
  findNamedBundle,
  findNearBundle,
  type NamedBundle,
} from "./sources/bundle-find.ts";
/** `bundleSource` takes modules from a bundle; `firstSource` tries several sources in order. */
export { bundleSource, firstSource } from "./sources/bundle-source.ts";
/** `registrySource` takes modules from a package registry; `ModuleSource` is what all sources provide. */
export { type ModuleSource, moduleSize, type PackageManager, registrySource } from "./sources/source.ts";
/** `removeFromTree` removes planted files from an existing tree. */
export { removeFromTree } from "./tree/exclude.ts";
/** `cleanStaleFiles` removes what dead processes left beside a tree. */
export { cleanStaleFiles } from "./tree/stale-files.ts";
/** `Planted` describes files that must not be in a tree. */
export { type Planted } from "./tree/verify.ts";
/** `checkWritable` tells why this user cannot write at a location. */
export { checkWritable } from "./tree/work.ts";
