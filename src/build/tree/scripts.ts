/**
 * Runs the install scripts that the app trusts, for packages without a native file, in the private tree and on a
 * machine of the target's kind. The files that a script fetches or compiles become part of the tree. Hosts run no
 * scripts.
 */
import { SELF } from "../../base/process/index.ts";
import { dirname, join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { readTreeFiles, type Target } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { installCommands, readInstallScript } from "../analyze/index.ts";
import type { App } from "../app/index.ts";
import type { ClosurePackage } from "./capture.ts";
import { pruneReason } from "./prune.ts";
import { readPackageJson, runScript } from "./run-script.ts";

export interface InstallScriptsOptions {
  /** The tree's node_modules, installed and not pruned yet. */
  readonly modules: string;
  readonly closure: readonly ClosurePackage[];
  /** Names of packages whose scripts may run. */
  readonly trusted: ReadonlySet<string>;
  /** Names of the externals without which the app can start. */
  readonly optional: ReadonlySet<string>;
  readonly target: Target;
  readonly environment: Environment;
  readonly log: { readonly [level in "info" | "warn"]: (text: string) => void };
  /** Time limit of one command in milliseconds. Default: half an hour. */
  readonly limit?: number | undefined;
}

/** Number of lines of a script's output that a message quotes. */
const QUOTED = 12;

/**
 * Names of the packages whose scripts an app trusts: bun's `trustedDependencies`, pnpm's `onlyBuiltDependencies` and
 * npm's `allowScripts`, in the package.json of the app and of its workspace root.
 */
export function readTrustedScripts(app: Pick<App, "dir" | "workspaceRoot">): Set<string> {
  const names = new Set<string>();
  for (const directory of [app.dir, app.workspaceRoot]) {
    const json = readPackageJson(directory);
    if (json === undefined) continue;
    const pnpm: unknown = json["pnpm"];
    const lists: unknown[] = [
      json["trustedDependencies"],
      isRecord(pnpm) ? pnpm["onlyBuiltDependencies"] : [],
    ];
    for (const name of lists.flat()) if (typeof name === "string") names.add(name);
    const allowed: unknown = json["allowScripts"];
    for (const [name, value] of Object.entries(isRecord(allowed) ? allowed : {}))
      if (value === true) names.add(name);
  }
  return names;
}

/**
 * Runs the trusted install scripts of packages that lack a native file.
 * @throws GantryError MODULE_UNAVAILABLE, with the script's output, when a script of a required module fails, or when
 *   the module still has no native file; for an optional module there is only a warning
 */
export async function runInstallScripts(options: InstallScriptsOptions): Promise<void> {
  const findings: Finding[] = [];
  for (const found of options.closure) {
    const directory = join(options.modules, found.path);
    const json = readPackageJson(directory);
    if (json === undefined || !options.trusted.has(found.name) || hasNative(directory, options.target))
      continue;
    if (readInstallScript(directory, json) === undefined) continue;
    const failure = await runCommands(options, directory, installCommands(directory, json));
    const finding = failure ?? (hasNative(directory, options.target) ? undefined : madeNothing());
    if (finding === undefined) continue;
    const what = `${found.name} ${found.version}: ${finding.what}`;
    if (found.neededBy.every((external) => options.optional.has(external))) options.log.warn(what);
    else findings.push({ ...finding, what, where: `node_modules/${found.path}` });
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

const FIX =
  "make it succeed on this machine (a network, a compiler), or use a version of the package that carries its native file";

function madeNothing(): Finding {
  const what = "its install script ended well and made no native file for this target";
  return { code: "MODULE_UNAVAILABLE", what, fix: FIX };
}

async function runCommands(
  { modules, environment, log, limit }: InstallScriptsOptions,
  directory: string,
  commands: readonly string[],
): Promise<Finding | undefined> {
  // The Node that runs this build comes last on the PATH, for scripts that call node when no other is found.
  const path = [environment["PATH"] ?? "", dirname(SELF.executable)];
  for (const command of commands) {
    log.info(`running an install script: ${command}`);
    const failure = await runScript({ directory, command, modules, path, environment, limit });
    if (failure === undefined) continue;
    const what = `its install script "${command}" ${failure.why}`;
    return { code: "MODULE_UNAVAILABLE", what, detail: failure.said.slice(-QUOTED), fix: FIX };
  }
  return undefined;
}

/** Says whether a package, or a package in its own node_modules, has a native file that the target may load. */
function hasNative(directory: string, target: Target): boolean {
  return readTreeFiles(directory).some(
    ({ path, kind }) => kind === "file" && path.endsWith(".node") && pruneReason(path, target) === undefined,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
