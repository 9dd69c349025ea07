/**
 * `gantry build`: from an app to a release and its archive, one target after another. Everything is made in a work
 * directory beside the result and renamed into place at the end, so a build that fails or is interrupted leaves the
 * releases that are already there as they were.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Log } from "../log.ts";
import { GantryError } from "../errors.ts";
import { NAMES, releaseBase, releaseName } from "../release/layout.ts";
import type { ExternalModule, Manifest } from "../release/manifest.ts";
import { parseTarget, runsOn, type Target } from "../release/targets.ts";
import { readTreeFiles } from "../release/tree.ts";
import type { Environment } from "../runtime/invoke.ts";
import { analyzeApp, type Analysis } from "./analyze/analyze.ts";
import { readApp, type App } from "./app/app.ts";
import { findBun, type Bun } from "./app/bun.ts";
import { ensureInstalled, type Sources } from "./app/sources.ts";
import { assembleRelease } from "./assemble.ts";
import { compileApp, type CompileResult } from "./compile/compile.ts";
import { writeReleaseLock, type ReleaseLock } from "./lock/lock.ts";
import { describeExternals, describeRelease, withUnavailable } from "./describe.ts";
import { writeArchive } from "./pack/archive.ts";
import { proveExternals, proveRelease } from "./prove.ts";
import { readRequires } from "./requires.ts";
import { formatSummary, type ReleaseSummary } from "./table.ts";
import type { CapturedTree } from "./tree/capture.ts";
import { dropUnavailable, findUnbuilt } from "./tree/available.ts";
import { installTree } from "./tree/install.ts";

/** Beside the release in its work directory: where its node_modules is made. */
const TREE = "tree";

export interface BuildOptions {
  readonly appDir: string;
  /** Names; the building machine's when empty. */
  readonly targets: readonly string[];
  /** Where releases and archives go; made when missing. */
  readonly out: string;
  /** Path of the Bun to compile with, instead of the app's own. */
  readonly bun?: string | undefined;
  /** The building machine's target. */
  readonly host: Target;
  /** gantry's own version. */
  readonly gantry: string;
  readonly environment: Environment;
  readonly log: Log;
}

/** What every target of one build shares. */
interface BuildContext extends BuildOptions {
  readonly app: App;
  readonly builder: Bun;
  readonly sources: Sources;
  readonly work: string;
}

/**
 * Builds a release for each target, all of them or none.
 * @throws GantryError with every finding; releases that were there before stay as they were
 */
export async function buildReleases(options: BuildOptions): Promise<ReleaseSummary[]> {
  const targets = options.targets.length === 0 ? [options.host] : options.targets.map(parseTarget);
  const { environment, log } = options;
  const app = await readApp(options.appDir);
  const builder = await findBun(app, { named: options.bun, environment });
  log.info(`building ${app.name} ${app.version} with Bun ${builder.version}`);
  const out = resolve(options.out);
  const madeOut = mkdirSync(out, { recursive: true }) !== undefined;
  const work = mkdtempSync(join(out, ".gantry-build-"));
  let sources: Sources | undefined;
  try {
    sources = await ensureInstalled(app, builder, { environment, log });
    const context: BuildContext = { ...options, app, builder, sources, work };
    const made: ReleaseSummary[] = [];
    for (const target of targets) made.push(await buildTarget(context, target));
    const published = made.map((summary) => publish(summary, out));
    for (const summary of published) log.info(formatSummary(summary));
    return published;
  } finally {
    sources?.dispose();
    rmSync(work, { recursive: true, force: true });
    if (madeOut && readdirSync(out).length === 0) rmdirSync(out);
  }
}

/** Moves a finished release and its archive to where people look for them, over the ones of an earlier build. */
function publish(summary: ReleaseSummary, out: string): ReleaseSummary {
  const name = relative(resolve(summary.directory, ".."), summary.directory);
  const directory = join(out, name);
  const archive = join(out, `${name}.tar.gz`);
  const old = `${summary.directory}${NAMES.old}`;
  if (existsSync(directory)) renameSync(directory, old);
  renameSync(summary.directory, directory);
  renameSync(summary.archive, archive);
  return { ...summary, directory, archive };
}

/** One target's release and archive, finished and proven, still in the work directory. */
async function buildTarget(context: BuildContext, target: Target): Promise<ReleaseSummary> {
  const { app, log } = context;
  const name = releaseName(app.name, app.version, target);
  const stage = join(context.work, target.name);
  const release = join(stage, name);
  mkdirSync(join(release, NAMES.lib), { recursive: true });
  const { analysis, lock } = await resolveModules(context, target, release);
  log.info(`${target.name}: installing ${lock.closure.length} packages`);
  const captured = await installTree({
    release,
    directory: join(stage, TREE),
    cache: join(context.work, "cache"),
    bun: context.builder.path,
    target,
    closure: lock.closure,
    platformPackages: lock.platformPackages,
    environment: context.environment,
  });
  log.info(`${target.name}: compiling`);
  const compiled = await compileTarget(context, target, release, analysis);
  const found = describeExternals(analysis.externals, lock, compiled.imports);
  const { externals, tree } = await settleExternals(context, {
    target,
    release,
    analysis,
    externals: found,
    tree: captured,
  });
  const manifest = assemble(context, { target, release, externals, tree, bunVersion: compiled.bunVersion });
  const loadedHere = runsOn(target, context.host);
  if (loadedHere) await proveRelease(release, join(stage, TREE), manifest, emptyPlace(context));
  const archive = join(stage, `${name}.tar.gz`);
  log.info(`${target.name}: packing`);
  await writeArchive({ parent: stage, name, file: archive, epoch: sourceDateEpoch(context.environment) });
  return {
    target: target.name,
    directory: release,
    archive,
    archiveBytes: statSync(archive).size,
    manifest,
    files: fileSizes(release),
    leftOut: tree.leftOut,
    loadedHere,
  };
}

interface Settled {
  readonly target: Target;
  readonly release: string;
  readonly externals: readonly ExternalModule[];
  readonly tree: CapturedTree;
  readonly bunVersion: string;
}

/** Writes everything into the release that follows from the binary and the tree. */
function assemble(
  context: BuildContext,
  { target, release, externals, tree, bunVersion }: Settled,
): Manifest {
  const { app, sources, gantry } = context;
  const requires = readRequires({
    target,
    executable: join(release, NAMES.lib, app.settings.binary),
    modules: join(release, "..", TREE, NAMES.modules),
    tree,
  });
  return assembleRelease({
    root: release,
    appDir: sources.appDir,
    include: app.settings.include,
    base: releaseBase(app.name, app.version),
    manifest: describeRelease({ app, gantry, bunVersion, target, externals, tree, requires }),
  });
}

/** Which modules stay outside, and their lock, written into the release. */
async function resolveModules(
  context: BuildContext,
  target: Target,
  release: string,
): Promise<{ readonly analysis: Analysis; readonly lock: ReleaseLock }> {
  const { app, sources, builder, environment, log } = context;
  const analysis = await analyzeApp(sources, app.settings, target);
  const lock = await writeReleaseLock({
    app,
    sources,
    externals: analysis.externals,
    target,
    bun: builder,
    directory: release,
    environment,
  });
  for (const warning of [...analysis.warnings, ...lock.warnings]) log.warn(warning);
  return { analysis, lock };
}

/** Compiles into the release. */
async function compileTarget(
  context: BuildContext,
  target: Target,
  release: string,
  analysis: Analysis,
): Promise<CompileResult> {
  const { app, sources, builder, environment, log } = context;
  const compiled = await compileApp({
    bun: builder.path,
    appDir: sources.appDir,
    entry: sources.entry,
    outfile: join(release, NAMES.lib, app.settings.binary),
    target,
    externals: analysis.externals.map((external) => external.name),
    modulesRoot: join(release, "..", TREE),
    settings: app.settings.build,
    environment,
  });
  if (compiled.withoutBytecode !== undefined)
    log.warn(`compiled without bytecode: ${compiled.withoutBytecode}`);
  return compiled;
}

interface Unsettled {
  readonly target: Target;
  readonly release: string;
  readonly analysis: Analysis;
  readonly externals: readonly ExternalModule[];
  readonly tree: CapturedTree;
}

/** Finds out which optional externals really work, and takes the others out of the tree. */
async function settleExternals(
  context: BuildContext,
  { target, release, analysis, externals, tree }: Unsettled,
): Promise<{ readonly externals: ExternalModule[]; readonly tree: CapturedTree }> {
  const modules = join(release, "..", TREE, NAMES.modules);
  const expected = externals.filter((external) => external.unavailable === undefined);
  const unbuilt = findUnbuilt(tree, analysis.externals);
  const unloadable = runsOn(target, context.host)
    ? await proveExternals(expected, {
        ...emptyPlace(context),
        executable: join(release, NAMES.lib, context.app.settings.binary),
        modules,
      })
    : unbuilt;
  const unavailable = new Map([...unloadable].map(([name, why]) => [name, unbuilt.get(name) ?? why]));
  const all = withUnavailable(externals, unavailable);
  for (const { name, unavailable: why } of all) {
    if (why !== undefined) context.log.warn(`${name} is left out of the release: ${why.reason}`);
  }
  return { externals: all, tree: dropUnavailable(tree, modules, unavailable) };
}

/** A directory of nothing, and the environment: where the release's own programs are run. */
function emptyPlace(context: BuildContext): { readonly cwd: string; readonly environment: Environment } {
  const cwd = join(context.work, "empty");
  mkdirSync(cwd, { recursive: true });
  return { cwd, environment: context.environment };
}

/**
 * Seconds since 1970 that the archive's entries get.
 * @throws GantryError CONFIG_INVALID when SOURCE_DATE_EPOCH is set and is no whole number
 */
function sourceDateEpoch(environment: Environment): number | undefined {
  const value = environment["SOURCE_DATE_EPOCH"];
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `SOURCE_DATE_EPOCH is "${value}", which is no number of seconds since 1970`,
    fix: "unset it, or set it to a whole number",
  });
}

/** Bytes of each file of a finished release. */
function fileSizes(release: string): Record<string, number> {
  return Object.fromEntries(
    readTreeFiles(release).map(({ path }) => [path, statSync(join(release, path)).size]),
  );
}
