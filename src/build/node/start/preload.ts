/**
 * Node loads this file before an app (`--require lib/preload.cjs`), in its process, its workers and its forks. It makes
 * packages resolve from the installed tree at any path, removes gantry's own variables from the environment, loads the
 * release's `.env`, and sets NODE_ENV to "production" when nothing else did. When it is run as a program, it runs the
 * load probe. It is bundled and needs no other file of the release.
 */
import type * as crypto from "node:crypto";
import * as fs from "node:fs";
import { existsSync, readFileSync, realpathSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { env, exit } from "node:process";
import type * as util from "node:util";
import type * as threads from "node:worker_threads";
import { applyEnvFile } from "../../../release/start/env-file.ts";
import * as NAMES from "../../../release/start/names.ts";
import { MODULES_VARIABLE, PROBE_VARIABLE } from "../../../release/start/probe-protocol.ts";
import { runLoadProbe, diagnoseCrash } from "../../preload/index.ts";
import { resolveFrom } from "./hooks.ts";
import { loaderFor } from "./loader.ts";

/** The release's directory: this file is lib/preload.cjs in it. */
const release = dirname(__dirname);
const named = env[MODULES_VARIABLE];
const probe = env[PROBE_VARIABLE];

for (const name of Object.keys(env)) if (name.startsWith("GANTRY_")) delete env[name];

if (probe !== undefined && require.main === module) {
  const load = loaderFor(named ?? join(release, NAMES.modules));
  const native = { load: require, mapped: readMapped };
  void runLoadProbe(probe, load, (bytes) => writeSync(1, bytes), native).then(() => exit(0));
} else {
  const modules = elsewhere();
  if (modules !== undefined) resolveFrom(modules, join(release, NAMES.app));
  hideProgram();
  watchEnd(modules ?? join(release, NAMES.modules));
  const file = join(release, NAMES.env);
  if (existsSync(file)) loadEnvironment(file);
  // A server of its own often loads its bundler, a devDependency, unless NODE_ENV says production.
  env["NODE_ENV"] ??= "production";
}

/**
 * The node_modules with the app's packages, when Node does not find it by itself, that is, when it is not the one in
 * the release's directory. Else undefined.
 */
function elsewhere(): string | undefined {
  const beside = join(release, NAMES.modules);
  // In a fork, gantry's variables are gone, but NODE_PATH, which the start script set, is still there.
  const modules = named ?? (existsSync(beside) ? beside : env["NODE_PATH"]?.split(":")[0]);
  if (modules === undefined || modules === "" || modules === beside) return undefined;
  try {
    // The start script's path may lead to the release through a link.
    return realpathSync(dirname(modules)) === release ? undefined : modules;
  } catch {
    return undefined;
  }
}

/**
 * Node looks for packages in the directory `../lib/node`, seen from its own. In a release that is the program itself, and
 * apps that read all of these directories would fail.
 */
function hideProgram(): void {
  // The property is missing in Node's types.
  const { globalPaths } = require("node:module") as { readonly globalPaths: string[] };
  const at = globalPaths.indexOf(process.execPath);
  if (at !== -1) globalPaths.splice(at, 1);
}

function watchEnd(from: string): void {
  const { isMainThread } = require("node:worker_threads") as typeof threads;
  if (!isMainThread) return;
  process.on("exit", (status) => {
    if (status !== 0)
      diagnoseCrash({ release, modules: from }, { fs, crypto: require("node:crypto") as typeof crypto });
  });
}

/** The text of /proc/self/maps: each mapped file with its path (proc(5)). */
function readMapped(): string {
  try {
    return readFileSync("/proc/self/maps", "utf8");
  } catch {
    return "";
  }
}

function loadEnvironment(file: string): void {
  const { isMainThread } = require("node:worker_threads") as typeof threads;
  const warn = (text: string): void => {
    if (!isMainThread) return;
    try {
      writeSync(2, `gantry: .env: ${text}\n`);
    } catch {
      // Standard error is closed. The app can start without the message.
    }
  };
  try {
    const { parseEnv } = require("node:util") as typeof util;
    for (const name of applyEnvFile(parseEnv(readFileSync(file, "utf8")), env))
      warn(`${name} is not taken from this file`);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    warn(`cannot be read (${reason}), the app starts without it`);
  }
}
