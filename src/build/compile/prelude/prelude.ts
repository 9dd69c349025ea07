/**
 * Runs before the app's first line, in its process and in each of its workers. It makes externals resolve from the
 * release, removes gantry's own variables from the environment, and loads the release's `.env`. When a variable or a
 * name asks for it, it runs the load probe or the launcher instead of the app. It is bundled into the app, so it runs
 * under Bun only and does nothing that a start does not need.
 */
import { env, isMainThread } from "bun";
import { LAUNCHER_VARIABLE } from "../../../release/start/caller.ts";
import * as NAMES from "../../../release/start/names.ts";
import { MODULES_VARIABLE, PROBE_VARIABLE } from "../../../release/start/probe-protocol.ts";
import { diagnoseCrash } from "../../preload/index.ts";
import { chooseModules, pinMetaResolve, resolverFor } from "./externals.ts";
import { loadEnvironmentFile } from "./load-env-file.ts";
import { hereOf as hereIn, type Here } from "./here.ts";
import { becomeLauncher, isCalledAsGantry, startLauncher } from "./launch.ts";
import { namespaceOf, type EsModuleMark } from "../namespace.ts";
import { startProbe } from "./answer-probe.ts";

/** Names of the externals, separated by commas. The build replaces this name by their text (worker.ts). */
declare const gantryExternalNames: string;
/** The entry's path, relative to the workspace root. The build replaces this name by it as well. */
declare const gantryEntry: string;

/** The release's directory: the executable is lib/NAME in it. */
const release = process.execPath.split("/").slice(0, -2).join("/");
// The variable is checked before the name, because an app may be called gantry itself.
if (isMainThread && env[LAUNCHER_VARIABLE] !== undefined) startLauncher(release);
if (isMainThread && isCalledAsGantry(release)) becomeLauncher(release);
const probe = env[PROBE_VARIABLE];
const externals = gantryExternalNames.split(",");
const modules = chooseModules({
  // A worker starts with the process's original environment, so the variable is set there as well.
  named: env[MODULES_VARIABLE],
  release,
  nodePath: env["NODE_PATH"],
  externals,
});
const resolver = resolverFor(modules, externals);
/** Packages by computed names are looked for beside the externals and among the app's own files, and nowhere else. */
const anywhere = resolverFor([...modules, `${release}/${NAMES.assets}/${NAMES.modules}`], externals);

for (const name of Object.keys(env)) {
  if (name.startsWith("GANTRY_") || name === "BUN_BE_BUN" || name === "BUN_OPTIONS") delete env[name];
}
setNodePath(modules[0]);
pinMetaResolve(import.meta, resolver);
loadEnvironmentFile(`${release}/${NAMES.env}`, env, isMainThread ? "warn" : "silent");
if (probe === undefined && isMainThread) watchEnd(modules[0]);
if (probe !== undefined && isMainThread) startProbe(probe, loadForProbe);

/** Puts the modules first in NODE_PATH, for child processes and workers: Bun reads the variable when it starts. */
function setNodePath(first: string | undefined): void {
  if (first === undefined) return;
  const rest = (env["NODE_PATH"] ?? "").split(":").filter((entry) => entry !== "" && entry !== first);
  env["NODE_PATH"] = [first, ...rest].join(":");
}

/**
 * Diagnoses a failure when the app ends with one. node:fs is loaded only then, so an app that works is not slowed down.
 */
function watchEnd(from: string | undefined): void {
  if (from === undefined) return;
  process.on("exit", (status) => {
    if (status === 0) return;
    const { require } = import.meta;
    diagnoseCrash({ release, modules: from }, { fs: require("node:fs"), crypto: require("node:crypto") });
  });
}

/** The place of one of the app's files; see here.ts. */
export function hereOf(file: string): Here {
  return hereIn({ release, entry: gantryEntry, file, resolver: anywhere });
}

/** What `import(id)` gives. The file is found by the `import` condition of the package's `exports`. */
export async function importExternal(id: string): Promise<Record<string, unknown>> {
  return (await import(resolver.forImport(id))) as Record<string, unknown>;
}

/** What `import * as namespace from id` gives, without an await. */
export function readNamespace(id: string, mark: EsModuleMark): Readonly<Record<string, unknown>> {
  return namespaceOf(import.meta.require(resolver.forImport(id)), mark);
}

/** What `require(id)` gives. The file is found by the `require` condition of the package's `exports`. */
export function requireExternal(id: string): unknown {
  return import.meta.require(resolver.forRequire(id));
}

/**
 * Loads an external for the load probe. A package may support `require` alone. Then it is loaded by `require`, as the
 * app must do too.
 */
async function loadForProbe(id: string): Promise<unknown> {
  try {
    resolver.forImport(id);
  } catch (error) {
    if (resolver.canRequire(id)) return requireExternal(id);
    throw error;
  }
  return await importExternal(id);
}
