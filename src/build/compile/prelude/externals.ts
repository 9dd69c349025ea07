/**
 * Finds the externals of the running app. Bun would search the current directory and its parents first. This code
 * searches the release's modules and nothing else. It is part of the prelude, so it runs under Bun only.
 */
import { file, pathToFileURL, resolveSync } from "bun";
import type * as module from "node:module";
import * as NAMES from "../../../release/start/names.ts";
import { packageOf } from "../external-stubs.ts";

// Loading node:fs and node:path takes a quarter of a small app's start, so the prelude avoids them.
const MODULES = `/${NAMES.modules}`;

export interface ModulesQuestion {
  /** The node_modules that the release's start script named. */
  readonly named: string | undefined;
  /** The release's root. */
  readonly release: string;
  readonly nodePath: string | undefined;
  readonly externals: readonly string[];
}

/**
 * The `node_modules` directories to search, in order: the named one; else the release's own when it holds an external;
 * else those of NODE_PATH, which a parent process of the release has set; else the release's own. Only directories with
 * the name `node_modules` are used, because Bun reads `exports` nowhere else.
 */
export function chooseModules(question: ModulesQuestion): readonly string[] {
  const { named } = question;
  if (named?.startsWith("/") === true) return [named];
  const own = question.release + MODULES;
  if (question.externals.some((name) => isPackage(`${own}/${name}`))) return [own];
  const entries = (question.nodePath ?? "").split(":");
  const usable = entries.filter((entry) => entry.startsWith("/") && entry.endsWith(MODULES));
  return usable.length > 0 ? usable : [own];
}

export interface ExternalResolver {
  /** The file that `import` of this specifier loads. */
  readonly forImport: (id: string) => string;
  /** The file that `require` of this specifier loads. */
  readonly forRequire: (id: string) => string;
  readonly isExternal: (id: string) => boolean;
  readonly canRequire: (id: string) => boolean;
}

/**
 * Makes a resolver that resolves each specifier from the first of `modules` that holds its package. Its functions throw
 * Bun's error for a missing subpath, and for a missing package an error with the `code` that Bun uses.
 * @param modules paths of node_modules directories
 */
export function resolverFor(modules: readonly string[], externals: readonly string[]): ExternalResolver {
  const home = (id: string) => modules.find((directory) => isPackage(`${directory}/${packageOf(id)}`));
  const forRequire = (id: string) =>
    requireFrom(home(id) ?? fail(id, modules, "MODULE_NOT_FOUND")).resolve(id);
  return {
    // The directory of the package is found first. For a missing package, Bun would search the directories above the
    // release.
    forImport: (id) => resolveSync(id, parentOf(home(id) ?? fail(id, modules, "ERR_MODULE_NOT_FOUND"))),
    forRequire,
    isExternal: (id) => externals.includes(packageOf(id)),
    canRequire: (id) => {
      try {
        return forRequire(id) !== "";
      } catch {
        return false;
      }
    },
  };
}

function isPackage(directory: string): boolean {
  return file(`${directory}/package.json`).size > 0;
}

/** The directory that holds a node_modules directory. */
function parentOf(modules: string): string {
  return modules.slice(0, modules.lastIndexOf("/")) || "/";
}

const requires = new Map<string, NodeJS.Require>();

function requireFrom(modules: string): NodeJS.Require {
  const known = requires.get(modules);
  if (known !== undefined) return known;
  // Loaded on first use: an app that never calls require() does not load node:module.
  const { createRequire } = import.meta.require("node:module") as typeof module;
  const made = createRequire(`${parentOf(modules)}/package.json`);
  requires.set(modules, made);
  return made;
}

/**
 * Throws an error with the message and the code that Bun uses for a missing package. Apps recognise a missing optional
 * package by these.
 */
function fail(id: string, modules: readonly string[], code: string): never {
  const from = modules.map((directory) => parentOf(directory)).join(", ");
  const what = code === "MODULE_NOT_FOUND" ? `module '${id}'` : `package '${packageOf(id)}'`;
  throw Object.assign(new Error(`Cannot find ${what} from '${from}'`), { name: "ResolveMessage", code });
}

/**
 * Makes the app's `import.meta.resolve` and `require.resolve` find externals too. The bundled app is one module, so all
 * of the app shares this `import.meta`.
 */
export function pinMetaResolve(meta: ImportMeta, resolver: ExternalResolver): void {
  const { resolve } = meta;
  meta.resolve = (id: string) =>
    resolver.isExternal(id) ? pathToFileURL(resolver.forImport(id)).href : resolve.call(meta, id);
  const plain = meta.require.resolve;
  const pinned = (id: string, options?: { paths?: string[] }) =>
    options === undefined && resolver.isExternal(id) ? resolver.forRequire(id) : plain(id, options);
  Object.assign(meta.require, { resolve: Object.assign(pinned, { paths: plain.paths }) });
}
