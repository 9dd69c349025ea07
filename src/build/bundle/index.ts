/**
 * The door of build/bundle: packs installed modules as one archive, adds bundles to a release, and pushes them to a
 * registry.
 */
export { addBundles, type AddBundlesOptions, type AddedBundles } from "./add-bundles.ts";
export { packBundle, type PackedBundle } from "./pack.ts";
export { pushReleaseBundles, type PushReleaseOptions } from "./push-to-registry.ts";
