/**
 * Makes the parts of a target's release that its manifest describes. It installs the modules (install-target.ts),
 * makes the program, finds which optional modules can be loaded, and packs the modules as a bundle. Everything lies in
 * the build's work directory.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type ExternalModule,
  NAMES,
  nativeByModule,
  runsOn,
  type Target,
  treeDigest,
} from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import { packBundle, type PackedBundle } from "./bundle/index.ts";
import { beginStep, type BuildContext } from "./build-context.ts";
import { installTarget } from "./install-target.ts";
import { describeExternals, withUnavailable } from "./release/index.ts";
import { makeProgram } from "./app-program.ts";
import {
  describeUnserved,
  dropUnavailable,
  findUnbuilt,
  proveExternals,
  refuseNeededAtStart,
  selectAvailable,
  type CapturedTree,
} from "./tree/index.ts";
import type { InstalledTarget, Program, StagedTarget } from "./stage-types.ts";

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
