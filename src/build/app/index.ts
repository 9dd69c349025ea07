/**
 * The door of build/app: the app as its developer has it, with its settings, sources, lockfile and the Bun that builds
 * it. The app's own files are read and never written.
 */
export { readApp, type App } from "./app.ts";
export { entryOf, isJavaScript, isOutput, partOf, readBuildStep } from "./build-step.ts";
export {
  deriveSource,
  emittingConfig,
  esbuildCommand,
  swcCommand,
  type BuildTool,
  type CheckedConfig,
} from "./build-tools.ts";
export { findBun, type Bun } from "./bun.ts";
export { copyManifests, copyRegistrySettings, copyWorkspace } from "./copy-workspace.ts";
/** Fetches Bun through the registry where the machine has none. */
export { bunFetcher } from "./fetch-bun.ts";
/** What is installed in the app's node_modules, as a graph. */
export {
  readInstalled,
  type InstalledEdge,
  type InstalledGraph,
  type InstalledPackage,
} from "./installed-packages.ts";
/** Any lockfile as a bun.lock, in a private directory. */
export { checkLockFits, ensureBunLock, readBunLock, requireBunLock, toolLines } from "./migrate.ts";
export { findNpms } from "./find-npm.ts";
export { nodeFor } from "./runtime-settings.ts";
export { nearest, type BuildSettings, type Settings } from "./app-settings.ts";
/** The app with its dependencies: in place, or as a private copy that is installed for the build. */
export { ensureInstalled, readInstalledSources, type Sources } from "./sources.ts";
export { isFile, LOCKFILE_OWNERS, type Lockfile, type LockfileKind } from "./workspace.ts";
