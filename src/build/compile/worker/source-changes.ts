/**
 * What a compile changes in the app's sources: the prelude goes before the entry points, and expressions that name a
 * file's own place become those of its place in the release. It runs in the build's worker, under Bun.
 */
import { resolveSync, Transpiler, type Loader } from "bun";
import { basename, dirname, extname, relative } from "node:path";
import {
  chooseAssets,
  embeddedPath,
  findFiles,
  findWorkers,
  rewriteSource,
  workersIn,
  type AssetChoice,
  type Edit,
  type NamedFile,
  type WorkerUse,
} from "../../graph/index.ts";
import { packageOf, prependPrelude } from "../external-stubs.ts";

/** The entry points of one build, and which of them already have the prelude. */
export interface Entries {
  readonly paths: readonly string[];
  /** The binary's file name. */
  readonly binary: string;
  readonly done: Set<string>;
}

export interface ChangeSource {
  readonly isEntry: (path: string) => boolean;
  /** The files that the sources so far name, and that the release needs. */
  readonly assets: () => AssetChoice;
  /** Scripts that the sources so far start as workers, and that are no entry points of this build. */
  readonly workers: () => readonly string[];
  /** The new text of a source. Undefined when nothing changes. */
  readonly apply: (path: string, text: string, loader: Loader) => string | undefined;
}

export interface SourceChanges {
  readonly entries: Entries;
  readonly root: string;
  readonly appDir: string;
  readonly externals: readonly string[];
  /** True when plugins of the app may give a module that is not on the disk. */
  readonly plugged: boolean;
}

export function sourceChanger({ entries, root, appDir, externals, plugged }: SourceChanges): ChangeSource {
  const isEntry = (path: string) => entries.paths.includes(path);
  const sources = new Set<string>();
  const named: NamedFile[] = [];
  const workers = new Set<string>();
  return {
    isEntry,
    assets: () => chooseAssets(named, { root, appDir, sources, placeOf: (path) => placeIn(root, path) }),
    workers: () => [...workers].toSorted(),
    apply: (path, text, loader) => {
      sources.add(path);
      named.push(...findFiles(text, { path, appDir, resolveModule: findModule }));
      const uses = findWorkers(text, { path, appDir, resolveModule: findModule });
      for (const worker of workersIn(uses, root)) if (!isEntry(worker)) workers.add(worker);
      const placed = rewriteSource(text, {
        path,
        here: placeIn(root, path),
        formatOf: () => moduleFormat(path, text, loader),
        isMissing: (name) => !plugged && !externals.includes(packageOf(name)) && !isThere(name, path),
        known: uses.filter((use) => isEntry(use.path)).map((use) => workerEdit(use, entries)),
      });
      if (!isEntry(path)) return placed;
      entries.done.add(path);
      return prependPrelude(placed ?? text, moduleFormat(path, text, loader));
    },
  };
}

/** The expression of a worker, as its path in the binary. */
function workerEdit({ kind, path, start, end }: WorkerUse, { paths, binary }: Entries): Edit {
  const inside = embeddedPath(path, paths, binary);
  const text = JSON.stringify(kind === "worker" ? inside : `file://${inside}`);
  return { start, end, text: kind === "worker" ? text : `new URL(${text})` };
}

function isThere(specifier: string, importer: string): boolean {
  return findModule(specifier, importer) !== undefined;
}

/** The file of a module. Undefined when there is none. */
export function findModule(specifier: string, importer: string): string | undefined {
  try {
    return resolveSync(specifier, dirname(importer));
  } catch {
    return undefined;
  }
}

/**
 * A file's path below lib/assets of a release: its path from the workspace root. For a package outside of the root, in
 * a store of a package manager, its path in `node_modules`.
 */
export function placeIn(root: string, path: string): string {
  const inside = relative(root, path);
  if (!inside.startsWith("..")) return inside;
  const stored = path.lastIndexOf("/node_modules/");
  return stored === -1 ? `outside/${basename(dirname(path))}/${basename(path)}` : path.slice(stored + 1);
}

/**
 * Says whether a file is an ES or a CommonJS module, by Bun's rules: its name decides, else its contents. As a last
 * test, the source is compiled with a `return` before it. Outside a function, `return` is an error in an ES module
 * only, so a source that compiles this way is CommonJS. This finds a top-level await without parsing.
 */
function moduleFormat(path: string, source: string, loader: Loader): "esm" | "cjs" {
  if (/\.c[jt]s$/.test(path)) return "cjs";
  if (/\.m[jt]s$/.test(path) || /\bimport\.meta\b/.test(source)) return "esm";
  if (!/\b(?:module|exports|require|__filename|__dirname|return)\b/.test(source)) return "esm";
  const transpiler = new Transpiler({ loader: loader as "js" | "jsx" | "ts" | "tsx", target: "bun" });
  try {
    if (transpiler.scan(source).imports.some(({ kind }) => kind === "import-statement")) return "esm";
    transpiler.transformSync(`if (0) return;${source.replace(/^#!.*/, "")}`);
    return "cjs";
  } catch {
    // This is not valid CommonJS. If it is not valid at all, the bundler gives the better message.
    return "esm";
  }
}

const SCRIPTS: ReadonlySet<string> = new Set(["js", "jsx", "ts", "tsx"]);

export function isScript(loader: Loader): boolean {
  return SCRIPTS.has(loader);
}

export function loaderOf(path: string): Loader {
  const extension = extname(path)
    .replace(/^\.[cm](?=[jt]s$)/, ".")
    .slice(1);
  return SCRIPTS.has(extension) ? (extension as Loader) : "ts";
}
