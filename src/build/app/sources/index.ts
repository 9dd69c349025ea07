/**
 * The door of build/app/sources: makes the app's dependencies available, in the app's own directory or in a private
 * copy that is installed for the build.
 */
/** Converts any lockfile to a bun.lock in a private directory, and checks that it fits package.json. */
export {
  checkLockFits,
  convertToBunLock,
  readBunLock,
  requireBunLock,
  toolLines,
} from "./convert-lockfile.ts";
export {
  copyEnvFiles,
  copyManifests,
  copyRegistrySettings,
  copyWorkspace,
  isEnvFile,
} from "./copy-workspace.ts";
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
export { ensureInstalled, readInstalledSources, type Sources } from "./sources.ts";
