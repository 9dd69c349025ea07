/**
 * Traces the modules that a compile of an app would take in. trace.ts runs it as `trace-worker.ts SPEC RESULT`, under the
 * Bun that compiles. Both are JSON files (spec.ts). What Bun cannot resolve or parse is not reported here: the compile
 * reports it. Nothing is written.
 */
import { build, type BunPlugin } from "bun";
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { argv, chdir, exit } from "node:process";
import { isDevelopment } from "../defines.ts";
import type { TraceSpec } from "../spec.ts";
import { loadPlugin } from "./load-plugin.ts";
import { traceGraph } from "./trace-graph.ts";

const [, , specFile = "", resultFile = ""] = argv;
const spec = JSON.parse(readFileSync(specFile, "utf8")) as TraceSpec;
// As in worker.ts: plugins may read files of the app by relative paths.
chdir(spec.plugins.length === 0 ? spec.work : spec.appDir);
const { plugin, trace, workers } = traceGraph({ ...spec, root: realpathSync(spec.root) });
const plugins: BunPlugin[] = [];
try {
  for (const path of spec.plugins) plugins.push(await loadPlugin(path));
  // As in worker.ts: the workers that the sources start are entry points too.
  const entries = new Set([spec.entry, ...spec.workers]);
  for (let before = 0; entries.size > before;) {
    before = entries.size;
    await bundle([...entries], [plugin, ...plugins]);
    for (const path of workers()) entries.add(path);
  }
} catch {
  // The compile fails in the same way, and says why.
}
writeFileSync(resultFile, JSON.stringify(trace()));
// exit(), because a plugin may leave timers or servers running.
exit(0);

async function bundle(entrypoints: string[], all: BunPlugin[]): Promise<void> {
  await build({
    entrypoints,
    target: "bun",
    format: "esm",
    // Removes the branches that a define decides, as in the compile.
    minify: { syntax: true },
    define: { ...spec.defines },
    env: "disable",
    jsx: { development: isDevelopment(spec.defines) },
    throw: false,
    plugins: all,
  });
}
