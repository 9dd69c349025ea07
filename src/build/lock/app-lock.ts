/**
 * Reads the pins of an app as a bun.lock, for any package manager: in place, converted in a private directory, or,
 * without a lockfile, from what is installed. Warns when the pins do not come from a lockfile of the app.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { run } from "../../base/process/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import {
  checkLockFits,
  copyManifests,
  copyRegistrySettings,
  ensureBunLock,
  readBunLock,
  readInstalled,
  toolLines,
  type App,
  type Bun,
  type InstalledPackage,
  type Lockfile,
  type Sources,
} from "../app/index.ts";
import type { BunLock } from "../../release/index.ts";
import { parseForeignPins } from "./foreign-pins.ts";
import type { Scratch } from "../scratch.ts";

export interface AppLock {
  readonly lock: BunLock;
  /** The app's path below the lockfile's root, as the lockfile's `workspaces` name it. */
  readonly workspace: string;
  /** The file that messages name. */
  readonly where: string;
  /** `name@version`s of another package manager's lockfile. Undefined when nothing was converted. */
  readonly foreign: ReadonlySet<string> | undefined;
  readonly warnings: readonly string[];
}

export interface AppLockOptions {
  readonly app: App;
  readonly sources: Sources;
  readonly bun: Bun;
  readonly environment: Environment;
  /** Owns the private directories of this run. */
  readonly scratch: Scratch;
  readonly registry?: string | undefined;
  /** Names of the externals. Without a lockfile only these are pinned. */
  readonly externals: readonly string[];
}

/**
 * Reads the app's pins.
 * @throws GantryError CONFIG_INVALID when the lockfile is damaged, too new for the Bun, or does not fit package.json
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
  if (sources.kind === "copy") {
    const copy = join(sources.root, relative(app.workspaceRoot, directory), "bun.lock");
    return { ...found, lock: readBunLock(copy, bun, lockfile.path) };
  }
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
    return { ...found, lock: await ensureBunLock(converting) };
  } finally {
    options.scratch.remove(copy);
  }
}

/**
 * Removes a dependency that yarn berry adds. It gives every package with an install script a dependency on
 * `node-gyp@latest` that its package.json does not have. In a release that would be a build tool with sixty packages.
 */
function withoutImplicitNodeGyp(lock: BunLock): BunLock {
  const packages = new Map(lock.packages);
  for (const [key, entry] of packages) {
    if (entry.kind !== "registry" || entry.info.dependencies["node-gyp"] !== "latest") continue;
    const { "node-gyp": _implicit, ...dependencies } = entry.info.dependencies;
    const info = { ...entry.info, dependencies };
    packages.set(key, { ...entry, info, raw: [...entry.raw.slice(0, 2), info, ...entry.raw.slice(3)] });
  }
  return { ...lock, packages };
}

/**
 * The package that the app gets for each external's name, from the installed modules: its own dependency first, else
 * that of the nearest package that is compiled in, else that of another external.
 */
export function readInstalledExternals(
  sources: Sources,
  externals: readonly string[],
): Map<string, InstalledPackage> {
  const { app, packages } = readInstalled(sources.appDir, sources.root);
  const found = new Map<string, InstalledPackage>();
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
  return found;
}

/**
 * An app without a lockfile and without externals: nothing has to be pinned. Modules that are compiled in are those
 * that are installed.
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

/**
 * Without a lockfile: pins the installed externals exactly, and each package that they need when only one version of
 * it is installed.
 */
async function readInstalledPins(options: AppLockOptions): Promise<AppLock> {
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
    const warning = `${app.name} has no lockfile: the release is pinned to the modules that are installed here; commit one`;
    const lock = readBunLock(join(directory, "bun.lock"), bun, where);
    // A private copy was just installed from the registry, which a warning has said already.
    const warnings = [...(sources.kind === "copy" ? [] : [warning]), ...otherVersions(lock, versions)];
    return { lock, workspace: "", where, foreign: undefined, warnings };
  } finally {
    options.scratch.remove(directory);
  }
}

/** Warns about packages of which several versions are installed: the newest version that fits may be another one. */
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
