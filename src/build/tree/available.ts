/** Finds which externals have their native files in a target's tree, and makes the tree without the others. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import type { ExternalModule, Target } from "../../release/index.ts";
import type { CapturedTree } from "./capture.ts";

/** Why an optional external is not in the release. */
export type Unavailable = NonNullable<ExternalModule["unavailable"]>;

/**
 * Refuses a tree in which a required native external has no native file. For a target whose modules cannot be loaded on
 * this machine.
 * @throws GantryError MODULE_UNAVAILABLE
 */
export function refuseUnbuilt(
  tree: CapturedTree,
  externals: readonly { readonly name: string; readonly optional: boolean; readonly native: boolean }[],
  target: Target,
): void {
  const provided = new Set(tree.native.flatMap((file) => file.neededBy));
  const unbuilt = externals.filter(
    ({ name, optional, native }) => !optional && native && !provided.has(name),
  );
  const [first, ...rest] = unbuilt.map(({ name }): Finding => ({
    code: "MODULE_UNAVAILABLE",
    what: `${name} has no native file for ${target.name}: its install script makes one only on such a machine`,
    fix: `build on a ${target.name} machine with --vendor and take the bundle from there, or use a version of ${name} that carries its native files`,
  }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Finds optional native externals without a native file among the packages that they need. Only an install script could
 * have made it.
 */
export function findUnbuilt(
  tree: CapturedTree,
  externals: readonly { readonly name: string; readonly optional: boolean; readonly native: boolean }[],
): Map<string, Unavailable> {
  const provided = new Set(tree.native.flatMap((file) => file.neededBy));
  const unbuilt = externals.filter(({ name, optional, native }) => optional && native && !provided.has(name));
  const reason = "it has no native file for this target, and no install script made one here";
  const fix =
    'The app starts without it; to have it, list it in "trustedDependencies" and build on a machine of that kind';
  return new Map(unbuilt.map(({ name }) => [name, { reason, fix }]));
}

/**
 * The tree without packages that only unavailable externals need. The files of these packages are removed from the
 * disk.
 * @param directory the tree's node_modules
 */
export function dropUnavailable(
  tree: CapturedTree,
  directory: string,
  unavailable: ReadonlyMap<string, Unavailable>,
): CapturedTree {
  const selected = selectAvailable(tree, unavailable);
  for (const [path, module] of Object.entries(tree.modules)) {
    if (selected.modules[path] !== undefined) continue;
    for (const file of Object.keys(module.files)) rmSync(join(directory, path, file));
  }
  return selected;
}

/** The same as {@link dropUnavailable}, but without removing files. */
export function selectAvailable(
  tree: CapturedTree,
  unavailable: ReadonlyMap<string, Unavailable>,
): CapturedTree {
  const needed = (neededBy: readonly string[]): string[] => neededBy.filter((name) => !unavailable.has(name));
  const modules: CapturedTree["modules"] = {};
  for (const [path, module] of Object.entries(tree.modules)) {
    const neededBy = needed(module.neededBy);
    if (neededBy.length > 0) modules[path] = { ...module, neededBy };
  }
  const native = tree.native
    .map(({ path, neededBy }) => ({ path, neededBy: needed(neededBy) }))
    .filter(({ neededBy }) => neededBy.length > 0);
  return { ...tree, modules, native };
}
