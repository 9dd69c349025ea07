/**
 * The minimal package.json and bun.lock of a release: the externals at the exact versions that the app's lockfile
 * gives this app, and what they need on the target. Written by the Bun that is compiled in, proven readable by it,
 * and compared pin by pin with the app's lockfile before anything is handed over. A range is never written.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../errors.ts";
import type { Target } from "../../release/targets.ts";
import type { Environment } from "../../runtime/invoke.ts";
import { platformRefusal } from "../analyze/platform.ts";
import type { App } from "../app/app.ts";
import type { Bun } from "../app/bun.ts";
import type { Sources } from "../app/sources.ts";
import { readAppLock, type AppLock } from "./app-lock.ts";
import { splitKey, type BunLock } from "./bun-lock.ts";
import { fieldsOf, findPins, walkClosure, type Closure, type LeftOut, type Pin } from "./closure.ts";
import { completeClosure } from "./complete.ts";
import { checkForeignPins, refuseChangedInstall, refuseForeignSource, refusePatched } from "./refusals.ts";
import { readPatches } from "./patches.ts";
import { findUnavailable, type Unavailable } from "./unavailable.ts";
import { readTrusted } from "./trusted.ts";
import { rewriteLock } from "./rewrite.ts";

export interface ReleaseLockOptions {
  readonly app: App;
  readonly sources: Sources;
  readonly externals: readonly { readonly name: string; readonly optional: boolean }[];
  readonly target: Target;
  /** The Bun that is compiled in. */
  readonly bun: Bun;
  /** Receives package.json and bun.lock; it must exist. */
  readonly directory: string;
  readonly environment: Environment;
  readonly registry?: string | undefined;
}

interface ClosureModule {
  /** Its directory relative to node_modules: `libsql`, `a/node_modules/b`. */
  readonly path: string;
  /** The package's own name, which an alias's path does not show. */
  readonly name: string;
  readonly version: string;
  /** Names of the externals that need it, sorted; an external needs itself. */
  readonly neededBy: readonly string[];
}

export interface ReleaseLock {
  /** Exact versions of the required externals, sorted by name; an alias is `npm:name@version`. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  /** Everything the lock holds, sorted by path. */
  readonly closure: readonly ClosureModule[];
  /** Paths of the closure that the target must have: package managers skip a missing optional one in silence. */
  readonly platformPackages: readonly string[];
  /** Packages for other platforms that the app's lockfile has and the release's has not. */
  readonly leftOut: readonly LeftOut[];
  /** Optional externals that there is nothing of for this target; they are in neither file. */
  readonly unavailable: readonly Unavailable[];
  readonly warnings: readonly string[];
}

/**
 * Writes both files.
 * @throws GantryError CONFIG_INVALID for a lockfile that does not fit, a patched external, one from git, a file or a
 *   tarball, or one whose installed version is not the locked one; MODULE_UNAVAILABLE when a required external has no
 *   package for the target; NETWORK_FAILED when the registry is needed and cannot be asked
 */
export async function writeReleaseLock(options: ReleaseLockOptions): Promise<ReleaseLock> {
  const { app, sources, bun, environment, registry, target } = options;
  const names = options.externals.map((external) => external.name).toSorted();
  const asking = { app, sources, bun, environment, registry, externals: names };
  const appLock = await readAppLock(asking);
  const pins = findPins(appLock.lock, appLock.workspace, new Set(names));
  refuseUnpinned(names, pins, appLock.where);
  refuseForeignSource(appLock.lock, [...pins.values()], appLock.where);
  refuseChangedInstall(options, appLock.lock, pins);
  const completing = {
    bun,
    environment,
    registry,
    target,
    where: appLock.where,
    settingsFrom: app.workspaceRoot,
  };
  const optional = new Set(options.externals.filter((external) => external.optional).map(({ name }) => name));
  const { lock, roots, closure, leftOut, unavailable, added } = await availableClosure(
    appLock.lock,
    pins,
    optional,
    completing,
  );
  refuseForeignSource(
    lock,
    [...closure.nodes.keys()].map((key) => ({ name: key, key })),
    appLock.where,
  );
  refusePatched(await readPatches(app, appLock.lock), closure);
  checkForeignPins(appLock, closure, new Set(added));
  const written = await writeFiles(options, { lock, roots, closure, optional });
  return Object.freeze({
    ...written,
    leftOut: leftOut.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    unavailable,
    warnings: [
      ...appLock.warnings,
      ...pinWarnings(appLock, pins),
      ...added.map((id) => `${id} is not in the app's lockfile: taken from the registry for ${target.name}`),
    ],
  });
}

function refuseUnpinned(names: readonly string[], pins: ReadonlyMap<string, Pin>, where: string): void {
  const [first, ...rest] = names
    .filter((name) => !pins.has(name))
    .map((name): Finding => ({
      code: "CONFIG_INVALID",
      what: `${name} is external, but nothing that the app needs in production depends on it`,
      where,
      fix: `add it to "dependencies", or take it out of "gantry.externals"`,
    }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

interface AvailableClosure {
  readonly lock: BunLock;
  /** Names to keys. */
  readonly roots: ReadonlyMap<string, string>;
  readonly closure: Closure;
  readonly leftOut: readonly LeftOut[];
  readonly unavailable: readonly Unavailable[];
  readonly added: readonly string[];
}

/** Completes the closure for the target, and does without optional externals that have nothing for it. */
async function availableClosure(
  lock: BunLock,
  pins: ReadonlyMap<string, Pin>,
  optional: ReadonlySet<string>,
  options: Parameters<typeof completeClosure>[2],
): Promise<AvailableClosure> {
  const { target } = options;
  const refused = [...pins.values()].flatMap((pin): Unavailable[] => {
    const entry = lock.packages.get(pin.key);
    const reason = entry === undefined ? undefined : platformRefusal(pin.name, fieldsOf(entry), target);
    return reason === undefined
      ? []
      : [{ name: pin.name, reason: `${pin.name} is ${reason}, not for ${target.name}` }];
  });
  const willing = [...pins.values()].filter((pin) => !refused.some(({ name }) => name === pin.name));
  const completed = await completeClosure(
    lock,
    willing.map((pin) => pin.key),
    options,
  );
  const unavailable = [...refused, ...findUnavailable(completed, willing, target)];
  const lost = unavailable.filter(({ name }) => !optional.has(name));
  const [first, ...rest] = lost.map(({ reason }): Finding => ({
    code: "MODULE_UNAVAILABLE",
    what: reason,
    where: options.where,
    fix: `use a version of it that is made for ${target.name}, build for another target, or list it in "gantry.optional" if the app starts without it`,
  }));
  if (first !== undefined) throw new GantryError(first, ...rest);
  const gone = new Set(unavailable.map(({ name }) => name));
  const roots = new Map(willing.filter((pin) => !gone.has(pin.name)).map((pin) => [pin.name, pin.key]));
  const closure = walkClosure(completed.lock, [...roots.values()], target);
  return {
    lock: completed.lock,
    roots,
    closure,
    leftOut: closure.leftOut,
    unavailable,
    added: completed.added,
  };
}

async function writeFiles(
  options: ReleaseLockOptions,
  found: Pick<AvailableClosure, "lock" | "roots" | "closure"> & { readonly optional: ReadonlySet<string> },
): Promise<Pick<ReleaseLock, "dependencies" | "optionalDependencies" | "closure" | "platformPackages">> {
  const { app, sources, bun, environment, target, directory } = options;
  const specs = (optional: boolean): Record<string, string> =>
    Object.fromEntries(
      [...found.roots]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .filter(([name]) => found.optional.has(name) === optional)
        .map(([name, key]) => [name, exactSpec(found.lock, name, key)]),
    );
  const [dependencies, optionalDependencies] = [specs(false), specs(true)];
  const trusted = readTrusted(sources, found.closure);
  const packageJson = {
    name: app.name,
    version: app.version,
    private: true,
    dependencies,
    ...(Object.keys(optionalDependencies).length === 0 ? {} : { optionalDependencies }),
    trustedDependencies: trusted,
    ...(trusted.length === 0
      ? {}
      : { allowScripts: Object.fromEntries(trusted.map((name) => [name, true])) }),
  };
  const rewritten = await rewriteLock({ ...found, packageJson, bun, environment, target });
  writeFileSync(join(directory, "package.json"), rewritten.packageJson);
  writeFileSync(join(directory, "bun.lock"), rewritten.text);
  const platform = new Set(rewritten.closure.platform);
  const modules = closureModules(rewritten.lock, [...found.roots.keys()], target);
  const platformPackages = modules.filter((module) => platform.has(module.key)).map((module) => module.path);
  return {
    dependencies,
    optionalDependencies,
    closure: modules.map(({ key: _key, ...module }) => module),
    platformPackages,
  };
}

function exactSpec(lock: BunLock, name: string, key: string): string {
  const entry = lock.packages.get(key);
  if (entry?.kind !== "registry") throw new TypeError(`${key} has no exact version`);
  return entry.name === name ? entry.version : `npm:${entry.name}@${entry.version}`;
}

function closureModules(
  lock: BunLock,
  roots: readonly string[],
  target: Target,
): (ClosureModule & { readonly key: string })[] {
  const needed = new Map<string, string[]>();
  for (const root of roots) {
    for (const key of walkClosure(lock, [root], target).nodes.keys())
      needed.set(key, [...(needed.get(key) ?? []), root]);
  }
  return [...needed]
    .flatMap(([key, neededBy]) => {
      const entry = lock.packages.get(key);
      if (entry?.kind !== "registry") return [];
      const path = splitKey(key).join("/node_modules/");
      return [{ key, path, name: entry.name, version: entry.version, neededBy: neededBy.toSorted() }];
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Parts of the app that would get another version: in a release there is one of each external. */
function pinWarnings(appLock: AppLock, pins: ReadonlyMap<string, Pin>): string[] {
  return [...pins.values()].flatMap((pin) => {
    if (pin.others.length === 0) return [];
    const entry = appLock.lock.packages.get(pin.key);
    const version = entry?.kind === "registry" ? entry.version : "";
    return [
      `${pin.name} ${version} goes into the release for every part of the app, instead of ${pin.others.join(", ")}`,
    ];
  });
}
