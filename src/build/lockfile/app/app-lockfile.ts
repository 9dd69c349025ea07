/**
 * Reads the exact versions of an app's packages ("pins") as a bun.lock, for any package manager. The app's bun.lock is
 * read as it is. Another lockfile is converted in a private directory. Without a lockfile, the versions are those of
 * the installed modules, and a warning says so.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { GantryError, type Finding } from "../../../base/errors.ts";
import { run } from "../../../base/process/index.ts";
import { toolEnvironment } from "../../../runtime/index.ts";
import type { Environment } from "../../../base/environment.ts";
import {
  checkLockFits,
  copyManifests,
  copyRegistrySettings,
  convertToBunLock,
  LOCKFILE_OWNERS,
  readBunLock,
  readInstalled,
  toolLines,
  type App,
  type Bun,
  type InstalledGraph,
  type InstalledPackage,
  type Lockfile,
  type Sources,
} from "../../app/index.ts";
import { type BunLock, withInfo } from "../../../release/index.ts";
import { parseForeignPins } from "./foreign-pins.ts";
import type { Scratch } from "../../scratch.ts";

export interface AppLock {
  readonly lock: BunLock;
  /**
   * The app's directory relative to the lockfile's, as it is a key of the lockfile's `workspaces`; empty when they are
   * the same.
   */
  readonly workspace: string;
  /** Path of the file that messages name. */
  readonly where: string;
  /**
   * The packages in another package manager's lockfile, each as `name@version`. Undefined for Bun's own formats, and
   * when there is no lockfile.
   */
  readonly foreign: ReadonlySet<string> | undefined;
  readonly warnings: readonly string[];
}

export interface AppLockOptions {
  readonly app: App;
  readonly sources: Sources;
  readonly bun: Bun;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly registry?: string | undefined;
  /** Names of the externals. Without a lockfile, only they and what they need get exact versions. */
  readonly externals: readonly string[];
}

/**
 * Reads the exact versions of the app's packages.
 * @throws GantryError CONFIG_INVALID when the lockfile is damaged, too new for the Bun, or does not fit package.json;
 *   NETWORK_FAILED when there is no lockfile and the registry does not answer
 */
export async function readAppLock(options: AppLockOptions): Promise<AppLock> {
  const { app } = options;
  const { lockfile } = app;
  if (lockfile === undefined)
    return options.externals.length === 0 ? withoutPins(options) : readInstalledPins(options);
  const found = await readLockfilePins(options, lockfile);
  return lockfile.kind === "yarn.lock" ? { ...found, lock: withoutImplicitNodeGyp(found.lock) } : found;
}

async function readLockfilePins(options: AppLockOptions, lockfile: Lockfile): Promise<AppLock> {
  const { app, sources, bun } = options;
  const directory = dirname(lockfile.path);
  const workspace = relative(directory, app.dir).split(sep).join("/");
  const foreign = parseForeignPins(lockfile.kind, readFileSync(lockfile.path, "utf8"));
  const found = { workspace, where: lockfile.path, foreign, warnings: [] };
  const converted = join(sources.root, relative(app.workspaceRoot, directory), "bun.lock");
  // A copy has no bun.lock when another package manager installed it.
  if (sources.kind === "copy" && existsSync(converted))
    return { ...found, lock: readBunLock(converted, bun, lockfile.path) };
  if (lockfile.kind === "bun.lock") {
    const lock = readBunLock(lockfile.path, bun, lockfile.path);
    checkLockFits(lock, directory, lockfile.kind, lockfile.path);
    return { ...found, lock };
  }
  const copy = options.scratch.makePrivate();
  try {
    copyManifests(directory, copy, basename(lockfile.path));
    const { environment } = options;
    const converting = { directory: copy, kind: lockfile.kind, bun, environment, where: lockfile.path };
    const lock = await convertToBunLock(converting);
    if (lock instanceof GantryError)
      return await readOwnersPins(options, lockfile, { locked: foreign, problem: lock });
    checkLockFits(lock, copy, lockfile.kind, lockfile.path);
    return { ...found, lock };
  } catch (error) {
    // Its own package manager has just accepted it.
    if (sources.kind !== "copy" || !(error instanceof GantryError)) throw error;
    return await readOwnersPins(options, lockfile, { locked: foreign, problem: error });
  } finally {
    options.scratch.remove(copy);
  }
}

interface Unconverted {
  /** The packages in the lockfile, each as `name@version`. */
  readonly locked: ReadonlySet<string> | undefined;
  /** Why Bun did not convert it. */
  readonly problem: GantryError;
}

/**
 * The result for a lockfile that Bun cannot convert: the versions that its own package manager installed from it.
 * @throws GantryError CONFIG_INVALID for each external that is installed in a version that the lockfile does not have;
 *   `problem` when one is not installed
 */
async function readOwnersPins(
  options: AppLockOptions,
  { kind, path }: Lockfile,
  { locked, problem }: Unconverted,
): Promise<AppLock> {
  if (options.externals.length === 0) return { ...withoutPins(options), where: path, warnings: [] };
  const installed = readInstalledExternals(options.sources, options.externals);
  if (options.externals.some((name) => !installed.has(name))) throw problem;
  if (options.sources.kind === "in-place")
    refuseUnlocked([...installed.values()], { kind, path }, locked ?? new Set());
  const { warnings, ...pins } = await pinInstalled(options);
  const warning = `Bun cannot convert ${kind}: the release is pinned to what was installed from it`;
  return { ...pins, where: path, warnings: [warning, ...warnings] };
}

function refuseUnlocked(
  installed: readonly InstalledPackage[],
  { kind, path }: Lockfile,
  locked: ReadonlySet<string>,
): void {
  const [first, ...rest] = installed
    .filter(({ name, version, workspace }) => !workspace && !locked.has(`${name}@${version}`))
    .map(({ name, version }): Finding => ({
      code: "CONFIG_INVALID",
      what: `${name} ${version} is installed, and ${kind} does not have that version`,
      where: path,
      fix: `run "${LOCKFILE_OWNERS[kind]} install" in ${dirname(path)}`,
    }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Removes a dependency that yarn berry adds: every package with an install script gets a dependency on
 * `node-gyp@latest` that its package.json does not have. In a release that would be a build tool of sixty packages.
 */
function withoutImplicitNodeGyp(lock: BunLock): BunLock {
  const packages = new Map(lock.packages);
  for (const [key, entry] of packages) {
    if (entry.kind !== "registry" || entry.info.dependencies["node-gyp"] !== "latest") continue;
    const { "node-gyp": _implicit, ...dependencies } = entry.info.dependencies;
    packages.set(key, withInfo(entry, { ...entry.info, dependencies }));
  }
  return { ...lock, packages };
}

/**
 * Finds the installed package that the app gets for each external's name: its own dependency first, else that of the
 * nearest package that is compiled in, else that of another external, else that of a development dependency.
 */
export function readInstalledExternals(
  sources: Sources,
  externals: readonly string[],
): Map<string, InstalledPackage> {
  const found = new Map<string, InstalledPackage>();
  findInstalled(readInstalled(sources.appDir, sources.root), externals, found);
  if (found.size === externals.length) return found;
  findInstalled(readInstalled(sources.appDir, sources.root, ["development"]), externals, found);
  return found;
}

function findInstalled(
  { app, packages }: InstalledGraph,
  externals: readonly string[],
  found: Map<string, InstalledPackage>,
): void {
  for (const start of [[app.dir], undefined]) {
    const wanted = new Set(externals.filter((name) => !found.has(name)));
    const seen = new Set(start ?? [...found.values()].map((external) => external.dir));
    for (const directory of seen) {
      for (const edge of packages.get(directory)?.edges ?? []) {
        const target = edge.to === undefined ? undefined : packages.get(edge.to);
        if (target === undefined) continue;
        if (!wanted.has(edge.name)) seen.add(target.dir);
        else if (!found.has(edge.name)) found.set(edge.name, target);
      }
    }
  }
}

/**
 * The result for an app without a lockfile and without externals. No version has to be fixed, and the modules that are
 * compiled in are the installed ones.
 */
function withoutPins({ app, sources }: AppLockOptions): AppLock {
  const { dependencies, optionalDependencies } = app.packageJson;
  const asked = Object.keys({ ...dependencies, ...optionalDependencies });
  const warning = `${app.name} has no lockfile: it is compiled with the modules that are installed here; commit one`;
  return {
    lock: { version: 1, workspaces: {}, packages: new Map(), patched: [] },
    workspace: "",
    where: join(app.dir, "package.json"),
    foreign: undefined,
    warnings: asked.length === 0 || sources.kind === "copy" ? [] : [warning],
  };
}

/** The result for an app without a lockfile. */
async function readInstalledPins(options: AppLockOptions): Promise<AppLock> {
  const { app, sources } = options;
  const { warnings, ...pins } = await pinInstalled(options);
  const warning = `${app.name} has no lockfile: the release is pinned to the modules that are installed here; commit one`;
  // A private copy was just installed from the registry, and a warning has already said so.
  return { ...pins, warnings: [...(sources.kind === "copy" ? [] : [warning]), ...warnings] };
}

/**
 * The lockfile that Bun writes here has the exact installed version of each external, and of each package that they need
 * when only one version of it is installed.
 */
async function pinInstalled(options: AppLockOptions): Promise<AppLock> {
  const { app, sources, bun } = options;
  const where = join(app.dir, "package.json");
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of readInstalled(sources.appDir, sources.root).packages.values()) {
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  const roots = readInstalledExternals(sources, options.externals);
  const dependencies = Object.fromEntries([...roots].map(([name, found]) => [name, exactSpec(name, found)]));
  const overrides = Object.fromEntries(
    [...versions].flatMap(([name, set]) => (set.size === 1 && !roots.has(name) ? [[name, [...set][0]]] : [])),
  );
  const directory = options.scratch.makePrivate();
  try {
    mkdirSync(directory, { recursive: true });
    copyRegistrySettings(app.workspaceRoot, directory);
    const json = { name: "gantry-scratch", private: true, dependencies, overrides };
    writeFileSync(join(directory, "package.json"), JSON.stringify(json));
    const args = ["install", "--lockfile-only", "--save-text-lockfile", "--ignore-scripts", "--no-progress"];
    const registry = options.registry === undefined ? [] : [`--registry=${options.registry}`];
    const environment = toolEnvironment(options.environment);
    const result = await run(bun.path, [...args, ...registry], { cwd: directory, environment });
    if (result.code !== 0) {
      const what =
        "the installed modules could not be pinned: the registry was not reached, or does not have them";
      const fix = "check the network, or commit a lockfile, and build again";
      throw new GantryError({ code: "NETWORK_FAILED", what, where, detail: toolLines(result.stderr), fix });
    }
    const lock = readBunLock(join(directory, "bun.lock"), bun, where);
    return { lock, workspace: "", where, foreign: undefined, warnings: otherVersions(lock, versions) };
  } finally {
    options.scratch.remove(directory);
  }
}

/**
 * Warns about packages whose version in the lockfile is not installed here. This happens when several versions are
 * installed, because the newest version that fits is then chosen.
 */
function otherVersions(lock: BunLock, installed: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const warnings = new Set<string>();
  for (const entry of lock.packages.values()) {
    const here = installed.get(entry.name);
    if (entry.kind !== "registry" || here === undefined || here.has(entry.version)) continue;
    warnings.add(
      `${entry.name} ${entry.version} goes into the release; installed here is ${[...here].join(" and ")}`,
    );
  }
  return [...warnings];
}

function exactSpec(name: string, found: Pick<InstalledPackage, "name" | "version">): string {
  return name === found.name ? found.version : `npm:${found.name}@${found.version}`;
}
