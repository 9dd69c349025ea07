/**
 * Traces the modules that a compile of an app would take in. trace.ts runs it as `trace-worker.ts SPEC RESULT`, under the
 * Bun that compiles. Both are JSON files (spec.ts). What Bun cannot resolve or parse is not reported here: the compile
 * reports it. Nothing is written.
 */
import { build, type BunPlugin } from "bun";
import { readFileSync, writeFileSync } from "node:fs";
import { argv, chdir, exit } from "node:process";
import type { TraceSpec } from "../spec.ts";
import { bundlerSettings } from "./bundler-settings.ts";
import { loadPlugin } from "./load-plugin.ts";
import { traceGraph } from "./trace-graph.ts";

const [, , specFile = "", resultFile = ""] = argv;
const spec = JSON.parse(readFileSync(specFile, "utf8")) as TraceSpec;
// As in worker.ts: plugins may read files of the app by relative paths.
chdir(spec.plugins.length === 0 ? spec.work : spec.appDir);
const { plugin, trace, workers } = traceGraph(spec);
const plugins: BunPlugin[] = [];
// As in worker.ts: the workers that the sources start are entry points too.
const named = new Set([spec.entry, ...spec.workers]);
const entries = new Set(named);
try {
  for (const path of spec.plugins) plugins.push(await loadPlugin(path));
  for (let before = 0; entries.size > before;) {
    before = entries.size;
    await bundle([...entries], [plugin, ...plugins]);
    for (const path of workers()) entries.add(path);
  }
} catch {
  // The compile fails in the same way, and says why.
}
const found = [...entries].filter((path) => !named.has(path)).toSorted();
writeFileSync(resultFile, JSON.stringify({ ...trace(), workers: found }));
// exit(), because a plugin may leave timers or servers running.
exit(0);

async function bundle(entrypoints: string[], all: BunPlugin[]): Promise<void> {
  await build({
    ...bundlerSettings(spec),
    entrypoints,
    // Removes the branches that a define decides, as in the compile.
    minify: { syntax: true },
    throw: false,
    plugins: all,
  });
}
