/**
 * Makes native files that no package contains for this Node. The packages' own install scripts fetch or compile them,
 * with the release's Node and its headers, in the private tree. Intermediate files of the compilation are removed
 * afterwards.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PackageJson } from "pkg-types";
import { isAddon } from "../../compat/index.ts";
import { guarded } from "../../elf/index.ts";
import { GantryError } from "../../base/errors.ts";
import { withNativeFile } from "../../host/index.ts";
import type { Target } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { readInstallScript, readPackageFiles, type InstallScript } from "../analyze/index.ts";
import { findNpms } from "../app/index.ts";
import {
  mayLoad,
  readPackageJson,
  runScript,
  type ClosurePackage,
  type ScriptPolicy,
} from "../tree/index.ts";
import type { NodeRuntime } from "./node-runtime.ts";

export interface BuildNativesOptions {
  /** The tree's node_modules, installed and not pruned yet. */
  readonly modules: string;
  readonly closure: readonly ClosurePackage[];
  readonly policy: ScriptPolicy;
  readonly node: NodeRuntime;
  readonly target: Target;
  /** True when this machine can run programs for the target. Compilers here build for this machine only. */
  readonly native: boolean;
  /** A private directory for the scripts. */
  readonly work: string;
  readonly environment: Environment;
  readonly log: { readonly info: (text: string) => void };
}

/** Why a package has no native file: its install script failed, or would have to run on another machine. */
export interface Unbuilt {
  readonly reason: string;
  readonly fix: string;
}

/**
 * Runs the install scripts of packages that lack a native file for this Node.
 * @returns the packages that still have none, by path
 */
export async function buildNatives(options: BuildNativesOptions): Promise<Map<string, Unbuilt>> {
  const missing = new Map<string, Unbuilt>();
  for (const found of options.closure) {
    const directory = join(options.modules, found.path);
    const json = readPackageJson(directory);
    if (json === undefined || !options.policy.allows(found.name) || isProvided(options, found, json))
      continue;
    const script = readInstallScript(directory, json);
    if (script === undefined) continue;
    if (!options.native) {
      const machine = `a machine of the kind ${options.target.name}`;
      missing.set(found.path, {
        reason: `its install script has to run on ${machine}: ${script.command}`,
        fix: `build this target on ${machine}, or use a version of it that carries its native file`,
      });
      continue;
    }
    options.log.info(
      `${found.name} ${found.version} has no file for Node ${options.node.version}: ${script.command}`,
    );
    const failure = await makeNative(options, directory, script);
    if (failure !== undefined) {
      const fix =
        "install a compiler, make and Python 3 here, or use a version of it that carries its native file";
      missing.set(found.path, { reason: failure, fix });
    }
    removeIntermediates(directory);
  }
  return missing;
}

/** Says whether the package, or a variant of it that was installed, has a native file for this platform and ABI. */
function isProvided(
  { modules, target, node, closure }: BuildNativesOptions,
  found: ClosurePackage,
  json: PackageJson,
): boolean {
  const place = { ...target, runtime: { kind: "node" as const, abi: node.abi } };
  const variants = new Set(Object.keys(json.optionalDependencies ?? {}));
  const packages = [found, ...closure.filter(({ name }) => variants.has(name))];
  return packages.some(({ path }) =>
    nativePaths(join(modules, path)).some((file) => mayLoad(join(modules, path), file, place)),
  );
}

/** The native files of a package itself, relative to its directory. */
function nativePaths(directory: string): string[] {
  return readPackageFiles(directory).paths.filter((path) => path.endsWith(".node"));
}

/**
 * Runs an install script.
 * @returns why it made no native file, with lines of its output; undefined when it made one
 */
async function makeNative(
  options: BuildNativesOptions,
  directory: string,
  { command, makes }: Pick<InstallScript, "command" | "makes">,
): Promise<string | undefined> {
  const { node, modules, environment } = options;
  const gyp = nodeGypDirectory(options);
  const path = [...gyp.path, dirname(node.executable), environment["PATH"] ?? ""];
  const variables = {
    npm_lifecycle_event: "install",
    npm_config_nodedir: node.directory,
    npm_node_execpath: node.executable,
    ...gyp.variables,
  };
  const { why, said } = await runScript({ directory, command, modules, path, environment, variables });
  if (why === undefined && (makes === "program" || nativePaths(directory).length > 0)) return undefined;
  const errors = said.filter((line) => /\b(?:error|fatal|not found)\b/i.test(line));
  const quoted = (errors.length === 0 ? said.slice(-3) : errors.slice(0, 3)).join("; ");
  return `"${command}" ${why ?? "ended well and made no native file"}${quoted === "" ? "" : `: ${quoted}`}`;
}

/**
 * Makes a directory for the PATH with a node-gyp: install scripts call it by name. It runs the copy that npm contains,
 * with the release's Node. The result is empty when there is no npm.
 */
function nodeGypDirectory({ environment, work, node }: BuildNativesOptions): {
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
} {
  const script = findNpms(environment)
    .map((file) => join(dirname(realpathSync(file)), "../node_modules/node-gyp/bin/node-gyp.js"))
    .find((file) => existsSync(file));
  if (script === undefined) return { path: [], variables: {} };
  const directory = join(work, "node-gyp");
  mkdirSync(directory, { recursive: true });
  const program = join(directory, "node-gyp");
  writeFileSync(program, `#!/bin/sh\nexec "${node.executable}" "${realpathSync(script)}" "$@"\n`);
  chmodSync(program, 0o755);
  return { path: [directory], variables: { npm_config_node_gyp: script } };
}

/**
 * Removes the files that node-gyp leaves and that no package needs: objects, makefiles and second copies. Packages load
 * build/Release/NAME.node.
 */
function removeIntermediates(directory: string): void {
  // node-pre-gyp compiles in a directory with this name, and copies the result to the place from which the package
  // loads it.
  for (const name of readdirSync(directory)) {
    if (name.startsWith("build-tmp")) rmSync(join(directory, name), { recursive: true, force: true });
  }
  const build = join(directory, "build");
  if (!existsSync(build)) return;
  for (const name of readdirSync(build)) {
    if (name !== "Release") rmSync(join(build, name), { recursive: true, force: true });
  }
  const release = join(build, "Release");
  for (const name of existsSync(release) ? readdirSync(release) : []) {
    const file = join(release, name);
    const kept = name.endsWith(".node") ? mayBeAddon(file) : /\.so(?:\.\d+)*$/.test(name);
    if (!kept) rmSync(file, { recursive: true, force: true });
  }
}

/**
 * Says whether a file may be a Node addon. A binding.gyp may also build extensions of other programs, for tests
 * (better-sqlite3 12).
 */
function mayBeAddon(path: string): boolean {
  return withNativeFile(path, (file) => {
    if (file.kind !== "elf") return true;
    const addon = guarded(() => file.addon());
    return "kind" in addon || isAddon(addon);
  });
}

/**
 * Refuses a tree in which required native files are missing.
 * @param optional names of the externals without which the app can start
 * @throws GantryError MODULE_UNAVAILABLE for each package without its native file that a required external needs
 */
export function refuseUnbuilt(
  missing: ReadonlyMap<string, Unbuilt>,
  closure: readonly ClosurePackage[],
  optional: ReadonlySet<string>,
): void {
  const findings = closure.flatMap(({ path, name, version, neededBy }) => {
    const unbuilt = missing.get(path);
    if (unbuilt === undefined || neededBy.every((external) => optional.has(external))) return [];
    return [
      {
        code: "MODULE_UNAVAILABLE" as const,
        what: `${name} ${version} has no native file for this Node, and could not get one`,
        where: `node_modules/${path}`,
        detail: [unbuilt.reason],
        fix: unbuilt.fix,
      },
    ];
  });
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}
