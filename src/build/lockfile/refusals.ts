/**
 * Refuses a release's lockfile for versions that a host could not fetch, or that differ from what the developer runs.
 * Each message names both sides of the contradiction and a fix.
 */
import { GantryError, type Finding } from "../../base/errors.ts";
import { LOCKFILE_OWNERS, type App, type Sources } from "../app/index.ts";
import { readInstalledExternals, type AppLock } from "./app/index.ts";
import type { BunLock } from "../../release/index.ts";
import type { Closure, Pin } from "./package-closure.ts";

/**
 * Refuses packages that no registry serves.
 * @throws GantryError CONFIG_INVALID for each package that comes from git, a file, a tarball or the workspace
 */
export function refuseForeignSource(
  lock: BunLock,
  pins: readonly Pick<Pin, "name" | "key">[],
  where: string,
): void {
  throwAll(
    pins.flatMap(({ name, key }): Finding[] => {
      const entry = lock.packages.get(key);
      if (entry === undefined || entry.kind === "registry") return [];
      return [
        {
          code: "CONFIG_INVALID",
          what: `${name} comes from ${entry.source}: a host can fetch only what a registry serves`,
          where,
          fix: "publish it to a registry and depend on that version",
        },
      ];
    }),
  );
}

/**
 * Compares the installed versions of the externals with the lockfile: the developer ran the app with the installed
 * ones, and the release gets those of the lockfile.
 * @throws GantryError CONFIG_INVALID for each external whose versions differ
 */
export function refuseChangedInstall(
  { app, sources }: { readonly app: App; readonly sources: Sources },
  lock: BunLock,
  pins: ReadonlyMap<string, Pin>,
): void {
  if (sources.kind !== "in-place" || app.lockfile === undefined) return;
  const { kind } = app.lockfile;
  const installed = readInstalledExternals(sources, [...pins.keys()]);
  throwAll(
    [...pins.values()].flatMap((pin): Finding[] => {
      const entry = lock.packages.get(pin.key);
      const found = installed.get(pin.name);
      if (entry?.kind !== "registry" || found === undefined || found.version === entry.version) return [];
      return [
        {
          code: "CONFIG_INVALID",
          what: `${pin.name} ${found.version} is installed, but ${kind} says ${entry.version}`,
          where: found.dir,
          fix: `run "${LOCKFILE_OWNERS[kind]} install" in ${app.workspaceRoot}`,
        },
      ];
    }),
  );
}

/**
 * Refuses packages that the app patches.
 * @param patches the result of readPatches
 * @throws GantryError CONFIG_INVALID for each patched package of the closure
 */
export function refusePatched(patches: ReadonlyMap<string, string>, closure: Closure): void {
  const names = new Set([...closure.nodes.values()].map((node) => node.entry.name));
  throwAll(
    [...patches].flatMap(([name, source]): Finding[] => {
      if (!names.has(name)) return [];
      return [
        {
          code: "CONFIG_INVALID",
          what: `${name} is patched, and a host would install it unpatched`,
          where: source,
          fix: `publish the patched package under a name of its own and depend on it as "${name}": "npm:NAME@VERSION"`,
        },
      ];
    }),
  );
}

/**
 * Checks that the conversion of another package manager's lockfile added no version.
 * @param added packages that gantry added itself, each as `name@version`
 * @throws GantryError CONFIG_INVALID with the versions that the original lockfile does not have
 */
export function checkForeignPins(appLock: AppLock, closure: Closure, added: ReadonlySet<string>): void {
  const { foreign } = appLock;
  if (foreign === undefined) return;
  const invented = [...closure.nodes.values()].flatMap(({ entry }) => {
    if (entry.kind !== "registry") return [];
    const id = `${entry.name}@${entry.version}`;
    return foreign.has(id) || added.has(id) ? [] : [id];
  });
  if (invented.length === 0) return;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: "Bun's conversion of the lockfile has versions that the lockfile itself has not",
    where: appLock.where,
    detail: invented.slice(0, 8),
    fix: 'run "bun pm migrate", look at the bun.lock that it writes, and commit it',
  });
}

function throwAll(findings: readonly Finding[]): void {
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}
