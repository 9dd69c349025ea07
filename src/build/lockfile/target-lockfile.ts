/**
 * Writes the part of a lockfile that a target needs, as a release's package.json and bun.lock. When the lockfile was
 * made on another platform, missing packages are added from the registry. Optional externals without files for the
 * target are left out.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { type BunLock, splitKey, type Target } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { platformRefusal } from "../analyze/index.ts";
import type { Bun } from "../app/index.ts";
import { fieldsOf, walkClosure, type Closure, type LeftOut, type Pin } from "./package-closure.ts";
import { completeClosure, type CompleteOptions } from "./complete.ts";
import { rewriteLock } from "./rewrite.ts";
import { findUnavailable, type Unavailable } from "./unavailable.ts";
import type { Scratch } from "../scratch.ts";

interface ClosureModule {
  /** Its directory relative to node_modules: `libsql`, `a/node_modules/b`. */
  readonly path: string;
  /** The package's own name. The path of an alias does not contain it. */
  readonly name: string;
  readonly version: string;
  /** Names of the externals that need it, sorted. An external is in its own list. */
  readonly neededBy: readonly string[];
}

interface AvailableClosure {
  readonly lock: BunLock;
  /** Names of the available externals to their keys in `lock`. */
  readonly roots: ReadonlyMap<string, string>;
  readonly closure: Closure;
  readonly leftOut: readonly LeftOut[];
  readonly unavailable: readonly Unavailable[];
  readonly added: readonly string[];
}

/**
 * Adds missing packages for the target to the closure, and leaves out optional externals that have no files for it.
 * @throws GantryError MODULE_UNAVAILABLE when a required external has no files for it; the errors of completeClosure
 */
export async function availableClosure(
  lock: BunLock,
  pins: ReadonlyMap<string, Pin>,
  optional: ReadonlySet<string>,
  options: CompleteOptions,
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

export interface LockFileOptions {
  /** Name of the app. */
  readonly name: string;
  readonly version: string;
  /** Names of the packages whose install scripts make native files. */
  readonly trusted: readonly string[];
  readonly bun: Bun;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly target: Target;
  /** Existing directory for package.json and bun.lock. */
  readonly directory: string;
}

export interface LockFiles {
  /** Exact versions of the required externals, sorted by name. That of an alias is `npm:name@version`. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  /** All packages of the lockfile, sorted by path. */
  readonly closure: readonly ClosureModule[];
  /**
   * Paths of packages that must be installed for the target. Package managers skip a missing optional package silently.
   */
  readonly platformPackages: readonly string[];
}

/** Writes package.json and bun.lock. The lockfile is in Bun's own form. */
export async function writeLockFiles(
  found: Pick<AvailableClosure, "lock" | "roots" | "closure"> & { readonly optional: ReadonlySet<string> },
  options: LockFileOptions,
): Promise<LockFiles> {
  const { bun, environment, scratch, target, directory, trusted } = options;
  const specs = (optional: boolean): Record<string, string> =>
    Object.fromEntries(
      [...found.roots]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .filter(([name]) => found.optional.has(name) === optional)
        .map(([name, key]) => [name, exactSpec(found.lock, name, key)]),
    );
  const [dependencies, optionalDependencies] = [specs(false), specs(true)];
  const packageJson = {
    name: options.name,
    version: options.version,
    private: true,
    dependencies,
    ...(Object.keys(optionalDependencies).length === 0 ? {} : { optionalDependencies }),
    trustedDependencies: trusted,
    ...(trusted.length === 0
      ? {}
      : { allowScripts: Object.fromEntries(trusted.map((name) => [name, true])) }),
  };
  const rewritten = await rewriteLock({ ...found, packageJson, bun, environment, scratch, target });
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
