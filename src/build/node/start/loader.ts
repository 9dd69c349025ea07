/** Loads packages from a tree at any path, as an import in an app beside the tree would. Part of preload.ts. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script, constants } from "node:vm";

/** Codes of an import that finds nothing (nodejs.org, Errors). */
const NOT_FOUND: ReadonlySet<string> = new Set([
  "ERR_PACKAGE_PATH_NOT_EXPORTED",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "ERR_MODULE_NOT_FOUND",
]);

function resolves(require: NodeJS.Require, specifier: string): boolean {
  try {
    return require.resolve(specifier) !== "";
  } catch {
    return false;
  }
}

/**
 * Returns a function that gives the result of `import(specifier)`, or of `require` for what only that finds: a package
 * whose exports name no import, a directory, a file without its extension.
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
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (!NOT_FOUND.has(code)) throw error;
      const require = createRequire(filename);
      if (resolves(require, specifier)) return require(specifier) as unknown;
      throw error;
    }
  };
}
