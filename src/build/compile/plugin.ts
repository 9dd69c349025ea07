/**
 * Two Bun plugins, which run before and after the app's own: one makes externals load from the release, the other puts
 * the prelude before the entry points. They run in the build's worker, under Bun.
 */
import { Transpiler, type BunPlugin, type Loader, type OnLoadResult, type PluginBuilder } from "bun";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import {
  externalFilter,
  formatDynamicStub,
  formatImportStub,
  formatNamespaceStub,
  formatRequireStub,
  NAMESPACE_PREFIX,
  packageOf,
  PRELUDE,
  prependPrelude,
  type ExternalShape,
  type StubKind,
} from "./external-stubs.ts";

/** The namespace for modules that have no file, so that nothing depends on where gantry is installed. */
const STUB = "gantry";

export interface PinOptions {
  readonly externals: readonly string[];
  /** The prelude's source, bundled into one file. */
  readonly prelude: string;
  readonly readShape: (specifier: string) => Promise<ExternalShape>;
  /** Called for every import of an external in the app. */
  readonly onImport: (packageName: string, specifier: string) => void;
}

/** Replaces every import of an external by a stub that calls the prelude. */
export function pinExternals(options: PinOptions): BunPlugin {
  return {
    name: "gantry-externals",
    setup(build) {
      if (options.externals.length > 0) pinImports(build, options);
      build.onResolve({ filter: new RegExp(`^${PRELUDE}$`) }, () => ({ path: PRELUDE, namespace: STUB }));
      build.onLoad({ filter: /./, namespace: STUB }, async ({ path }) => ({
        contents: await loadOwn(path, options),
        loader: "js",
      }));
    },
  };
}

function pinImports(build: PluginBuilder, options: PinOptions): void {
  build.onResolve({ filter: externalFilter(options.externals) }, ({ path, kind }) => {
    // The call stays in the code. The prelude makes it resolve from the release (externals.ts, pinMetaResolve).
    if (kind === "require-resolve") return { path, external: true };
    options.onImport(packageOf(path), path);
    // Bun identifies modules by path alone, not by namespace, so the kind is part of the path.
    return { path: `${stubKind(kind)}:${path}`, namespace: STUB };
  });
  build.onResolve({ filter: new RegExp(`^${NAMESPACE_PREFIX}`) }, ({ path }) => ({ path, namespace: STUB }));
}

function stubKind(kind: string): StubKind {
  if (kind === "dynamic-import") return "dynamic";
  return kind === "require-call" ? "require" : "import";
}

async function loadOwn(path: string, options: PinOptions): Promise<string> {
  if (path === PRELUDE) return options.prelude;
  if (path.startsWith(NAMESPACE_PREFIX)) return formatNamespaceStub(path.slice(NAMESPACE_PREFIX.length));
  const split = path.indexOf(":");
  const kind = path.slice(0, split) as StubKind;
  const id = path.slice(split + 1);
  if (kind === "dynamic") return formatDynamicStub(id);
  if (kind === "require") return formatRequireStub(id);
  return formatImportStub(id, await options.readShape(id));
}

/** The entry points of one build, and which of them already have the prelude. */
export interface Entries {
  readonly paths: readonly string[];
  readonly done: Set<string>;
}

/** Puts the prelude before the entry points that no plugin of the app loads. Must be the last plugin. */
export function prependToEntries(entries: Entries): BunPlugin {
  return {
    name: "gantry-entry",
    setup(build) {
      build.onLoad({ filter: anyOf(entries.paths) }, ({ path }) => {
        const loader = loaderOf(path);
        return { contents: withPrelude(entries, path, readFileSync(path, "utf8"), loader), loader };
      });
    },
  };
}

function anyOf(paths: readonly string[]): RegExp {
  const escaped = paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^(?:${escaped.join("|")})$`);
}

/**
 * Wraps a plugin of the app. When that plugin loads an entry point, the prelude is put before the text that it returns.
 */
export function prependAfter(plugin: BunPlugin, entries: Entries): BunPlugin {
  return {
    ...plugin,
    setup(build) {
      const onLoad: PluginBuilder["onLoad"] = (constraints, callback) => {
        build.onLoad(constraints, async (args) => {
          const result = await callback(args);
          return entries.paths.includes(args.path) ? prependToResult(entries, args.path, result) : result;
        });
        return wrapped;
      };
      const wrapped: PluginBuilder = new Proxy(build, {
        get(target, key) {
          if (key === "onLoad") return onLoad;
          const value: unknown = Reflect.get(target, key);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
      return plugin.setup(wrapped);
    },
  };
}

function prependToResult(entries: Entries, path: string, result: OnLoadResult): OnLoadResult {
  if (result === undefined || result === null || !("contents" in result)) return result;
  const loader = result.loader ?? loaderOf(path);
  if (!SCRIPTS.has(loader)) return result;
  const { contents } = result;
  const text = typeof contents === "string" ? contents : Buffer.from(contents as Uint8Array).toString();
  return { ...result, contents: withPrelude(entries, path, text, loader) };
}

function withPrelude(entries: Entries, path: string, source: string, loader: Loader): string {
  entries.done.add(path);
  return prependPrelude(source, moduleFormat(path, source, loader));
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

function loaderOf(path: string): Loader {
  const extension = extname(path)
    .replace(/^\.[cm](?=[jt]s$)/, ".")
    .slice(1);
  return SCRIPTS.has(extension) ? (extension as Loader) : "ts";
}
