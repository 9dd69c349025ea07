/**
 * Makes the app's packages resolve from a tree that is not beside the app. Node's import ignores NODE_PATH, so
 * resolution hooks are needed. Since Node 22.15 and 23.5 they are synchronous, at no measurable cost. In older versions
 * they run in a thread of their own, which adds some 50 ms to a start. Packages in the tree resolve each other as
 * usual.
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

/** The type of module.registerHooks, which the type declarations of the oldest supported Node lack. */
type RegisterHooks = (hooks: { readonly resolve: Resolve }) => void;

/**
 * Matches a specifier that names a package. It does not match paths, URLs, `#imports` and Node's own `node:` modules.
 */
const PACKAGE = /^(@[^/]+\/[^/]+|[^/@.#:][^/:]*)(?:\/|$)/;

/**
 * Installs the hooks.
 * @param modules the absolute path of the node_modules from which packages resolve
 * @param app the absolute path of lib/app. A package that lies nearer to a file of the app, as a framework's build put it
 *   there, comes first, as in Node's own search.
 */
export function resolveFrom(modules: string, app: string): void {
  const base = pathToFileURL(join(dirname(modules), "app.mjs")).href;
  const tree = `${pathToFileURL(modules).href}/`;
  const registerHooks = (nodeModule as { registerHooks?: RegisterHooks }).registerHooks;
  if (registerHooks === undefined)
    return registerThread({ modules, base, tree, app: `${pathToFileURL(app).href}/` });
  const known = new Map<string, boolean>();
  const isInTree = (specifier: string): boolean => {
    const name = PACKAGE.exec(specifier)?.[1];
    if (name === undefined) return false;
    const found = known.get(name) ?? existsSync(join(modules, name));
    known.set(name, found);
    return found;
  };
  const inApp = `${pathToFileURL(app).href}/`;
  const nearer = new Map<string, boolean>();
  const isNearer = (specifier: string, from: string): boolean => {
    const directory = new URL(".", from).href;
    const key = `${directory} ${specifier}`;
    const found = nearer.get(key) ?? liesNearer(PACKAGE.exec(specifier)?.[1] ?? "", directory, inApp);
    nearer.set(key, found);
    return found;
  };
  const there = nodeModule.createRequire(base);
  registerHooks({
    resolve(specifier, context, next) {
      const from = context.parentURL;
      if (from === base || from?.startsWith(tree) === true || !isInTree(specifier))
        return next(specifier, context);
      if (from?.startsWith(inApp) === true && isNearer(specifier, from)) return next(specifier, context);
      // For require(), Node resolves from the module that calls it and ignores parentURL.
      if (context.conditions?.includes("require") === true) return next(there.resolve(specifier), context);
      return next(specifier, { ...context, parentURL: base });
    },
  });
}

/**
 * Says whether a package lies in a node_modules between a directory and lib/app.
 * @param directory and `app`: file URLs that end in a slash
 */
function liesNearer(name: string, directory: string, app: string): boolean {
  for (let at = directory; at.startsWith(app); at = new URL("..", at).href)
    if (existsSync(new URL(`node_modules/${name}`, at))) return true;
  return false;
}

interface Place {
  readonly modules: string;
  readonly base: string;
  readonly tree: string;
  /** The URL of lib/app. */
  readonly app: string;
}

/**
 * Installs hooks in a thread. Only import uses them. require() finds the tree through NODE_PATH, which the start script
 * sets.
 */
function registerThread(place: Place): void {
  const source = `import { existsSync } from "node:fs";
    const known = new Map();
    let place;
    export function initialize(data) { place = data; }
    export function resolve(specifier, context, next) {
      const name = ${String(PACKAGE)}.exec(specifier)?.[1];
      if (name === undefined || context.parentURL?.startsWith(place.tree)) return next(specifier, context);
      if (!known.has(name)) known.set(name, existsSync(place.modules + "/" + name));
      const from = context.parentURL ?? "";
      for (let at = from && new URL(".", from).href; at.startsWith(place.app); at = new URL("..", at).href)
        if (existsSync(new URL("node_modules/" + name, at))) return next(specifier, context);
      return next(specifier, known.get(name) ? { ...context, parentURL: place.base } : context);
    }`;
  nodeModule.register(`data:text/javascript,${encodeURIComponent(source)}`, {
    parentURL: place.base,
    data: place,
  });
}
