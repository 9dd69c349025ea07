/** Finds which externals have their native files in a target's tree, and makes the tree without the others. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { NAMES, type ExternalModule, type Target } from "../../release/index.ts";
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
  const [first, ...rest] = unbuilt.map(
    ({ name }): Finding =>
      describeUnserved(tree, name, target) ?? {
        code: "MODULE_UNAVAILABLE",
        what: `${name} has no native file for ${target.name}: its install script makes one only on such a machine`,
        fix: `build on a ${target.name} machine with --vendor and take the bundle from there, or use a version of ${name} that carries its native files`,
      },
  );
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * A finding about a package that an external needs and of which every native file was made for something else. Undefined
 * when there is none.
 */
export function describeUnserved(
  { unserved }: Pick<CapturedTree, "unserved">,
  external: string,
  target: Target,
): Finding | undefined {
  const lacking = unserved.find(({ neededBy }) => neededBy.includes(external));
  if (lacking === undefined) return undefined;
  const { path, name, version, has } = lacking;
  return {
    code: "MODULE_UNAVAILABLE",
    what: `${name} ${version} has no native file for ${target.name} and this runtime: it has ${has.join(", ")}`,
    where: `${NAMES.modules}/${path}`,
    fix: `use a version of ${name} that has one; or let its install script make one ("trustedDependencies"), on a ${target.name} machine; or list ${external} in "gantry.optional" when the app starts without it`,
  };
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
 * Checks optional externals that every start of the app loads, because an `import` statement names them.
 * @param atStart such externals, each with the file that imports it
 * @returns a warning for each that is there, because a host may lack it
 * @throws GantryError MODULE_UNAVAILABLE with each that the release does not have: the app would not start
 */
export function refuseNeededAtStart(
  externals: readonly Pick<ExternalModule, "name" | "optional" | "unavailable">[],
  atStart: ReadonlyMap<string, string>,
  target: Target,
): string[] {
  const warnings: string[] = [];
  const findings: Finding[] = [];
  for (const { name, optional, unavailable } of externals) {
    const where = atStart.get(name);
    if (!optional || where === undefined) continue;
    const fix = `load it by "await import('${name}')" in a try, and do without it in the catch`;
    if (unavailable === undefined) {
      warnings.push(
        `${name} is optional, but an import statement in ${where} loads it at every start: where it is missing, the app does not start; ${fix}`,
      );
    } else {
      const what = `${name} is optional and not to be had for ${target.name}, and an import statement loads it at every start: ${unavailable.reason}`;
      findings.push({ code: "MODULE_UNAVAILABLE", what, where, fix });
    }
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  return warnings;
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
