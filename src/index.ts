/**
 * The build side of gantry for other programs: the functions that the command line calls. The launcher is not part of
 * it, because the launcher is shipped inside each release.
 */
import { abortable, readOwnLibc, SELF } from "./base/process/index.ts";
import { readFileSync } from "node:fs";
import {
  addBundles as addBundlesTo,
  analyzeAppDirectory,
  buildReleases,
  createScratch,
  formatAnalysis,
  pushReleaseBundles,
  type AddBundlesOptions,
  type AddedBundles,
  type Analysis,
  type BuildOptions as FullBuildOptions,
  type PushReleaseOptions,
  type ReleaseSummary,
  type Scratch,
  writeImageFiles as writeImageFilesTo,
  type DockerOptions as FullDockerOptions,
  type WrittenImage,
} from "./build/index.ts";
import { parseTarget, type Target, targetOfHost } from "./release/index.ts";
import {
  check as checkFiles,
  type CheckOptions as FullCheckOptions,
  type CheckReport,
} from "./check/index.ts";
import { captureScene, readHost, readRuntime, type CapturedHost } from "./host/index.ts";
import type { Environment } from "./base/environment.ts";

export { ERRORS, formatFinding, GantryError, type ErrorCode, type Finding } from "./base/errors.ts";
export { createLog, type Log, type LogFormat, type LogLevel } from "./base/log.ts";
export type { Manifest } from "./release/index.ts";
export type { CheckReport } from "./check/index.ts";
export { explain, type ExplainFacts, type Explanation, type FileVerdict } from "./compat/index.ts";
export { parseCapturedHost, type CapturedHost } from "./host/index.ts";
/** Proposes the settings of an app, and writes them after a yes. */
export { formatProposal, initApp, type InitOptions, type InitResult } from "./build/index.ts";
export {
  describeBuild,
  describeFailure,
  keygen,
  needsPassword,
  createScratch,
  readBaseDigests,
  revokeKey,
  signFile,
  signRelease,
  STRATEGIES,
  succeedKey,
  verifyFile,
  verifyRelease,
  type Analysis,
  type BuildEvent,
  type BuildJson,
  type Digests,
  type PinOptions,
  type ReleaseStart,
  type ReleaseSummary,
  type Scratch,
  type StartOutcome,
  type Strategy,
  type WrittenImage,
} from "./build/index.ts";

/** A program that handles signals passes its own `Scratch`, and calls `removeAll` of it when a signal comes. */
interface WithScratch {
  readonly scratch?: Scratch | undefined;
}
/** For `addBundles`. */
export type BundleOptions = Omit<AddBundlesOptions, "host" | "scratch"> &
  WithScratch & {
    /** Aborting it ends every tool that runs; the reason is thrown. */
    readonly signal?: AbortSignal | undefined;
  };
/** For `pushBundles`. */
export type PushOptions = Omit<PushReleaseOptions, "host" | "scratch"> & WithScratch;
/** For `buildRelease`. */
export type BuildOptions = Omit<FullBuildOptions, "host" | "gantry" | "scratch"> & WithScratch;
/** For `writeImageFiles`. */
export type DockerOptions = Omit<FullDockerOptions, "scratch"> & WithScratch;

/** For `check`. */
export type CheckOptions = Omit<FullCheckOptions, "self">;

/** For `readHostFacts`. */
export interface HostFactsOptions {
  /** The Node, Bun or compiled app that will load the modules; this process's own when left out. */
  readonly runtime?: string | undefined;
  /** LD_LIBRARY_PATH and LD_PRELOAD are read. */
  readonly environment: Environment;
}

/** For `analyze`. */
export interface AnalyzeOptions extends WithScratch {
  /** The app's directory. */
  readonly appDir: string;
  /** A target's name; this machine's when left out. */
  readonly target?: string | undefined;
  readonly bun?: string | undefined;
  readonly environment: Environment;
  /** Aborting it ends every tool that runs; the reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** gantry's own version. */
const version: string = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }
).version;

/**
 * Builds a release for each target.
 * @throws GantryError with every finding
 */
export function buildRelease(options: BuildOptions): Promise<ReleaseSummary[]> {
  return buildReleases({ ...options, ...own(options), host: hostTarget(), gantry: version });
}

/**
 * Explains which modules of an app stay outside its binary.
 * @throws GantryError CONFIG_INVALID, NETWORK_FAILED when its dependencies have to be installed and cannot be
 */
export async function analyze(
  options: AnalyzeOptions,
): Promise<{ readonly json: Analysis; readonly text: string }> {
  const target = options.target === undefined ? hostTarget() : parseTarget(options.target);
  const json = await abortable(options.signal, () =>
    analyzeAppDirectory({ ...options, ...own(options), target, host: hostTarget() }),
  );
  return { json, text: formatAnalysis(json) };
}

/**
 * Makes bundles for a release that is already built.
 * @throws GantryError
 */
export function addBundles(options: BundleOptions): Promise<AddedBundles> {
  return abortable(options.signal, () => addBundlesTo({ ...options, ...own(options), host: hostTarget() }));
}

/**
 * Makes bundles for a release that is already built, and pushes them to an OCI registry.
 * @returns the digest that the tag then has in the registry
 * @throws GantryError
 */
export function pushBundles(options: PushOptions): Promise<string> {
  return abortable(options.signal, () =>
    pushReleaseBundles({ ...options, ...own(options), host: hostTarget() }),
  );
}

/**
 * Writes the files from which an image of a release is built: a Dockerfile and its companions.
 * @throws GantryError
 */
export function writeImageFiles(options: DockerOptions): Promise<WrittenImage> {
  return writeImageFilesTo({ ...options, ...own(options) });
}

/**
 * Says for each native file whether it will load in a runtime, on this host or on another one. Runs none of the files.
 * @throws GantryError USAGE for every path that does not exist, CONFIG_INVALID for a facts file that cannot be used
 */
export function check(options: CheckOptions): CheckReport {
  return checkFiles({ ...options, self: ownProgram() });
}

/**
 * Reads the facts of this machine, and every library that a module could load. The result is the `host` of
 * `./gantry doctor --json`, which `check` takes on another machine. Takes up to some seconds.
 * @throws GantryError ELF_MALFORMED, HOST_UNSUPPORTED for a runtime that is no Linux executable
 */
export function readHostFacts({ runtime, environment }: HostFactsOptions): CapturedHost {
  const { path, versions, arch } = ownProgram();
  return captureScene({
    host: readHost({ env: environment, arch }),
    runtime: runtime === undefined ? readRuntime(path, versions) : readRuntime(runtime),
  });
}

function ownProgram(): FullCheckOptions["self"] {
  return { path: SELF.executable, versions: SELF.versions, arch: SELF.arch };
}

function own({ scratch = createScratch() }: WithScratch): { readonly scratch: Scratch } {
  return { scratch };
}

/** The target of this machine. The C library is the one that the running Node uses. */
function hostTarget(): Target {
  return targetOfHost(SELF.platform, SELF.arch, readOwnLibc());
}
