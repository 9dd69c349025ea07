/**
 * A Bun plugin that records which packages an app's modules import, and which they load by names that Bun does not
 * follow. It runs in the build's worker, under Bun.
 */
import { resolveSync, type BunPlugin } from "bun";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { readNativeEvidence, readPackageFiles } from "../../analyze/index.ts";
import { readPackage } from "../../app/index.ts";
import {
  findComputedLoads,
  findWorkers,
  workersIn,
  type Trace,
  type TracedImport,
} from "../../graph/index.ts";
import { packageOf } from "../external-stubs.ts";
import type { TraceSpec } from "../spec.ts";
import { findModule } from "./source-changes.ts";

export interface GraphTracer {
  /** Must be the first plugin of the build. */
  readonly plugin: BunPlugin;
  readonly trace: () => Omit<Trace, "workers">;
  /** Scripts that the modules so far start as workers. */
  readonly workers: () => readonly string[];
}

export function traceGraph(spec: TraceSpec): GraphTracer {
  const imports = new Map<string, TracedImport>();
  const missing = new Map<string, Trace["missing"][number]>();
  const sources = sourceReader(spec);
  const isOutside = outsideJudge(spec);
  const record = (name: string, dir: string, by: string, kind: string): void => {
    const key = `${name}\n${by}`;
    if (imports.get(key)?.kind !== "import-statement") imports.set(key, { name, dir, by, kind });
  };
  const plugin: BunPlugin = {
    name: "gantry-trace",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        const name = packageOf(path);
        if (importer === "" || isBuiltin(path) || name === "bun") return undefined;
        const dir = findPackage(name, dirname(importer));
        if (dir !== undefined) record(name, dir, importer, kind);
        const outside = dir === undefined ? spec.externals.includes(name) : isOutside(name, dir);
        // Bun 1.3.7 crashes when a plugin answers nothing for a package that is not there.
        return outside || (spec.plugins.length === 0 && !canResolve(path, importer))
          ? { path, external: true }
          : undefined;
      });
      build.onResolve({ filter: /^\.{0,2}\/.*\.(?:node|wasm)$/ }, ({ path, importer }) => {
        if (existsSync(resolve(dirname(importer), path))) return undefined;
        missing.set(`${path}\n${importer}`, { specifier: path, by: importer });
        return { path, external: true };
      });
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, ({ path }) => {
        sources.read(path);
        return undefined;
      });
    },
  };
  return {
    plugin,
    trace: () => ({ imports: [...imports.values()], missing: [...missing.values()], ...sources.found() }),
    workers: sources.workers,
  };
}

/** Judges each package once. */
function outsideJudge(spec: TraceSpec): (name: string, dir: string) => boolean {
  const native = new Map<string, boolean>();
  return (name, dir) => {
    if (spec.externals.includes(name)) return true;
    if (spec.detect === "nothing" || spec.inside.includes(name)) return false;
    const known =
      native.get(dir) ?? readNativeEvidence(readPackage(dir, spec.root), readPackageFiles(dir)) !== undefined;
    native.set(dir, known);
    return known;
  };
}

function sourceReader({ candidates, appDir, root }: TraceSpec): {
  readonly read: (path: string) => void;
  readonly workers: () => readonly string[];
  readonly found: () => Pick<Trace, "loads" | "named">;
} {
  const loads: Trace["loads"][number][] = [];
  const named: Trace["named"][number][] = [];
  const known = new Set<string>();
  const workers = new Set<string>();
  const read = (path: string): void => {
    if (known.has(path)) return;
    known.add(path);
    const text = readFileSync(path, "utf8");
    const computed = findComputedLoads(path, text);
    loads.push(...computed.map((load) => ({ ...load, by: path })));
    const uses = findWorkers(text, { path, appDir, resolveModule: findModule });
    for (const worker of workersIn(uses, root)) workers.add(worker);
    const loading = computed.some(({ what }) => what === "any");
    if (path.includes("/node_modules/") && !loading) return;
    for (const name of candidates)
      if (['"', "'", "`"].some((quote) => text.includes(quote + name + quote)))
        named.push({ name, by: path });
  };
  return { read, workers: () => [...workers], found: () => ({ loads, named }) };
}

/** The directory of the package that a module gets by a name, as Node looks for it. */
function findPackage(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate);
    if (directory === dirname(directory)) return undefined;
  }
}

function canResolve(specifier: string, importer: string): boolean {
  for (const find of [resolveSync, byRequire]) {
    try {
      return find(specifier, dirname(importer)) !== "";
    } catch {
      // The other way may find it: packages can have a file for one of them alone.
    }
  }
  return false;
}

const byRequire = (specifier: string, directory: string): string =>
  createRequire(join(directory, "index.js")).resolve(specifier);
