/**
 * Makes a target's node_modules on the build machine, by the same frozen installation that a host runs. Checks that no
 * package was skipped: package managers silently leave out an optional package that fails.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { NAMES, readTreeEntry, readTreeFiles, type Target, type TreeModule } from "../../release/index.ts";
import { installFrozen } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { LoadPlace } from "../../compat/index.ts";
import { captureTree, type CapturedTree, type ClosurePackage, type Patterns } from "./capture.ts";

export interface InstallTreeOptions {
  /** Directory with the release's package.json and bun.lock. */
  readonly release: string;
  /** Directory in which node_modules is made. Created when missing. */
  readonly directory: string;
  readonly cache: string;
  readonly bun: string;
  readonly target: Target;
  /** The program that will load the modules. */
  readonly runtime: LoadPlace["runtime"];
  readonly closure: readonly ClosurePackage[];
  /** Paths of packages that a module needs for its native file on this target. */
  readonly platformPackages: readonly string[];
  readonly patterns: Patterns;
  readonly environment: Environment;
  /** Looks at the tree as it was installed. */
  readonly inspect?: (modules: string) => void;
  /** Makes missing native files, before the tree is pruned and hashed. */
  readonly complete?: ((modules: string) => Promise<void>) | undefined;
}

/**
 * Installs the modules, prunes them, and lists and hashes the files that stay.
 * @throws GantryError of installFrozen; MODULE_UNAVAILABLE that names each platform package that was skipped
 */
export async function installTree(options: InstallTreeOptions): Promise<CapturedTree> {
  const { directory, target } = options;
  mkdirSync(directory, { recursive: true });
  for (const name of [NAMES.packageJson, NAMES.lockfile]) {
    copyFileSync(join(options.release, name), join(directory, name));
  }
  const modules = join(directory, NAMES.modules);
  mkdirSync(modules);
  // Bun deletes a lockfile when there is nothing to install (1.4.5).
  if (options.closure.length > 0) {
    await installFrozen({
      executable: options.bun,
      directory,
      cache: options.cache,
      target,
      environment: options.environment,
    });
  }
  options.inspect?.(modules);
  const served = options.complete === undefined ? undefined : readDigests(modules);
  await options.complete?.(modules);
  const place = { ...target, runtime: options.runtime };
  const tree = markMade(captureTree(modules, options.closure, place, options.patterns), served);
  const [first, ...rest] = skippedPackages(tree, options.platformPackages).map(skippedFinding);
  if (first !== undefined) throw new GantryError(first, ...rest);
  return tree;
}

/** Those of `paths`, relative to node_modules and one package each, at which nothing was installed. */
export function skippedPackages(
  { modules, thinned }: Pick<CapturedTree, "modules" | "thinned">,
  paths: readonly string[],
): string[] {
  return paths.filter((path) => modules[path] === undefined && !thinned.has(path));
}

/** Digests of the files by path, as the registry served them, before any script ran. */
function readDigests(modules: string): ReadonlyMap<string, string> {
  return new Map(readTreeFiles(modules).map((file) => [file.path, readTreeEntry(modules, file)[1]]));
}

/**
 * Marks each module with a file that a script made, because only a bundle can provide such a file.
 * @param served the result of readDigests; undefined when no script ran
 */
function markMade(tree: CapturedTree, served: ReadonlyMap<string, string> | undefined): CapturedTree {
  if (served === undefined) return tree;
  const marked = Object.entries(tree.modules).map(([directory, module]): [string, TreeModule] => {
    const made = Object.entries(module.files).some(
      ([path, entry]) => served.get(`${directory}/${path}`) !== entry[1],
    );
    return [directory, made ? { ...module, source: "bundle" } : module];
  });
  return { ...tree, modules: Object.fromEntries(marked) };
}

function skippedFinding(path: string): Finding {
  return {
    code: "MODULE_UNAVAILABLE",
    what: `${path} was not installed: the registry did not deliver it, and it is optional to the package manager`,
    where: `${NAMES.modules}/${path}`,
    fix: "check that the registry has this package and version, then build again",
  };
}
