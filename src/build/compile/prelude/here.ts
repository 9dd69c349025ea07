/**
 * The place of one of the app's files in its release, and the loading of modules whose names are computed there. Bun
 * would look for such a module in the directory that the app was started in, and in its parents. This code is part of
 * the prelude, so it runs under Bun only.
 */
import { pathToFileURL, resolveSync } from "bun";
import type * as module from "node:module";
import * as NAMES from "../../../release/start/names.ts";
import type { ExternalResolver } from "./externals.ts";

export interface HereOptions {
  /** The release's root. */
  readonly release: string;
  /** The app's entry and the file itself, relative to the workspace root. */
  readonly entry: string;
  readonly file: string;
  /** Finds packages by name, in the release alone. */
  readonly resolver: Pick<ExternalResolver, "forImport" | "forRequire">;
}

/** What a file reads and calls in place of `import.meta`, `__dirname`, `require(NAME)` and `import(NAME)`. */
export interface Here {
  readonly dir: string;
  readonly path: string;
  readonly file: string;
  /** The entry's place: what `Bun.main` is in the source tree. */
  readonly main: string;
  readonly url: string;
  readonly import: (id: unknown) => Promise<unknown>;
  readonly require: (id: unknown) => unknown;
  readonly resolve: (id: unknown) => string;
  readonly requireResolve: (id: unknown, options?: { readonly paths?: readonly string[] }) => string;
}

export function hereOf({ release, entry, file, resolver }: HereOptions): Here {
  const path = `${release}/${NAMES.assets}/${file}`;
  const dir = path.slice(0, path.lastIndexOf("/"));
  const find = (id: unknown, how: "forImport" | "forRequire"): string => {
    const name = String(id);
    if (/^\.{1,2}(?:\/|$)/.test(name)) return resolveSync(name, dir);
    return isFixed(name) ? name : resolver[how](name);
  };
  return {
    dir,
    path,
    file: path.slice(dir.length + 1),
    main: `${release}/${NAMES.assets}/${entry}`,
    url: pathToFileURL(path).href,
    import: async (id) => (await import(find(id, "forImport"))) as unknown,
    require: (id) => import.meta.require(find(id, "forRequire")),
    resolve: (id) => {
      const name = String(id);
      // A relative name is not looked for (HTML, "resolve a module specifier").
      if (/^\.{1,2}\//.test(name)) return new URL(name, pathToFileURL(path)).href;
      const found = find(id, "forImport");
      return found.startsWith("/") ? pathToFileURL(found).href : found;
    },
    requireResolve: (id, options) => {
      const [from] = options?.paths ?? [];
      return from === undefined ? find(id, "forRequire") : resolveSync(String(id), from);
    },
  };
}

/** Says whether a name means the same module wherever it is loaded from: an absolute path, an address, or a built-in. */
function isFixed(name: string): boolean {
  if (name.startsWith("/") || /^[a-z][a-z0-9+.-]*:/i.test(name)) return true;
  return name === "bun" || (import.meta.require("node:module") as typeof module).isBuiltin(name);
}
