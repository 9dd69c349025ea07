/**
 * Asks the registry, through Bun, for the lockfile entries of exact packages. A private project names each package
 * under an alias, for every platform, and Bun writes the integrity and platform fields of each into a lockfile. For an
 * app with a lockfile, no other part of the build chooses versions of its packages.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { BE_BUN, toolEnvironment } from "../../runtime/index.ts";
import { outputLines, run } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import { copyRegistrySettings, requireBunLock, type Bun } from "../app/index.ts";
import type { RegistryEntry } from "../../release/index.ts";
import type { Scratch } from "../scratch.ts";

export interface PackageRequest {
  readonly name: string;
  /** An exact version, or the range that the dependent asks for. */
  readonly spec: string;
}

export interface RegistryOptions {
  readonly bun: Bun;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly registry?: string | undefined;
  /** Directory with the .npmrc and bunfig.toml that configure the registries. */
  readonly settingsFrom: string;
}

/** The key under which {@link readRegistryEntries} returns the entry of a request. */
export function requestKey(request: PackageRequest): string {
  return `${request.name}@${request.spec}`;
}

/**
 * Reads entries from the registry.
 * @returns entries by {@link requestKey}; packages that the registry does not have are left out
 * @throws GantryError NETWORK_FAILED when the registry cannot be asked
 */
export async function readRegistryEntries(
  requests: readonly PackageRequest[],
  options: RegistryOptions,
): Promise<Map<string, RegistryEntry>> {
  const unique = [...new Map(requests.map((request) => [requestKey(request), request])).values()];
  if (unique.length === 0) return new Map();
  const directory = options.scratch.makePrivate();
  try {
    return await resolveAliases(unique, directory, options);
  } finally {
    options.scratch.remove(directory);
  }
}

async function resolveAliases(
  requests: readonly PackageRequest[],
  directory: string,
  options: RegistryOptions,
): Promise<Map<string, RegistryEntry>> {
  copyRegistrySettings(options.settingsFrom, directory);
  const aliases = requests.map(({ name, spec }, index) => [
    `p${index}`,
    spec.startsWith("npm:") ? spec : `npm:${name}@${spec}`,
  ]);
  // They are optional dependencies, so that one unpublished version does not make the others fail.
  const json = { name: "gantry-scratch", private: true, optionalDependencies: Object.fromEntries(aliases) };
  writeFileSync(join(directory, "package.json"), JSON.stringify(json));
  const args = [
    "install",
    "--lockfile-only",
    "--save-text-lockfile",
    "--ignore-scripts",
    "--no-progress",
    "--os=*",
    "--cpu=*",
  ];
  const registry = options.registry === undefined ? [] : [`--registry=${options.registry}`];
  const environment = toolEnvironment(options.environment, { ...BE_BUN, BUN_CONFIG_HTTP_RETRY_COUNT: "2" });
  const result = await run(options.bun.path, [...args, ...registry], { cwd: directory, environment });
  const said = outputLines(result.stderr);
  const failed = said.filter((line) => /downloading package manifest| - 5\d\d$/.test(line));
  if (result.code !== 0 || failed.length > 0) {
    throw new GantryError({
      code: "NETWORK_FAILED",
      what: "the package registry could not be asked for packages that the app's lockfile does not list",
      detail: (failed.length > 0 ? failed : said).slice(0, 5),
      fix: "check the network and build again",
    });
  }
  const lock = requireBunLock(readFileSync(join(directory, "bun.lock"), "utf8"), join(directory, "bun.lock"));
  const found = new Map<string, RegistryEntry>();
  for (const [index, request] of requests.entries()) {
    const entry = lock.packages.get(`p${index}`);
    if (entry?.kind === "registry") found.set(requestKey(request), entry);
  }
  return found;
}
