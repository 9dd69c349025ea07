/**
 * `gantry build`: makes a release and its archive from an app, one target after another. Everything is made in a work
 * directory inside the output directory, and renamed at the end. So a build that fails or is interrupted leaves
 * existing releases unchanged.
 */
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { GantryError } from "../base/errors.ts";
import { abortable } from "../base/process/index.ts";
import {
  type Manifest,
  NAMES,
  onlyBundled,
  parseTarget,
  readTreeFiles,
  releaseBase,
  runsOn,
  type Target,
} from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import {
  bunFetcher,
  ensureInstalled,
  findBun,
  nodeFor,
  readApp,
  type App,
  type Bun,
  type Sources,
} from "./app/index.ts";
import {
  assembleRelease,
  describeRelease,
  formatSummary,
  readRequires,
  type ReleaseSummary,
} from "./release/index.ts";
import type { PackedBundle } from "./bundle/index.ts";
import {
  releaseInstall,
  releasePatterns,
  releasePublicKey,
  vendoredTargets,
  withOwnBundle,
} from "./choices.ts";
import { nodeEnvOf } from "./compile/index.ts";
import { beginStep, type BuildContext, type BuildOptions } from "./build-context.ts";
import { buildJavaScript, type BuiltJavaScript } from "./node/index.ts";
import { writeArchive } from "./pack/index.ts";
import { isolationOnce, startRelease, type Isolation } from "./smoke/index.ts";
import { proveRelease } from "./tree/index.ts";
import { emptyDirectory, stageBundle, stageTarget } from "./stage.ts";
import { traceSources } from "./trace-sources.ts";
import type { StagedTarget } from "./stage-types.ts";
import { ensureOut } from "./scratch.ts";

export type { BuildEvent, BuildOptions } from "./build-context.ts";

/**
 * Builds a release for each target, all of them or none.
 * @throws GantryError with every finding, or the signal's reason; existing releases are then unchanged
 */
export async function buildReleases(options: BuildOptions): Promise<ReleaseSummary[]> {
  return await abortable(options.signal, () => buildAll(options));
}

async function buildAll(options: BuildOptions): Promise<ReleaseSummary[]> {
  const targets = options.targets.length === 0 ? [options.host] : options.targets.map(parseTarget);
  const { environment, scratch, log } = options;
  const app = await readApp(options.appDir);
  const publicKeyLine = releasePublicKey(options, app);
  for (const target of targets) vendoredTargets({ ...options, app }, target);
  const out = resolve(options.out);
  const madeOut = ensureOut(out);
  const work = options.scratch.makeBeside(out);
  let sources: Sources | undefined;
  let javascript: BuiltJavaScript | undefined;
  try {
    const builder = await findBuilder(options, app, targets, work);
    sources = await ensureInstalled(app, builder, { environment, scratch, log });
    if (app.settings.runtime === "node")
      javascript = await buildJavaScript({ app, sources, bun: builder.path, environment, scratch, log });
    const trace = await traceSources({ app, sources, bun: builder.path, environment, scratch });
    const context: BuildContext = {
      ...options,
      app,
      builder,
      sources,
      work,
      publicKeyLine,
      javascript,
      trace,
    };
    const staged: StagedTarget[] = [];
    for (const target of targets) staged.push(await stageTarget(context, target));
    const settled = staged.map((one) => [settleInstall(context, one), one] as const);
    const bundles = await stageBundles(settled);
    const made: ReleaseSummary[] = [];
    const shared = { bundles, isolation: isolationOnce() };
    for (const [own, one] of settled) made.push(await finishTarget(own, one, shared));
    // An abort after this point has no effect: releases that are published stay.
    options.signal?.throwIfAborted();
    const published = made.map((summary) => publish(summary, out));
    for (const summary of published) log.info(formatSummary(summary));
    return published;
  } finally {
    javascript?.dispose();
    sources?.dispose();
    options.scratch.remove(work);
    if (madeOut && readdirSync(out).length === 0) rmdirSync(out);
  }
}

/** Finds the Bun that builds. It is fetched when there is none. */
async function findBuilder(
  options: BuildOptions,
  app: App,
  targets: readonly Target[],
  work: string,
): Promise<Bun> {
  const { environment, host, log } = options;
  const { runtime, node } = app.settings;
  const fetch = bunFetcher(app, { directory: join(work, "bun"), host, environment, log });
  const builder = await findBun(app, { named: options.bun, environment, runtime, fetch });
  const nodes = node === undefined ? [] : [...new Set(targets.map((target) => nodeFor(node, target)))];
  const runs = node === undefined ? `Bun ${builder.version}` : `Node ${nodes.join(" and ")}`;
  for (const note of app.notes) log.info(note);
  log.info(`building ${app.name} ${app.version} with ${runs}`);
  return builder;
}

/** Moves a finished release and its archive to the output directory, and replaces those of an earlier build. */
function publish(summary: ReleaseSummary, out: string): ReleaseSummary {
  const name = relative(resolve(summary.directory, ".."), summary.directory);
  const directory = join(out, name);
  const archive = join(out, `${name}.tar.gz`);
  const old = `${summary.directory}${NAMES.old}`;
  if (existsSync(directory)) renameSync(directory, old);
  renameSync(summary.directory, directory);
  // The archive of an earlier build is not the archive of this release.
  rmSync(archive, { force: true });
  if (summary.archive === undefined) return { ...summary, directory };
  renameSync(summary.archive, archive);
  return { ...summary, directory, archive };
}

/** The context for one target, whose modules may have to come from its bundle. */
function settleInstall(context: BuildContext, { target, externals, tree }: StagedTarget): BuildContext {
  const bundled = onlyBundled({ externals: [...externals], modules: tree.modules });
  const settled = withOwnBundle(context, target, bundled);
  if (releaseInstall(settled) !== releaseInstall(context)) {
    const names = bundled.slice(0, 3).join(", ") + (bundled.length > 3 ? " and others" : "");
    context.log.warn(
      `${target.name}: installed as vendor, because no registry has what the install scripts of ${names} made here`,
    );
  }
  return settled;
}

/**
 * Makes the bundles that the releases of this build carry, by target name. The bundles of the targets that are built
 * exist already.
 */
async function stageBundles(
  settled: readonly (readonly [BuildContext, StagedTarget])[],
): Promise<ReadonlyMap<string, PackedBundle | undefined>> {
  const bundles = new Map(settled.map(([, { target, bundle }]) => [target.name, bundle]));
  for (const [context, { target }] of settled) {
    for (const other of vendoredTargets(context, target)) {
      if (!bundles.has(other.name)) bundles.set(other.name, await stageBundle(context, other));
    }
  }
  return bundles;
}

/** What the last steps of all targets share. */
interface Shared {
  /** By the name of their target. */
  readonly bundles: ReadonlyMap<string, PackedBundle | undefined>;
  /** How releases are started without a network. */
  readonly isolation: () => Promise<Isolation>;
}

/**
 * Writes the rest of a target's release, proves and starts the release when this machine can run it, and packs the
 * archive, all in the work directory.
 */
async function finishTarget(
  context: BuildContext,
  staged: StagedTarget,
  { bundles, isolation }: Shared,
): Promise<ReleaseSummary> {
  const { target, release, tree } = staged;
  const vendored = vendoredTargets(context, target).flatMap((wanted) => bundles.get(wanted.name) ?? []);
  const manifest = assemble(context, staged, vendored);
  const loadedHere = runsOn(target, context.host);
  beginStep(context, target, "prove");
  if (loadedHere)
    await proveRelease(release, staged.treeDirectory, manifest, emptyDirectory(context, staged.program));
  if (loadedHere && context.smoke !== "off") beginStep(context, target, "start");
  const started = await startRelease({ ...context, isolation }, staged, manifest);
  const archive = context.archive === "off" ? undefined : await packArchive(context, staged);
  return {
    target: target.name,
    directory: release,
    archive,
    archiveBytes: archive === undefined ? undefined : statSync(archive).size,
    manifest,
    files: fileSizes(release),
    leftOut: tree.leftOut,
    reasons: Object.fromEntries(staged.analysis.externals.map(({ name, reason }) => [name, reason])),
    ...(staged.program.runtime.kind === "bun" ? { nodeEnv: nodeEnvOf(context.app.settings.build) } : {}),
    loadedHere,
    started,
  };
}

async function packArchive(context: BuildContext, { target, stage, name }: StagedTarget): Promise<string> {
  const archive = join(stage, `${name}.tar.gz`);
  beginStep(context, target, "pack");
  context.log.info(`${target.name}: packing`);
  const epoch = sourceDateEpoch(context.environment);
  await writeArchive({ parent: stage, name, file: archive, epoch, signal: context.signal });
  return archive;
}

/** Writes all files of the release that are made from the program and the installed modules. */
function assemble(
  context: BuildContext,
  { target, release, externals, tree, program, bundle, treeDirectory }: StagedTarget,
  vendored: readonly PackedBundle[],
): Manifest {
  const { app, sources, gantry } = context;
  const requires = readRequires({
    target,
    executable: program.shipped,
    modules: join(treeDirectory, NAMES.modules),
    tree,
  });
  return assembleRelease({
    root: release,
    appDir: sources.appDir,
    include: app.settings.include,
    assets: program.assets ?? [],
    vendored,
    base: releaseBase(app.name, app.version),
    manifest: describeRelease({
      app,
      gantry,
      runtime: program.runtime,
      target,
      externals,
      tree,
      requires,
      install: releaseInstall(context),
      patterns: releasePatterns(context),
      bundle: bundle?.description,
      publicKey: context.publicKeyLine,
    }),
  });
}

/**
 * The time of the archive's entries, in seconds since 1970. Undefined when SOURCE_DATE_EPOCH is not set.
 * @throws GantryError CONFIG_INVALID when SOURCE_DATE_EPOCH is set and is not a whole number
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

/** Size in bytes of each file of a finished release, by path. */
function fileSizes(release: string): Record<string, number> {
  return Object.fromEntries(
    readTreeFiles(release).map(({ path }) => [path, statSync(join(release, path)).size]),
  );
}
