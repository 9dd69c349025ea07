/**
 * gantry's build side for programs: the functions behind the command line. The launcher is not here, because it ships
 * inside releases as one file.
 */
import { readFileSync } from "node:fs";
import {
  addBundles as addBundlesTo,
  analyzeApp,
  buildReleases,
  bunFetcher,
  createScratch,
  ensureInstalled,
  findBun,
  formatAnalysis,
  pushReleaseBundles,
  readApp,
  readInstalledSources,
  type AddBundlesOptions,
  type AddedBundles,
  type Analysis,
  type App,
  type BuildOptions as FullBuildOptions,
  type PushReleaseOptions,
  type ReleaseSummary,
  type Scratch,
  type Sources,
  writeImageFiles as writeImageFilesTo,
  type DockerOptions as FullDockerOptions,
  type WrittenImage,
} from "./build/index.ts";
import { parseTarget, type Target, targetOfHost } from "./release/index.ts";
import type { Environment } from "./base/environment.ts";

export { ERRORS, formatFinding, GantryError, type ErrorCode, type Finding } from "./base/errors.ts";
export { createLog, type Log, type LogFormat, type LogLevel } from "./base/log.ts";
export type { Manifest } from "./release/index.ts";
export {
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
  type Digests,
  type PinOptions,
  type ReleaseSummary,
  type Scratch,
  type Strategy,
  type WrittenImage,
} from "./build/index.ts";

/** A program that may be interrupted passes its own `Scratch`, and calls its `removeAll` then. */
interface WithScratch {
  readonly scratch?: Scratch | undefined;
}
export type BundleOptions = Omit<AddBundlesOptions, "host" | "scratch"> & WithScratch;
export type PushOptions = Omit<PushReleaseOptions, "host" | "scratch"> & WithScratch;
export type BuildOptions = Omit<FullBuildOptions, "host" | "gantry" | "scratch"> & WithScratch;
export type DockerOptions = Omit<FullDockerOptions, "scratch"> & WithScratch;

export interface AnalyzeOptions extends WithScratch {
  readonly appDir: string;
  /** A target's name; this machine's when left out. */
  readonly target?: string | undefined;
  readonly bun?: string | undefined;
  readonly environment: Environment;
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
  const app = await readApp(options.appDir);
  const sources = readInstalledSources(app) ?? (await installSources(app, options));
  try {
    const target = options.target === undefined ? hostTarget() : parseTarget(options.target);
    const analysis = await analyzeApp(sources, app.settings, target);
    return { json: analysis, text: formatAnalysis(analysis) };
  } finally {
    sources.dispose();
  }
}

async function installSources(app: App, options: AnalyzeOptions): Promise<Sources> {
  const { bun, environment } = options;
  const { scratch } = own(options);
  const directory = scratch.makePrivate();
  try {
    const fetch = bunFetcher(app.settings.runtime, { directory, host: hostTarget(), environment });
    return await ensureInstalled(app, await findBun(app, { named: bun, environment, fetch }), {
      environment,
      scratch,
    });
  } finally {
    scratch.remove(directory);
  }
}

/**
 * Makes bundles for a release that is already built.
 * @throws GantryError
 */
export function addBundles(options: BundleOptions): Promise<AddedBundles> {
  return addBundlesTo({ ...options, ...own(options), host: hostTarget() });
}

/**
 * Makes bundles for a release that is already built, and pushes them to an OCI registry.
 * @returns the digest of what the tag then names
 * @throws GantryError
 */
export function pushBundles(options: PushOptions): Promise<string> {
  return pushReleaseBundles({ ...options, ...own(options), host: hostTarget() });
}

/**
 * Writes the files from which an image of a release is built: a Dockerfile and its companions.
 * @throws GantryError
 */
export function writeImageFiles(options: DockerOptions): Promise<WrittenImage> {
  return writeImageFilesTo({ ...options, ...own(options) });
}

function own({ scratch = createScratch() }: WithScratch): { readonly scratch: Scratch } {
  return { scratch };
}

/** This machine's target. Its C library is that of the running Node. */
function hostTarget(): Target {
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const libc = report.header.glibcVersionRuntime === undefined ? "musl" : "gnu";
  return targetOfHost(process.platform, process.arch, libc);
}
