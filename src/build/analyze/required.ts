/** Says whether an import of a package means that the app cannot start without it. */
import type { InstalledGraph, InstalledPackage } from "../app/index.ts";
import type { TracedImport } from "../graph/index.ts";

/**
 * What the app lists decides. Else it is true when the package that imports it lists it as a dependency that is not
 * optional. When nobody lists it, an `import` statement asks for it, and a `require` in a `try` may not.
 */
export function requires(graph: InstalledGraph, { name, by, kind }: TracedImport): boolean {
  if (graph.app.json.optionalDependencies?.[name] !== undefined) return false;
  if (graph.app.json.dependencies?.[name] !== undefined) return true;
  const owner = ownerOf(graph, by);
  const { dependencies, devDependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } =
    owner.json;
  if (optionalDependencies?.[name] !== undefined) return false;
  if (dependencies?.[name] !== undefined) return true;
  if (peerDependencies?.[name] !== undefined) return peerDependenciesMeta?.[name]?.optional !== true;
  // The development dependencies of a package from a registry are not installed.
  return (owner.workspace && devDependencies?.[name] !== undefined) || kind === "import-statement";
}

/** The package with the longest directory that contains the file. */
function ownerOf(graph: InstalledGraph, by: string): InstalledPackage {
  let owner = graph.app;
  let length = 0;
  for (const found of graph.packages.values()) {
    if (by.startsWith(`${found.dir}/`) && found.dir.length > length)
      [owner, length] = [found, found.dir.length];
  }
  return owner;
}
