/**
 * Runs one command of a package's install script in the package's directory, as npm runs it. After a time limit, the
 * command is ended together with all its child processes, because compilers and downloads would go on using the build's
 * directory.
 */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { PackageJson } from "pkg-types";
import { outputLines, run } from "../../base/process/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";

export interface ScriptOptions {
  /** The package's directory. */
  readonly directory: string;
  readonly command: string;
  /** The tree's node_modules. The .bin directory in it comes first on the PATH. */
  readonly modules: string;
  /** The directories that follow on the PATH. */
  readonly path: readonly string[];
  readonly environment: Environment;
  readonly variables?: Readonly<Record<string, string>>;
  /** Time limit in milliseconds. */
  readonly limit?: number | undefined;
}

export interface ScriptResult {
  /** Why the script failed, as the end of the sentence "the script …". Undefined when it ended well. */
  readonly why?: string;
  /** The lines of its output, without empty ones. */
  readonly said: readonly string[];
}

/** Milliseconds. Compiling SQLite takes two minutes on a slow machine. */
const LIMIT = 30 * 60_000;

/** Runs the command. */
export async function runScript(options: ScriptOptions): Promise<ScriptResult> {
  const { directory, command, modules, path, environment, variables = {}, limit = LIMIT } = options;
  const result = await run("/bin/sh", ["-c", command], {
    cwd: directory,
    environment: toolEnvironment(environment, {
      PATH: [join(modules, ".bin"), ...path].join(delimiter),
      INIT_CWD: directory,
      ...variables,
    }),
    timeout: limit,
    ends: "group",
  });
  const said = outputLines(result.stdout, result.stderr);
  if (result.code === 0) return { said };
  const why = result.timedOut
    ? `did not end within ${limit / 1000} s`
    : `failed (${result.signal ?? `exit ${result.code}`})`;
  return { why, said };
}

/** The package.json of a directory. Undefined when there is none. */
export function readPackageJson(directory: string): PackageJson | undefined {
  const path = join(directory, "package.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as PackageJson) : undefined;
}
