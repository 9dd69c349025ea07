/**
 * Makes the app's packages resolve from a tree that is not beside it. Node's import ignores NODE_PATH, so resolution
 * hooks are needed: synchronous ones (Node 22.15 and 23.5; no measurable cost), in older versions hooks in a thread of
 * their own (some 50 ms of a start). Packages of the tree resolve each other as usual.
 */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

interface Context {
  readonly parentURL?: string | undefined;
  readonly conditions?: readonly string[];
}
type Next = (specifier: string, context: Context) => unknown;
type Resolve = (specifier: string, context: Context, next: Next) => unknown;

/** Missing in the type declarations of the oldest supported Node. */
type RegisterHooks = (hooks: { readonly resolve: Resolve }) => void;

/** The package that a specifier names; undefined for paths, URLs, `#imports` and Node's own `node:` modules. */
const PACKAGE = /^(@[^/]+\/[^/]+|[^/@.#:][^/:]*)(?:\/|$)/;

/** @param modules an absolute node_modules */
export function resolveFrom(modules: string): void {
  const base = pathToFileURL(join(dirname(modules), "app.mjs")).href;
  const tree = `${pathToFileURL(modules).href}/`;
  const registerHooks = (nodeModule as { registerHooks?: RegisterHooks }).registerHooks;
  if (registerHooks === undefined) return registerThread({ modules, base, tree });
  const known = new Map<string, boolean>();
  const isInTree = (specifier: string): boolean => {
    const name = PACKAGE.exec(specifier)?.[1];
    if (name === undefined) return false;
    const found = known.get(name) ?? existsSync(join(modules, name));
    known.set(name, found);
    return found;
  };
  const there = nodeModule.createRequire(base);
  registerHooks({
    resolve(specifier, context, next) {
      const from = context.parentURL;
      if (from === base || from?.startsWith(tree) === true || !isInTree(specifier))
        return next(specifier, context);
      // For require() Node resolves from the module that asks and ignores parentURL.
      if (context.conditions?.includes("require") === true) return next(there.resolve(specifier), context);
      return next(specifier, { ...context, parentURL: base });
    },
  });
}

interface Place {
  readonly modules: string;
  readonly base: string;
  readonly tree: string;
}

/** Only import uses these hooks. require() finds the tree by the NODE_PATH that the stub sets. */
function registerThread(place: Place): void {
  const source = `import { existsSync } from "node:fs";
    const known = new Map();
    let place;
    export function initialize(data) { place = data; }
    export function resolve(specifier, context, next) {
      const name = ${String(PACKAGE)}.exec(specifier)?.[1];
      if (name === undefined || context.parentURL?.startsWith(place.tree)) return next(specifier, context);
      if (!known.has(name)) known.set(name, existsSync(place.modules + "/" + name));
      return next(specifier, known.get(name) ? { ...context, parentURL: place.base } : context);
    }`;
  nodeModule.register(`data:text/javascript,${encodeURIComponent(source)}`, {
    parentURL: place.base,
    data: place,
  });
}
