/**
 * Two Bun plugins, which run before and after the app's own: one makes externals load from the release, the other
 * changes the app's sources (source-changes.ts). They run in the build's worker, under Bun.
 */
import type { BunPlugin, OnLoadResult, PluginBuilder } from "bun";
import { readFileSync } from "node:fs";
import { HERE_PREFIX } from "../../graph/index.ts";
import {
  externalFilter,
  formatDynamicStub,
  formatImportStub,
  formatNamespaceStub,
  formatRequireStub,
  NAMESPACE_PREFIX,
  packageOf,
  formatHere,
  PRELUDE,
  type ExternalShape,
  type StubKind,
} from "../external-stubs.ts";
import { isScript, loaderOf, type ChangeSource } from "./source-changes.ts";

/** The namespace for modules that have no file, so that nothing depends on where gantry is installed. */
const STUB = "gantry";
const HERE_FILTER = new RegExp(`^${HERE_PREFIX}`);

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
      build.onResolve({ filter: HERE_FILTER }, ({ path }) => ({ path, namespace: STUB }));
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
  if (path.startsWith(HERE_PREFIX)) return formatHere(path.slice(HERE_PREFIX.length));
  if (path.startsWith(NAMESPACE_PREFIX)) return formatNamespaceStub(path.slice(NAMESPACE_PREFIX.length));
  const split = path.indexOf(":");
  const kind = path.slice(0, split) as StubKind;
  const id = path.slice(split + 1);
  if (kind === "dynamic") return formatDynamicStub(id);
  if (kind === "require") return formatRequireStub(id);
  return formatImportStub(id, await options.readShape(id));
}

/** Changes the sources that no plugin of the app loads. Must be the last plugin. */
export function changeSources(change: ChangeSource): BunPlugin {
  return {
    name: "gantry-sources",
    setup(build) {
      build.onLoad({ filter: /./, namespace: "file" }, ({ path, loader: given }) => {
        const loader = isScript(given) ? given : loaderOf(path);
        if (!change.isEntry(path) && !isScript(given)) return undefined;
        const contents = change.apply(path, readFileSync(path, "utf8"), loader);
        return contents === undefined ? undefined : { contents, loader };
      });
    },
  };
}

/** Wraps a plugin of the app, so that the sources that it returns are changed as well. */
export function changeAfter(plugin: BunPlugin, change: ChangeSource): BunPlugin {
  return {
    ...plugin,
    setup(build) {
      const onLoad: PluginBuilder["onLoad"] = (constraints, callback) => {
        build.onLoad(constraints, async (args) => changeResult(change, args.path, await callback(args)));
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

function changeResult(change: ChangeSource, path: string, result: OnLoadResult): OnLoadResult {
  if (result === undefined || result === null || !("contents" in result)) return result;
  const loader = result.loader ?? loaderOf(path);
  if (!isScript(loader) || !path.startsWith("/")) return result;
  const { contents } = result;
  const text = typeof contents === "string" ? contents : Buffer.from(contents as Uint8Array).toString();
  const changed = change.apply(path, text, loader);
  return changed === undefined ? result : { ...result, contents: changed };
}
