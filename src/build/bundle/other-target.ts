/**
 * Makes the bundle of another target from a release. The release's package.json and lockfile are completed for that
 * target, and its modules are then installed as in a build for it. This machine cannot load modules of another machine,
 * so an optional module is judged by its files alone.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../base/log.ts";
import {
  bundleCompression,
  type Manifest,
  NAMES,
  type ReleaseLayout,
  runtimeAbi,
  type Target,
} from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { readBunLock, type Bun } from "../app/index.ts";
import { availableClosure, writeLockFiles } from "../lockfile/index.ts";
import { findUnbuilt, installTree, refuseUnbuilt, selectAvailable } from "../tree/index.ts";
import { packBundle, type PackedBundle } from "./pack.ts";
import type { Scratch } from "../scratch.ts";

export interface OtherTargetOptions {
  readonly layout: ReleaseLayout;
  readonly manifest: Manifest;
  readonly target: Target;
  readonly bun: Bun;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly log: Log;
  /** A private directory, in which the bundle is left. */
  readonly work: string;
}

interface ReleasePackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly trustedDependencies?: readonly string[];
}

/**
 * Makes the bundle. Undefined when there are no modules for that target.
 * @throws GantryError MODULE_UNAVAILABLE when a required module has no files for the target; NETWORK_FAILED
 */
export async function makeBundleFor(options: OtherTargetOptions): Promise<PackedBundle | undefined> {
  const { manifest, target, bun, environment, scratch, log, work } = options;
  const locked = await lockForTarget(options);
  log.info(`${target.name}: installing ${locked.closure.length} packages`);
  const directory = join(work, "tree");
  const tree = await installTree({
    release: work,
    directory,
    cache: join(work, "cache"),
    bun: bun.path,
    target,
    closure: locked.closure,
    platformPackages: locked.platformPackages,
    patterns: { keep: manifest.keep ?? [], exclude: manifest.exclude ?? [] },
    runtime: { kind: manifest.runtime.kind, abi: runtimeAbi(manifest.runtime) },
    environment,
  });
  const expected = expectNative(manifest);
  refuseUnbuilt(tree, expected, target);
  const unbuilt = findUnbuilt(tree, expected);
  for (const [name, why] of unbuilt)
    log.warn(`${name} is left out of the bundle for ${target.name}: ${why.reason}`);
  return await packBundle({
    name: manifest.name,
    version: manifest.version,
    target,
    modules: selectAvailable(tree, unbuilt).modules,
    directory: join(directory, NAMES.modules),
    compression: bundleCompression(manifest),
    compressor: { executable: bun.path, environment, scratch },
    file: join(work, "bundle"),
  });
}

/** Writes the target's package.json and bun.lock into the work directory. */
async function lockForTarget(
  options: OtherTargetOptions,
): Promise<Awaited<ReturnType<typeof writeLockFiles>>> {
  const { layout, manifest, target, bun, environment, scratch, log, work } = options;
  const json = JSON.parse(readFileSync(layout.packageJson, "utf8")) as ReleasePackage;
  const lock = readBunLock(layout.lockfile, bun, layout.lockfile);
  const optional = new Set(Object.keys(json.optionalDependencies ?? {}));
  const names = [...Object.keys(json.dependencies ?? {}), ...optional];
  const pins = new Map(names.map((name) => [name, { name, key: name, others: [] }]));
  const completing = { bun, environment, scratch, target, where: layout.lockfile, settingsFrom: layout.root };
  const found = await availableClosure(lock, pins, optional, completing);
  for (const { name, reason } of [...found.unavailable, ...notLocked(manifest, names)])
    log.warn(`${name} is left out of the bundle for ${target.name}: ${reason}`);
  mkdirSync(work, { recursive: true });
  return await writeLockFiles(
    { ...found, optional },
    {
      name: manifest.name,
      version: manifest.version,
      trusted: json.trustedDependencies ?? [],
      bun,
      environment,
      scratch,
      target,
      directory: work,
    },
  );
}

/**
 * Optional externals that the release's lockfile does not contain, because there was nothing for the release's own
 * target.
 */
function notLocked(
  manifest: Manifest,
  locked: readonly string[],
): { readonly name: string; readonly reason: string }[] {
  return manifest.externals
    .filter(({ name, optional }) => optional && !locked.includes(name))
    .map(({ name }) => ({
      name,
      reason: "the release's lockfile does not have it; a build with --vendor takes it from the app's",
    }));
}

/**
 * All externals, each with whether it is native. The manifest does not say that, so it is derived: an external is
 * native when the release has a native file for it, or when the external is unavailable.
 */
function expectNative(manifest: Manifest): Parameters<typeof findUnbuilt>[1] {
  const provided = new Set(manifest.native.flatMap((file) => file.neededBy));
  return manifest.externals.map(({ name, optional, unavailable }) => ({
    name,
    optional,
    native: unavailable !== undefined || provided.has(name),
  }));
}
