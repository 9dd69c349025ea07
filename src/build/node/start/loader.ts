/** Loads packages from a tree at any path, as an import in an app beside the tree would. Part of preload.ts. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script, constants } from "node:vm";

/**
 * Returns a function that gives the result of `import(specifier)`, or of `require` for a package that supports only
 * that.
 * @param modules the absolute path of the tree's node_modules
 */
export function loaderFor(modules: string): (specifier: string) => Promise<unknown> {
  const filename = join(dirname(modules), "probe.cjs");
  // A script's dynamic imports resolve from its file name, and that file need not exist (Node 20.10 and newer).
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const script = new Script("(specifier) => import(specifier)", { filename, importModuleDynamically });
  const load = script.runInThisContext() as (specifier: string) => Promise<unknown>;
  return async (specifier) => {
    try {
      return await load(specifier);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return createRequire(filename)(specifier) as unknown;
      throw error;
    }
  };
}
