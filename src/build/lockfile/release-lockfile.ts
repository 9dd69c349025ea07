/**
 * Writes the minimal package.json and bun.lock of a release: the externals at the exact versions of the app's lockfile,
 * and what they need on the target. The build's Bun writes and reads the lockfile. Every version is compared with the
 * app's before the result is returned. package.json never gets a range of versions.
 */
import { GantryError, type Finding } from "../../base/errors.ts";
import type { Target } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { App, Bun, Sources } from "../app/index.ts";
import { readAppLock, type AppLock } from "./app/index.ts";
import { findPins, pinUndeclared, type LeftOut, type Pin } from "./package-closure.ts";
import { checkForeignPins, refuseChangedInstall, refuseForeignSource, refusePatched } from "./refusals.ts";
import { readPatches } from "./patches.ts";
import { readTrusted } from "./trusted-dependencies.ts";
import { availableClosure, writeLockFiles, type LockFiles } from "./target-lockfile.ts";
import type { Unavailable } from "./unavailable.ts";
import type { Scratch } from "../scratch.ts";

export interface ReleaseLockOptions {
  readonly app: App;
  readonly sources: Sources;
  readonly externals: readonly {
    readonly name: string;
    readonly optional: boolean;
    /** The installed version. It finds a package that no dependency of the app leads to. */
    readonly version?: string;
  }[];
  readonly target: Target;
  /** The Bun that builds. It is compiled into an app that runs on Bun. */
  readonly bun: Bun;
  /** Existing directory for package.json and bun.lock. */
  readonly directory: string;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly registry?: string | undefined;
}

export interface ReleaseLock extends LockFiles {
  /** Packages for other platforms. They are in the app's lockfile and not in the release's. */
  readonly leftOut: readonly LeftOut[];
  /** Optional externals that have no files for this target. They are in neither of the two files. */
  readonly unavailable: readonly Unavailable[];
  readonly warnings: readonly string[];
}

/**
 * Writes package.json and bun.lock.
 * @throws GantryError CONFIG_INVALID for a lockfile that does not fit, for a package that is patched or comes from git,
 *   a file or a tarball, and for an external whose installed version is not the lockfile's; MODULE_UNAVAILABLE when a
 *   required external has no package for the target; NETWORK_FAILED when the registry is needed and cannot be asked
 */
export async function writeReleaseLock(options: ReleaseLockOptions): Promise<ReleaseLock> {
  const { app, sources, bun, environment, scratch, registry, target } = options;
  const names = options.externals.map((external) => external.name).toSorted();
  const asking = { app, sources, bun, environment, scratch, registry, externals: names };
  const appLock = await readAppLock(asking);
  const pins = findPins(appLock.lock, appLock.workspace, new Set(names));
  pinUndeclared(appLock.lock, options.externals, pins);
  refuseUnpinned(names, pins, appLock.where);
  refuseForeignSource(appLock.lock, [...pins.values()], appLock.where);
  refuseChangedInstall(options, appLock.lock, pins);
  const completing = {
    bun,
    environment,
    scratch,
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
  const written = await writeLockFiles(
    { lock, roots, closure, optional },
    {
      name: app.name,
      version: app.version,
      trusted: readTrusted(sources, closure),
      bun,
      environment,
      scratch,
      target,
      directory: options.directory,
    },
  );
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

/** Warns about parts of the app that use another version of an external, because a release has one version of each. */
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
