/**
 * The door of build/app: reads an app with its settings, sources and lockfile, and finds the Bun for its build. The
 * app's own files are never written.
 */
export { readApp, readPackageFile, type App } from "./app.ts";
export { entryOf, isJavaScript, isOutput, isOutputName, partOf, readBuildStep } from "./build-step.ts";
export {
  deriveSource,
  emittingConfig,
  esbuildCommand,
  swcCommand,
  type BuildTool,
  type CheckedConfig,
} from "./build-tools.ts";
export { findBun, type Bun } from "./find-bun.ts";
export { copyManifests, copyRegistrySettings, copyWorkspace, isEnvFile } from "./copy-workspace.ts";
/** Fetches Bun from the registry when the machine has none, for apps that run on Node. */
export { bunFetcher } from "./fetch-bun.ts";
/**
 * Reads the packages in the app's node_modules as a graph, for the analysis and for comparing them with the lockfile.
 */
export {
  readInstalled,
  readPackage,
  type InstalledEdge,
  type InstalledGraph,
  type InstalledPackage,
} from "./installed-packages.ts";
/** Converts any lockfile to a bun.lock in a private directory, and checks that it fits package.json. */
export { checkLockFits, ensureBunLock, readBunLock, requireBunLock, toolLines } from "./convert-lockfile.ts";
export { findNpms } from "./find-npm.ts";
export { nodeFor } from "./runtime-settings.ts";
export { checkSettings, nearest, type BuildSettings, type Settings } from "./app-settings.ts";
/**
 * Makes the app's dependencies available: in the app's own directory, or in a private copy that is installed for the
 * build.
 */
export { ensureInstalled, readInstalledSources, type Sources } from "./sources.ts";
export { isFile, LOCKFILE_OWNERS, readWorkspaceRoot, type Lockfile, type LockfileKind } from "./workspace.ts";
