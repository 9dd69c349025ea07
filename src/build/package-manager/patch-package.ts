/**
 * Applies the patches of patch-package in a private copy. They are applied by the app's own install script, which an
 * installation without scripts does not run. pnpm, yarn and Bun apply their own kinds of patches when they install.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PackageJson } from "pkg-types";
import type { Environment } from "../../base/environment.ts";
import { GantryError } from "../../base/errors.ts";
import { outputLines, run } from "../../base/process/index.ts";
import { managerEnvironment } from "./find-package-manager.ts";

/** The scripts of an app that package managers run after they have installed its packages. */
const AFTER = ["install", "postinstall", "prepare", "postprepare"] as const;

/**
 * Runs patch-package for each directory whose own scripts call it.
 * @param directories those of the workspace root and of the app, in the private copy
 * @param root the workspace root in the private copy
 * @param context `where`: the app's directory, for messages
 * @throws GantryError CONFIG_INVALID when a patch cannot be applied
 */
export async function applyPatches(
  directories: Iterable<string>,
  root: string,
  { environment, where }: { readonly environment: Environment; readonly where: string },
): Promise<void> {
  for (const directory of new Set(directories)) {
    const args = readCall(directory);
    const program = [directory, root]
      .map((place) => join(place, "node_modules", ".bin", "patch-package"))
      .find((file) => existsSync(file));
    if (args === undefined || program === undefined) continue;
    const environmentOf = managerEnvironment(environment);
    const result = await run(program, [...args, "--error-on-fail"], {
      cwd: directory,
      environment: environmentOf,
    });
    if (result.code === 0) continue;
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: "patch-package could not apply the app's patches",
      where,
      detail: outputLines(result.stdout, result.stderr).slice(0, 8),
      fix: "make the patches for the versions in the lockfile again: npx patch-package NAME",
    });
  }
}

/** Whether a directory's own scripts call patch-package. */
export function callsPatchPackage(directories: readonly string[]): boolean {
  return directories.some((directory) => readCall(directory) !== undefined);
}

/** The arguments of the call in the app's scripts; undefined when no script calls patch-package. */
function readCall(directory: string): string[] | undefined {
  const { scripts } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as PackageJson;
  for (const name of AFTER) {
    const call = /(?:^|[\s;&|])patch-package\b([^;&|]*)/.exec(String(scripts?.[name] ?? ""));
    if (call !== null)
      return (call[1] ?? "").split(/\s+/).filter((word) => word !== "" && word !== "--error-on-fail");
  }
  return undefined;
}
