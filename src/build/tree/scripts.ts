/**
 * Runs the install scripts that the app trusts, for packages without a native file, in the private tree and on a
 * machine of the target's kind. The files that a script fetches or compiles become part of the tree. Hosts run no
 * scripts.
 */
import { SELF } from "../../base/process/index.ts";
import { dirname, join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { readTreeFiles } from "../../release/index.ts";
import type { LoadPlace } from "../../compat/index.ts";
import type { Environment } from "../../base/environment.ts";
import { installCommands, readInstallScript } from "../analyze/index.ts";
import type { ClosurePackage } from "./capture.ts";
import { mayLoad } from "./native-files.ts";
import { readPackageJson, runScript } from "./run-script.ts";
import type { ScriptPolicy } from "./script-policy.ts";

export interface InstallScriptsOptions {
  /** The tree's node_modules, installed and not pruned yet. */
  readonly modules: string;
  readonly closure: readonly ClosurePackage[];
  readonly policy: ScriptPolicy;
  /** Names of the externals without which the app can start. */
  readonly optional: ReadonlySet<string>;
  /** What will load the modules. */
  readonly place: LoadPlace;
  readonly environment: Environment;
  readonly log: { readonly [level in "info" | "warn"]: (text: string) => void };
  /** Time limit of one command in milliseconds. Default: half an hour. */
  readonly limit?: number | undefined;
}

/** Number of lines of a script's output that a message quotes. */
const QUOTED = 12;

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
    if (json === undefined || !options.policy.allows(found.name) || hasNative(directory, options.place))
      continue;
    const script = readInstallScript(directory, json);
    if (script === undefined) continue;
    const { failure, said } = await runCommands(options, directory, installCommands(directory, json));
    const made = script.makes === "program" || hasNative(directory, options.place);
    const finding = failure ?? (made ? undefined : madeNothing(said));
    if (finding === undefined) continue;
    const what = `${found.name} ${found.version}: ${finding.what}`;
    if (found.neededBy.every((external) => options.optional.has(external))) options.log.warn(what);
    else findings.push({ ...finding, what, where: `node_modules/${found.path}` });
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Warns of packages that lack the native file that their install script makes, because the script may not run. A load
 * that fails later has its reason then.
 */
export function warnOfUnrun({
  modules,
  closure,
  policy,
  place,
  log,
}: Pick<InstallScriptsOptions, "modules" | "closure" | "policy" | "place" | "log">): void {
  for (const { path, name, version } of closure) {
    const directory = join(modules, path);
    const json = readPackageJson(directory);
    if (json === undefined || policy.allows(name) || hasNative(directory, place)) continue;
    // Platform packages of its own may bring the file.
    const variants = new Set(Object.keys(json.optionalDependencies ?? {}));
    const brought = closure.some(
      (one) => variants.has(one.name) && hasNative(join(modules, one.path), place),
    );
    const script = brought ? undefined : readInstallScript(directory, json);
    if (script?.makes === "module")
      log.warn(
        `${name} ${version}: its install script "${script.command}" was not run; ${policy.refusal(name)}`,
      );
  }
}

const FIX =
  "make it succeed on this machine (a network, a compiler), or use a version of the package that carries its native file";

function madeNothing(said: readonly string[]): Finding {
  const what = "its install script ended well and made no native file for this target";
  return { code: "MODULE_UNAVAILABLE", what, detail: said.slice(-QUOTED), fix: FIX };
}

async function runCommands(
  { modules, environment, log, limit }: InstallScriptsOptions,
  directory: string,
  commands: readonly string[],
): Promise<{ readonly failure?: Finding; readonly said: readonly string[] }> {
  const output: string[] = [];
  // The Node that runs this build comes last on the PATH, for scripts that call node when no other is found.
  const path = [environment["PATH"] ?? "", dirname(SELF.executable)];
  for (const command of commands) {
    log.info(`running an install script: ${command}`);
    const { why, said } = await runScript({ directory, command, modules, path, environment, limit });
    output.push(...said);
    if (why === undefined) continue;
    const what = `its install script "${command}" ${why}`;
    const failure: Finding = { code: "MODULE_UNAVAILABLE", what, detail: said.slice(-QUOTED), fix: FIX };
    return { failure, said: output };
  }
  return { said: output };
}

/** Says whether a package, or a package in its own node_modules, has a native file that the target may load. */
function hasNative(directory: string, place: LoadPlace): boolean {
  return readTreeFiles(directory).some(
    ({ path, kind }) => kind === "file" && path.endsWith(".node") && mayLoad(directory, path, place),
  );
}
