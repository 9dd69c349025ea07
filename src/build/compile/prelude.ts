/**
 * Runs before the app's first line, in its process and in each of its workers: makes the externals resolve from
 * the release, takes gantry's own variables out of the environment, loads `.env` beside the release, and answers
 * the load probe or becomes the launcher. Bundled into the app: it runs under Bun alone and touches nothing that a start
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

/** Names of the externals, comma-separated; put in by the build. */
declare const gantryExternalNames: string;

/** The executable is lib/NAME of the release. */
const release = process.execPath.split("/").slice(0, -2).join("/");
// The variable first: an app may be called gantry itself.
if (isMainThread && env[LAUNCHER_VARIABLE] !== undefined) startLauncher(release);
if (isMainThread && isCalledAsGantry(release)) becomeLauncher(release);
const probe = env[PROBE_VARIABLE];
const externals = gantryExternalNames.split(",");
const modules = chooseModules({
  // A worker starts with the environment that the process was given, so it finds the variable as well.
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

/** Child processes and workers search it: Bun reads it when it starts. */
function setNodePath(first: string | undefined): void {
  if (first === undefined) return;
  const rest = (env["NODE_PATH"] ?? "").split(":").filter((entry) => entry !== "" && entry !== first);
  env["NODE_PATH"] = [first, ...rest].join(":");
}

/** node:fs is loaded by then or worth the wait: the app has failed. */
function watchEnd(from: string | undefined): void {
  if (from === undefined) return;
  process.on("exit", (status) => {
    if (status === 0) return;
    const { require } = import.meta;
    diagnoseCrash({ release, modules: from }, { fs: require("node:fs"), crypto: require("node:crypto") });
  });
}

/** What `import(id)` gives, resolved with the import condition. */
export async function importExternal(id: string): Promise<Record<string, unknown>> {
  return (await import(resolver.forImport(id))) as Record<string, unknown>;
}

/** What `import * as namespace from id` gives, without waiting for it. */
export function readNamespace(id: string, mark: EsModuleMark): Readonly<Record<string, unknown>> {
  return namespaceOf(import.meta.require(resolver.forImport(id)), mark);
}

/** What `require(id)` gives, resolved with the require condition. */
export function requireExternal(id: string): unknown {
  return import.meta.require(resolver.forRequire(id));
}

/** A package may offer `require` alone; only then is that what the app can have used. */
async function loadForProbe(id: string): Promise<unknown> {
  try {
    resolver.forImport(id);
  } catch (error) {
    if (resolver.canRequire(id)) return requireExternal(id);
    throw error;
  }
  return await importExternal(id);
}
