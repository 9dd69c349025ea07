/** Which externals a target's tree can really provide, and the tree without the others. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ExternalModule } from "../../release/manifest.ts";
import type { CapturedTree } from "./capture.ts";

/** Why an optional external is not in the release. */
export type Unavailable = NonNullable<ExternalModule["unavailable"]>;

/**
 * Optional native externals without a single native file among the packages they need: an install script would have
 * made it, and none runs, neither here nor on a host.
 */
export function findUnbuilt(
  tree: CapturedTree,
  externals: readonly { readonly name: string; readonly optional: boolean; readonly native: boolean }[],
): Map<string, Unavailable> {
  const provided = new Set(tree.native.flatMap((file) => file.neededBy));
  const unbuilt = externals.filter(({ name, optional, native }) => optional && native && !provided.has(name));
  const reason = "it has no native file: its install script would make one, and releases run no scripts";
  const fix = "The app starts without it; use a version whose package carries the file, if there is one";
  return new Map(unbuilt.map(({ name }) => [name, { reason, fix }]));
}

/** The tree without the packages that only unavailable externals need; their files are removed from `directory`. */
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

/** What {@link dropUnavailable} gives, with every file left where it is. */
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
