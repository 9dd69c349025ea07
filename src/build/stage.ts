/**
 * Makes the parts of a target's release that its manifest describes. It writes the lockfile, installs the modules,
 * makes the program, finds which optional modules can be loaded, and packs the modules as a bundle. Everything lies in
 * the build's work directory.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../base/errors.ts";
import {
  abiOfBun,
  type ExternalModule,
  NAMES,
  nativeByModule,
  releaseName,
  runsOn,
  type Target,
  treeDigest,
} from "../release/index.ts";
import type { LoadPlace } from "../compat/index.ts";
import type { Environment } from "../base/environment.ts";
import { analyzeApp, type Analysis } from "./analyze/index.ts";
import { packBundle, type PackedBundle } from "./bundle/index.ts";
import { releasePatterns } from "./choices.ts";
import { beginStep, type BuildContext } from "./build-context.ts";
import { describeExternals, withUnavailable } from "./release/index.ts";
import { writeReleaseLock, type ReleaseLock } from "./lockfile/index.ts";
import { completeTree, readNode } from "./node/index.ts";
import { makeProgram } from "./app-program.ts";
import {
  describeUnserved,
  dropUnavailable,
  findUnbuilt,
  installTree,
  packageOfPattern,
  proveExternals,
  readScriptPolicy,
  refuseNeededAtStart,
  refuseUnbuilt,
  runInstallScripts,
  selectAvailable,
  warnOfUnrun,
  type CapturedTree,
  type ScriptPolicy,
} from "./tree/index.ts";
import type { InstalledTarget, Program, StagedTarget } from "./stage-types.ts";

/** Name of the directory, beside the release, in which its node_modules is made. */
const TREE = "tree";
/** Name of the bundle's file, beside the release. */
const BUNDLE = "bundle";

/**
 * Makes everything of a target that its release needs: modules, program and bundle.
 * @throws GantryError with every finding
 */
export async function stageTarget(context: BuildContext, target: Target): Promise<StagedTarget> {
  beginStep(context, target, "install");
  const installed = await installTarget(context, target, join(context.work, target.name));
  beginStep(context, target, "compile");
  // Packing takes as long as compiling and uses another processor core, so it starts early. If the tree changes
  // afterwards, which is rare, it is packed again.
  const early = packTree(context, installed, withoutUnbuilt(installed));
  const ended = early.catch(() => undefined);
  try {
    return await finishStage(context, installed, early);
  } finally {
    await ended;
  }
}

/** Makes the program of a target, and settles which modules it has. */
async function finishStage(
  context: BuildContext,
  installed: InstalledTarget,
  early: Promise<PackedBundle | undefined>,
): Promise<StagedTarget> {
  const { target, release, stage, name, treeDirectory, analysis } = installed;
  const program = await makeProgram(context, installed);
  const externals = describeExternals(installed.analysis.externals, installed.lock, program.imports);
  const settled = await settleExternals(context, installed, program, externals);
  const packed = await early;
  const bundle =
    packed?.tree === treeDigest(settled.tree.modules)
      ? packed
      : await packTree(context, installed, settled.tree);
  return { target, stage, release, name, treeDirectory, analysis, ...settled, program, bundle };
}

/**
 * Makes the bundle of a target for which no release is built. It is the bundle that a build for the target would name
 * in its manifest, except that no module is loaded to find out whether it works.
 */
export async function stageBundle(context: BuildContext, target: Target): Promise<PackedBundle | undefined> {
  beginStep(context, target, "vendor");
  const installed = await installTarget(context, target, join(context.work, `vendor-${target.name}`));
  const tree = withoutUnbuilt(installed);
  for (const [name, why] of findUnbuilt(installed.tree, installed.analysis.externals)) {
    context.log.warn(`${name} is left out of the bundle for ${target.name}: ${why.reason}`);
  }
  return await packTree(context, installed, tree);
}

/**
 * Writes the lockfile of a target's modules, installs them (with the trusted install scripts where these can run), and
 * lists and hashes every file that stays.
 */
async function installTarget(context: BuildContext, target: Target, stage: string): Promise<InstalledTarget> {
  const { app, log } = context;
  const name = releaseName(app.name, app.version, target);
  const release = join(stage, name);
  const treeDirectory = join(stage, TREE);
  mkdirSync(join(release, NAMES.lib), { recursive: true });
  const node = await readNode(context, target, stage);
  const { analysis, lock } = await resolveModules(context, target, release);
  const packages = lock.closure.length;
  if (packages > 0)
    log.info(`${target.name}: installing ${packages} ${packages === 1 ? "package" : "packages"}`);
  const runtime = loadingRuntime(context, node);
  const policy = await readScriptPolicy(app, context.builder, context.environment);
  const tree = await installTree({
    release,
    directory: treeDirectory,
    cache: join(context.work, "cache"),
    bun: context.builder.path,
    target,
    closure: lock.closure,
    platformPackages: lock.platformPackages,
    patterns: releasePatterns(context),
    runtime,
    environment: context.environment,
    inspect: (modules) =>
      warnOfUnrun({ modules, closure: lock.closure, policy, place: { ...target, runtime }, log }),
    complete:
      node === undefined
        ? scriptsOf(context, target, lock, policy)
        : (modules) => completeTree(context, { target, node, lock, stage, modules, policy }),
  });
  refuseUnmatched(tree, lock, app);
  if (tree.leftOut.some(({ reason }) => reason === "binaries for graphics cards"))
    log.info(
      `${target.name}: variants for graphics cards are left out; for hosts that have one, name them in "gantry.keep"`,
    );
  const locked = new Set(lock.closure.map(({ path }) => path));
  const here = analysis.externals.filter((external) => locked.has(external.name));
  if (node === undefined && !runsOn(target, context.host)) refuseUnbuilt(tree, here, target);
  return { target, stage, release, name, treeDirectory, analysis, lock, tree, node };
}

/** The kind and the ABI of the program that will load the modules. */
function loadingRuntime(
  { builder }: BuildContext,
  node: InstalledTarget["node"],
): NonNullable<LoadPlace["runtime"]> {
  return node === undefined
    ? { kind: "bun", abi: abiOfBun(builder.version) }
    : { kind: "node", abi: node.abi };
}

/**
 * Returns a function that runs the trusted install scripts of a tree. Undefined when there are no such scripts, or when
 * this machine cannot run programs of the target.
 */
function scriptsOf(
  context: BuildContext,
  target: Target,
  { closure, optionalDependencies }: ReleaseLock,
  policy: ScriptPolicy,
): ((modules: string) => Promise<void>) | undefined {
  const { host, environment, log } = context;
  const place = { ...target, runtime: loadingRuntime(context, undefined) };
  if (!runsOn(target, host) || !closure.some(({ name }) => policy.allows(name))) return undefined;
  const optional = new Set(Object.keys(optionalDependencies));
  return (modules) => runInstallScripts({ modules, closure, policy, optional, place, environment, log });
}

/**
 * Refuses entries of `gantry.keep` and `gantry.exclude` that match no file. Entries for a package that only another
 * target has are accepted.
 */
function refuseUnmatched(tree: CapturedTree, lock: ReleaseLock, app: BuildContext["app"]): void {
  const elsewhere = new Set(lock.leftOut.map(({ name }) => name));
  const wrong = tree.unmatched.filter(({ pattern }) => !elsewhere.has(packageOfPattern(pattern)));
  const [first, ...rest] = wrong.map(({ setting, pattern, nearest }): Finding => ({
    code: "CONFIG_INVALID",
    what: `"${setting}" names "${pattern}": no file of the modules matches it`,
    where: join(app.dir, "package.json"),
    fix:
      nearest === undefined
        ? "correct it (paths are relative to node_modules), or remove it"
        : `did you mean "${nearest}"?`,
  }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * The tree without optional externals that lack a native file. A later load test may remove more. Nothing is removed
 * from the disk.
 */
function withoutUnbuilt({ tree, analysis }: InstalledTarget): CapturedTree {
  return selectAvailable(tree, findUnbuilt(tree, analysis.externals));
}

async function packTree(
  context: BuildContext,
  { target, stage, treeDirectory, node }: InstalledTarget,
  tree: CapturedTree,
): Promise<PackedBundle | undefined> {
  const { app, builder, environment, scratch } = context;
  return await packBundle({
    name: app.name,
    version: app.version,
    target,
    modules: tree.modules,
    directory: join(treeDirectory, NAMES.modules),
    // A Node app's bundle is compressed with gzip. Node before 22.15 has no zstd, and later versions (seen with 24.21)
    // read only the first zstd frame, which holds the release's name.
    compression: node === undefined ? "zst" : "gz",
    compressor: { executable: builder.path, environment, scratch },
    file: join(stage, BUNDLE),
  });
}

/** Finds which modules stay outside the program, and writes their lockfile into the release. */
async function resolveModules(
  context: BuildContext,
  target: Target,
  release: string,
): Promise<{ readonly analysis: Analysis; readonly lock: ReleaseLock }> {
  const { app, sources, builder, environment, scratch, log } = context;
  const traced = context.javascript?.traced;
  const settings = traced === undefined ? app.settings : { ...app.settings, traced };
  const analysis = await analyzeApp(sources, settings, target, context.trace);
  const lock = await writeReleaseLock({
    app,
    sources,
    externals: analysis.externals,
    target,
    bun: builder,
    directory: release,
    environment,
    scratch,
  });
  for (const warning of [...analysis.warnings, ...lock.warnings]) log.warn(warning);
  return { analysis, lock };
}

/**
 * Finds which optional externals can be loaded, and removes the others from the tree. A required external that does not
 * load is an error. When this machine cannot load modules of the target, optional externals without a native file are
 * removed.
 */
async function settleExternals(
  context: BuildContext,
  { target, treeDirectory, analysis, tree }: InstalledTarget,
  program: Program,
  externals: readonly ExternalModule[],
): Promise<{ readonly externals: ExternalModule[]; readonly tree: CapturedTree }> {
  const modules = join(treeDirectory, NAMES.modules);
  const expected = externals.filter((external) => external.unavailable === undefined);
  const unbuilt = findUnbuilt(tree, analysis.externals);
  const unloadable = runsOn(target, context.host)
    ? await proveExternals(
        expected.map((external) => withFiles(external, tree, modules, program, target)),
        {
          ...emptyDirectory(context, program),
          ...program.probe,
          modules,
        },
      )
    : unbuilt;
  const unavailable = new Map([...unloadable].map(([name, why]) => [name, unbuilt.get(name) ?? why]));
  const all = withUnavailable(externals, unavailable);
  for (const { name, unavailable: why } of all) {
    if (why !== undefined) context.log.warn(`${name} is left out of the release: ${why.reason}`);
  }
  for (const { name } of externals) {
    const lacking = unavailable.has(name) ? undefined : describeUnserved(tree, name, target);
    if (lacking !== undefined) context.log.warn(`${lacking.what}; it loads without one`);
  }
  for (const warning of refuseNeededAtStart(all, program.atStart ?? new Map(), target))
    context.log.warn(warning);
  return { externals: all, tree: dropUnavailable(tree, modules, unavailable) };
}

/**
 * Adds the native files of an external. With Node they are loaded by path as well, because some packages load theirs
 * only when they are used.
 */
function withFiles(
  external: ExternalModule,
  tree: CapturedTree,
  modules: string,
  { runtime }: Program,
  target: Target,
): Parameters<typeof proveExternals>[0][number] & ExternalModule {
  const files = nativeByModule(tree, external.name).map((group) => group.map((path) => join(modules, path)));
  const late = runtime.kind === "node" && external.imports.length > 0;
  const lacks = describeUnserved(tree, external.name, target);
  return { ...external, native: files.flat(), lacks, ...(late ? { files } : {}) };
}

/**
 * An empty directory, and an environment in which the release's program is found. The release's own programs run with
 * both.
 */
export function emptyDirectory(
  context: BuildContext,
  { path }: Program,
): { readonly cwd: string; readonly environment: Environment } {
  const cwd = join(context.work, "empty");
  mkdirSync(cwd, { recursive: true });
  const { environment } = context;
  if (path === undefined) return { cwd, environment };
  return { cwd, environment: { ...environment, PATH: `${path}:${environment["PATH"] ?? ""}` } };
}
