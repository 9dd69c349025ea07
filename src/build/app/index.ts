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
export {
  checkSettings,
  nearest,
  nodeFor,
  readExternals,
  type BuildSettings,
  type ExternalChoice,
  type Settings,
} from "./settings/index.ts";
export {
  checkLockFits,
  copyManifests,
  copyRegistrySettings,
  copyEnvFiles,
  copyWorkspace,
  convertToBunLock,
  ensureInstalled,
  isEnvFile,
  readBunLock,
  readInstalled,
  readInstalledSources,
  readPackage,
  requireBunLock,
  toolLines,
  type InstalledEdge,
  type InstalledGraph,
  type InstalledPackage,
  type Sources,
} from "./sources/index.ts";
export { bunFetcher, findBun, findNpms, type Bun } from "./tools/index.ts";
export { isFile, LOCKFILE_OWNERS, readWorkspaceRoot, type Lockfile, type LockfileKind } from "./workspace.ts";
