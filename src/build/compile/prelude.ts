/**
 * Runs before the app's first line, in its process and in each of its workers. It makes externals resolve from the
 * release, removes gantry's own variables from the environment, loads `.env` beside the release, and runs the load
 * probe or the launcher when asked. Bundled into the app, so it runs under Bun alone and does nothing that a start
 * does not need.
 */
import { env, isMainThread } from "bun";
import { LAUNCHER_VARIABLE } from "../../release/caller.ts";
import * as NAMES from "../../release/names.ts";
import { MODULES_VARIABLE, PROBE_VARIABLE } from "../../release/probe.ts";
import { diagnoseCrash } from "../preload/index.ts";
import { chooseModules, pinMetaResolve, resolverFor } from "./externals.ts";
import { loadEnvironmentFile } from "./load-env-file.ts";
import { becomeLauncher, isCalledAsGantry, startLauncher } from "./launch.ts";
import { namespaceOf, type EsModuleMark } from "./namespace.ts";
import { startProbe } from "./probe.ts";

/** Names of the externals, separated by commas. The build defines it. */
declare const gantryExternalNames: string;

/** The executable is lib/NAME of the release. */
const release = process.execPath.split("/").slice(0, -2).join("/");
// Checked before the name, because an app may be called gantry itself.
if (isMainThread && env[LAUNCHER_VARIABLE] !== undefined) startLauncher(release);
if (isMainThread && isCalledAsGantry(release)) becomeLauncher(release);
const probe = env[PROBE_VARIABLE];
const externals = gantryExternalNames.split(",");
const modules = chooseModules({
  // A worker starts with the original environment of the process, so it has the variable as well.
  named: env[MODULES_VARIABLE],
  release,
  nodePath: env["NODE_PATH"],
  externals,
});
const resolver = resolverFor(modules, externals);

for (const name of Object.keys(env)) {
  if (name.startsWith("GANTRY_") || name === "BUN_BE_BUN" || name === "BUN_OPTIONS") delete env[name];
}
setNodePath(modules[0]);
pinMetaResolve(import.meta, resolver);
loadEnvironmentFile(`${release}/${NAMES.env}`, env, isMainThread ? "warn" : "silent");
if (probe === undefined && isMainThread) watchEnd(modules[0]);
if (probe !== undefined && isMainThread) startProbe(probe, loadForProbe);

/** For child processes and workers: Bun reads the variable when it starts. */
function setNodePath(first: string | undefined): void {
  if (first === undefined) return;
  const rest = (env["NODE_PATH"] ?? "").split(":").filter((entry) => entry !== "" && entry !== first);
  env["NODE_PATH"] = [first, ...rest].join(":");
}

/** Loading node:fs here costs a working app nothing: it happens only after the app has failed. */
function watchEnd(from: string | undefined): void {
  if (from === undefined) return;
  process.on("exit", (status) => {
    if (status === 0) return;
    const { require } = import.meta;
    diagnoseCrash({ release, modules: from }, { fs: require("node:fs"), crypto: require("node:crypto") });
  });
}

/** The result of `import(id)`, resolved with the import condition. */
export async function importExternal(id: string): Promise<Record<string, unknown>> {
  return (await import(resolver.forImport(id))) as Record<string, unknown>;
}

/** The result of `import * as namespace from id`, without an await. */
export function readNamespace(id: string, mark: EsModuleMark): Readonly<Record<string, unknown>> {
  return namespaceOf(import.meta.require(resolver.forImport(id)), mark);
}

/** The result of `require(id)`, resolved with the require condition. */
export function requireExternal(id: string): unknown {
  return import.meta.require(resolver.forRequire(id));
}

/** A package may support `require` alone. Then the app can only have used that. */
async function loadForProbe(id: string): Promise<unknown> {
  try {
    resolver.forImport(id);
  } catch (error) {
    if (resolver.canRequire(id)) return requireExternal(id);
    throw error;
  }
  return await importExternal(id);
}
