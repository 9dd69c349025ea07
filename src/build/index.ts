/**
 * The door of the build room: everything that happens on the developer's machine, as functions. It never imports what
 * runs on the host, other than through files that both sides share (src/release and below).
 */
export { analyzeApp, formatAnalysis, type Analysis } from "./analyze/index.ts";
export {
  bunFetcher,
  ensureInstalled,
  findBun,
  readApp,
  readInstalledSources,
  type App,
  type Sources,
} from "./app/index.ts";
export { buildReleases, type BuildEvent, type BuildOptions } from "./build.ts";
export {
  addBundles,
  pushReleaseBundles,
  type AddBundlesOptions,
  type AddedBundles,
  type PushReleaseOptions,
} from "./bundle/index.ts";
export {
  readBaseDigests,
  STRATEGIES,
  writeImageFiles,
  type Digests,
  type DockerOptions,
  type PinOptions,
  type Strategy,
  type WrittenImage,
} from "./docker/index.ts";
export type { ReleaseSummary } from "./release/index.ts";
export {
  keygen,
  needsPassword,
  revokeKey,
  signFile,
  signRelease,
  succeedKey,
  verifyFile,
  verifyRelease,
} from "./sign/index.ts";
export { createScratch, type Scratch } from "./scratch.ts";
