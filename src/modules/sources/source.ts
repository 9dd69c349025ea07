/**
 * Module sources: what each provides, and the one that uses a package registry. A source only puts files into a work
 * directory; commitTree (src/modules/commit.ts) checks them.
 */
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type ErrorCode } from "../../base/errors.ts";
import { type BunLock, type FileEntry, NAMES, type TreeModule, wantedModules } from "../../release/index.ts";
import { installFrozen, type InstallLimits, type InstallOptions } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import { formatBytes } from "../../base/text.ts";
import { checkLockfile } from "./lockfile-check.ts";
import { isThere, readNames, readOptionalText, unlessRefused } from "../../base/files/index.ts";
import type { Reporter } from "../../base/reporter.ts";
import type { Release } from "../release/unpacked.ts";

export interface SourceContext {
  /** A private directory. The source puts the tree at its `node_modules`; everything else in it is deleted. */
  readonly work: string;
  /** Empties the work directory, before another source is tried. */
  readonly discard: () => void;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

export interface SourceResult {
  /** Warnings and errors of a package manager that succeeded, line by line. */
  readonly complaints: readonly string[];
  /** Files that were hashed while they were written, by path relative to node_modules. */
  readonly written?: ReadonlyMap<string, FileEntry>;
}

export interface ModuleSource {
  /** The end of a progress line, such as "from the registry". */
  readonly description: string;
  /** Puts the tree into the work directory; throws GantryError when it cannot. */
  readonly run: (context: SourceContext) => Promise<SourceResult>;
}

export type PackageManager = "bun" | "npm";

export interface RegistryOptions {
  readonly packageManager: PackageManager;
  readonly registry?: string | undefined;
  readonly environment: Environment;
  /** Codes that are warnings here (GANTRY_SKIP). */
  readonly skip: ReadonlySet<ErrorCode>;
  readonly limits?: InstallLimits | undefined;
}

/** The module source that uses a package registry: with the Bun in the release's program, or with the host's npm. */
export function registrySource(release: Release, options: RegistryOptions): ModuleSource {
  const { packageManager } = options;
  return {
    description: packageManager === "bun" ? "from the registry" : `from the registry, with ${packageManager}`,
    run: async ({ work, reporter, signal }) => {
      const locked = copyLock(release, work);
      const cache = join(work, "cache");
      mkdirSync(cache);
      const install: InstallOptions = {
        executable: release.layout.executable,
        directory: work,
        cache,
        target: release.target,
        environment: options.environment,
        registry: options.registry,
        signal,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      };
      const watch = watchArrivals(release, work, reporter);
      try {
        if (packageManager === "bun") return { complaints: await installFrozen(install) };
        const { installWithNpm } = await import("./npm-install.ts");
        return { complaints: await installWithNpm(release, locked, { ...install, skip: options.skip }) };
      } catch (error) {
        throw blameDisk(error, release, work);
      } finally {
        watch.stop();
      }
    },
  };
}

/**
 * Says how much space is needed when the disk was full. It was full as well when less space is free than the modules
 * take, whatever the package manager says: both Bun and npm may be ended, or give up a download, for want of space.
 */
function blameDisk(error: unknown, release: Release, work: string): unknown {
  const needed = wantedModules(release.manifest).reduce((sum, [, module]) => sum + moduleSize(module), 0);
  const space = statfsSync(work);
  const free = space.bavail * space.bsize;
  if (!(error instanceof GantryError)) return error;
  const { code } = error.findings[0];
  const perhaps = free < needed && (code === "NETWORK_FAILED" || code === "LOAD_CRASHED");
  if (code !== "DISK_FULL" && !perhaps) return error;
  return new GantryError({
    code: "DISK_FULL",
    what: `no space left to install the modules: ${formatBytes(free)} are free`,
    where: release.layout.root,
    fix: `free ${formatBytes(needed * ROOM)}, then start again`,
    ...(error.findings[0].detail === undefined ? {} : { detail: error.findings[0].detail }),
  });
}

/** Space for download cache, unpruned tree and finished tree, as a multiple of the finished tree's size. */
const ROOM = 4;

/**
 * Puts copies of package.json and bun.lock into the work directory.
 * @throws GantryError RELEASE_FILE_MISSING or MANIFEST_INVALID, before any network is touched
 */
function copyLock(release: Release, work: string): BunLock {
  const { packageJson, lockfile } = release.layout;
  const packageText = readReleaseText(packageJson, NAMES.packageJson);
  const lockText = readReleaseText(lockfile, NAMES.lockfile);
  const texts = { packageJson: packageText, lockfile: lockText };
  const checked = checkLockfile(release.manifest, texts, { packageJson, lockfile });
  if ("finding" in checked) throw new GantryError(checked.finding);
  writeFileSync(join(work, NAMES.packageJson), packageText);
  writeFileSync(join(work, NAMES.lockfile), lockText);
  return checked.lock;
}

function readReleaseText(path: string, name: string): string {
  const text = readOptionalText(path);
  if (text !== undefined) return text;
  throw new GantryError({ code: "RELEASE_FILE_MISSING", what: `${name} is not there`, where: path });
}

/** Milliseconds between two looks at the modules that have arrived. */
const LOOK = 250;

/**
 * Reports progress by the modules that have arrived. Package managers keep a download in memory until it is complete, so
 * that a module counts once it is unpacked: in Bun's cache (`name@version@@@1`), or in node_modules.
 */
function watchArrivals(release: Release, work: string, reporter: Reporter): { readonly stop: () => void } {
  const modules = wantedModules(release.manifest);
  const sizes = modules.map(([, module]) => moduleSize(module));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const look = () => {
    const cached = readCacheNames(join(work, "cache"));
    let bytes = 0;
    let current = "";
    for (const [index, [directory, module]] of modules.entries()) {
      const id = `${module.name}@${module.version}@@`;
      if (cached.some((name) => name.startsWith(id)) || isThere(join(work, NAMES.modules, directory))) {
        bytes += sizes[index] ?? 0;
      } else if (current === "") current = module.name;
    }
    reporter.progress({ bytes, total, current });
  };
  const timer = setInterval(look, LOOK);
  return { stop: () => clearInterval(timer) };
}

/** Bytes of all files of a module. */
export function moduleSize(module: TreeModule): number {
  return Object.values(module.files).reduce((sum, [size]) => sum + size, 0);
}

/** Names of packages in Bun's cache, such as `@scope/name@1.0.0@@@1`. */
function readCacheNames(cache: string): string[] {
  return arrived(cache).flatMap((name) =>
    name.startsWith("@") ? arrived(join(cache, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

/** Names in a directory; none when it cannot be read, because progress must not fail an installation. */
function arrived(directory: string): string[] {
  return unlessRefused(() => readNames(directory)) ?? [];
}
