/** Installs the modules of a target: its lockfile, its tree, and what pruning and install scripts leave of it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../base/errors.ts";
import type { LoadPlace } from "../compat/index.ts";
import { abiOfBun, NAMES, releaseName, runsOn, type Target } from "../release/index.ts";
import { analyzeApp, type Analysis } from "./analyze/index.ts";
import type { BuildContext } from "./build-context.ts";
import { releasePatterns } from "./choices.ts";
import { writeReleaseLock, type ReleaseLock } from "./lockfile/index.ts";
import { completeTree, readNode } from "./node/index.ts";
import type { InstalledTarget } from "./stage-types.ts";
import {
  installTree,
  packageOfPattern,
  readScriptPolicy,
  refuseUnbuilt,
  runInstallScripts,
  warnOfUnrun,
  type CapturedTree,
  type ScriptPolicy,
} from "./tree/index.ts";

/** Name of the directory, beside the release, in which its node_modules is made. */
const TREE = "tree";
/**
 * Writes the lockfile of a target's modules, installs them (with the trusted install scripts where these can run), and
 * lists and hashes every file that stays.
 */
export async function installTarget(
  context: BuildContext,
  target: Target,
  stage: string,
): Promise<InstalledTarget> {
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
  const place = { ...target, runtime: loadingRuntime(context, node) };
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
    runtime: place.runtime,
    environment: context.environment,
    inspect: (modules) => warnOfUnrun({ modules, closure: lock.closure, policy, place, log }),
    complete:
      node === undefined
        ? scriptsOf(context, { target, lock, policy, place })
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

interface ScriptsOptions {
  readonly target: Target;
  readonly lock: ReleaseLock;
  readonly policy: ScriptPolicy;
  readonly place: LoadPlace;
}

/**
 * Returns a function that runs the trusted install scripts of a tree. Undefined when there are no such scripts, or when
 * this machine cannot run programs of the target.
 */
function scriptsOf(
  { host, environment, log }: BuildContext,
  { target, lock, policy, place }: ScriptsOptions,
): ((modules: string) => Promise<void>) | undefined {
  const { closure, optionalDependencies } = lock;
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
