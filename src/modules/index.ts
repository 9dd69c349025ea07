/** The door of the modules room: what others may use of it. */
/** Makes a release's modules ready, by doing as little as it can. */
export { type Ensured, type EnsureOptions, ensureTree } from "./ensure.ts";
/** Looks at a tree from end to end and changes nothing. */
export { type InspectedModule, inspectTree, type TreeInspection } from "./inspect.ts";
/** Where the tree of a release is, or would be made. */
export { type LocationPlan, planLocation } from "./location/choose.ts";
/** Removes from the stores what no installed release uses. */
export { type CleanedTree, type CleanOptions, cleanStores } from "./location/clean.ts";
/** Makes a directory for the tree in the first store that really takes one. */
export { ensureStore } from "./location/ensure.ts";
/** What is known of the places where a tree may lie, before one is chosen. */
export { type Owner, readLocationFacts } from "./location/facts.ts";
/** Which releases use a tree of a store. */
export { noteReferences } from "./location/reference.ts";
/** One process prepares a tree, the others wait for it. */
export { type Lock, LOCK_LIMITS, takeLock } from "./lock/lock.ts";
/** Who holds a lock. */
export { readProcess } from "./lock/owner.ts";
/** The claim that a release's script makes before it runs the launcher, so that of many starts at once one goes on and the others wait in their shell, where waiting costs next to nothing. */
export { removeStartGate } from "./lock/start-gate.ts";
/** Releases that run on the host's own Node. */
export { checkAbi, readRunning } from "./proof/host-node.ts";
/** The static verdict on a tree's native files. */
export { readScene, type Scene, type Self } from "./proof/judge.ts";
/** The note beside a stamp says who looked at the way to a tree and found that nobody else can change it. */
export { writeNote } from "./proof/note.ts";
/** What is there before anything is decided. */
export { readHostId } from "./proof/tree-facts.ts";
/** From what is there to what has to happen, without doing any of it. */
export { readTreeState, type TreeState } from "./proof/tree-state.ts";
/** Everything that a start runs or obeys, by its path. */
export { usedBy } from "./proof/used-paths.ts";
/** Are the release's own files the ones that were built? */
export { checkIntact, compareOwnFile } from "./release/intact.ts";
/** An unpacked release as the host finds it. */
export {
  checkExecutable,
  checkMachine,
  type TreeLocation,
  locationInRelease,
  readRelease,
  type Release,
} from "./release/unpacked.ts";
/** Where a release's bundle may be. */
export {
  type FoundBundle,
  findNamedBundle,
  findNearBundle,
  type NamedBundle,
} from "./sources/bundle-find.ts";
/** Fills the tree from a bundle. */
export { bundleSource, firstSource } from "./sources/bundle-source.ts";
/** The ways to fill a work directory with a tree. */
export { type ModuleSource, moduleSize, type PackageManager, registrySource } from "./sources/source.ts";
/** Takes modules out of a tree where it lies. */
export { removeFromTree } from "./tree/exclude.ts";
/** Removes what dead runs left beside a tree. */
export { cleanStaleFiles } from "./tree/stale-files.ts";
/** Compares a tree with the manifest, file by file. */
export { type Planted } from "./tree/verify.ts";
/** Private work directories. */
export { checkWritable } from "./tree/work.ts";
