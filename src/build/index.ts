/**
 * The door of the build room: every function of the build machine, for the command line and src/index.ts. Of the code
 * that runs on hosts, it imports only the rooms that both sides share (.oxlintrc.json lists them).
 */
export { formatAnalysis, type Analysis } from "./analyze/index.ts";
export { analyzeAppDirectory } from "./analyze-app-dir.ts";
export { describeBuild, describeFailure, type BuildJson } from "./build-json.ts";
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
export { formatProposal, initApp, type InitOptions, type InitResult } from "./init/index.ts";
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
export type { ReleaseStart, StartOutcome } from "./smoke/index.ts";
export { createScratch, type Scratch } from "./scratch.ts";
