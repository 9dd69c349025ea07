/**
 * Installs the modules with the host's own npm: for GANTRY_PACKAGE_MANAGER=npm, and for Node releases. npm gets a
 * package-lock.json made from bun.lock, with the same versions and hashes, so that it resolves nothing.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type ErrorCode } from "../../base/errors.ts";
import { type BunLock, lockKey, NAMES, wantedModules } from "../../release/index.ts";
import { INSTALL_LIMITS, type InstallOptions, keptEnvironment, runInstaller } from "../../runtime/index.ts";
import { unsafeLine } from "../../trust/index.ts";
import { readProgramPath } from "../../base/process/index.ts";
import { readUnsafeProgram } from "../../trust/index.ts";
import type { Release } from "../release/unpacked.ts";

/**
 * Runs `npm ci` in the work directory.
 * @returns error lines that npm printed although it succeeded; its warnings are left out
 * @throws GantryError CONFIG_INVALID without an npm, STORE_UNSAFE for one that others can change; what runInstaller
 *   throws
 */
export async function installWithNpm(
  release: Release,
  lock: BunLock,
  options: InstallOptions & { readonly skip: ReadonlySet<ErrorCode> },
): Promise<readonly string[]> {
  const npm = readProgramPath("npm", options.environment);
  if (npm === undefined) {
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: "GANTRY_PACKAGE_MANAGER is npm, and there is no npm on the PATH",
      fix: "unset GANTRY_PACKAGE_MANAGER (the release brings its own package manager), or install npm",
    });
  }
  // npm is a script that the first node on the PATH runs.
  const node = readProgramPath("node", options.environment);
  const unsafe = readUnsafeProgram(node === undefined ? [npm] : [npm, node]);
  if (unsafe !== undefined && !options.skip.has("STORE_UNSAFE")) {
    throw new GantryError({
      code: "STORE_UNSAFE",
      what: `npm would run what others can change: ${unsafeLine(unsafe)}`,
      where: unsafe.entry.path,
      fix: "put an npm and a node first on the PATH that nobody but root and this user can change, as PATH=/usr/local/bin:/usr/bin:/bin does where they are in there",
    });
  }
  const { packageJson, packageLock } = planPackageLock(release, lock);
  writeFileSync(join(options.directory, NAMES.packageJson), packageJson);
  writeFileSync(join(options.directory, "package-lock.json"), packageLock);
  rmSync(join(options.directory, NAMES.lockfile));
  const limits = options.limits ?? INSTALL_LIMITS;
  const seconds = limits.idle * 1000;
  const args = [
    "ci",
    "--ignore-scripts",
    "--omit=dev",
    // Without it, a package.json in a parent directory whose `workspaces` match this one would take over.
    "--no-workspaces",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--install-strategy=hoisted",
    `--cache=${options.cache}`,
    `--os=${release.target.os}`,
    `--cpu=${release.target.arch}`,
    ...(release.target.libc === undefined
      ? []
      : [`--libc=${release.target.libc === "gnu" ? "glibc" : "musl"}`]),
    `--fetch-retries=${limits.retries}`,
    `--fetch-timeout=${seconds}`,
    ...(options.registry === undefined ? [] : [`--registry=${options.registry}`]),
  ];
  const command = { file: npm, args, environment: keptEnvironment(options.environment) };
  return runInstaller(command, options, limits.hang);
}

/**
 * Makes a package-lock.json (lockfileVersion 3) with bun.lock's versions and hashes, and a package.json for it. The
 * lock has only the manifest's modules, and their dependencies on other packages are left out, so that npm looks
 * nothing up. What the tarball of another package brings is marked, or npm would fetch it by itself.
 */
export function planPackageLock(
  release: Pick<Release, "manifest">,
  lock: BunLock,
): { readonly packageJson: string; readonly packageLock: string } {
  const { name, version } = release.manifest;
  const modules = wantedModules(release.manifest);
  const names = new Set(modules.map(([directory]) => directory.split("node_modules/").at(-1) ?? directory));
  const only = (dependencies: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(dependencies).filter(([dependency]) => names.has(dependency)));
  const direct = Object.fromEntries(
    release.manifest.externals
      .filter((external) => names.has(external.name))
      .map((external) => [
        external.name,
        release.manifest.modules[external.name]?.version ?? external.version,
      ]),
  );
  const packages: Record<string, unknown> = { "": { name, version, dependencies: direct } };
  for (const [directory, module] of modules) {
    const entry = lock.packages.get(lockKey(directory));
    const pin = entry?.kind === "registry" ? entry : undefined;
    packages[`node_modules/${directory}`] = {
      version: module.version,
      ...(pin === undefined || pin.integrity === "" ? {} : { integrity: pin.integrity }),
      dependencies: only(pin?.info.dependencies ?? {}),
      optionalDependencies: only(pin?.info.optionalDependencies ?? {}),
      ...(pin?.info.bundled === true ? { inBundle: true } : {}),
    };
  }
  const root = { name, version, private: true, dependencies: direct };
  const packageLock = { name, version, lockfileVersion: 3, requires: true, packages };
  return { packageJson: JSON.stringify(root, null, 1), packageLock: JSON.stringify(packageLock, null, 1) };
}
