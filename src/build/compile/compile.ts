/**
 * Compiles an app into one executable. The app's native modules stay outside it, and are loaded from the app's release
 * only. The Bun that becomes part of the executable compiles it, in a process of its own (worker.ts). Nothing in the
 * app's directory changes, except that a build with plugins that is killed can leave an unfinished file there.
 */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { GantryError, toGantryError, type Finding } from "../../base/errors.ts";
import type { Target } from "../../release/index.ts";
import type { Reached } from "./reached.ts";
import type { BuildProblem, CompileSpec } from "./spec.ts";
import type { Asset } from "../graph/index.ts";
import { planSources, realPath, type SourceOptions } from "./plan-sources.ts";
import { runWorker } from "./run-worker.ts";
import { withoutPrelude } from "./external-stubs.ts";
import type { Scratch } from "../scratch.ts";

/** `root`: a file's place in the release is its path from here. */
export interface CompileOptions extends SourceOptions {
  /** Path of the Bun executable. */
  readonly bun: string;
  readonly outfile: string;
  readonly target: Target;
  /** Workers that a trace found. */
  readonly workers?: readonly string[] | undefined;
  /** Directory whose node_modules holds the externals as they are shipped. */
  readonly modulesRoot: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
}

export interface CompileResult {
  readonly bunVersion: string;
  readonly bytecode: boolean;
  /** Bun's message about why there is no bytecode. */
  readonly withoutBytecode?: string;
  /**
   * For each external that the app imports, all specifiers by which it is imported, sorted. An external that the app
   * does not import has no entry.
   */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** Files that were written beside the executable: source maps. */
  readonly files: readonly string[];
  /** Files that the app's sources name by their own place, for lib/assets of the release. */
  readonly assets: readonly Asset[];
  readonly warnings: readonly string[];
  /** The packages that were compiled in, and the externals, with the files that import them. */
  readonly reached: { readonly packages: readonly Reached[]; readonly externals: readonly Reached[] };
}

/**
 * Compiles the app.
 * @throws GantryError CONFIG_INVALID for an entry, worker or plugin that is missing or wrong and for source that does
 *   not compile, MODULE_UNAVAILABLE for an import that cannot be resolved, NETWORK_FAILED when Bun cannot get the
 *   target's runtime, DISK_FULL or IO_FAILED when the executable cannot be written, EXEC_FAILED when Bun itself does
 *   not run
 */
export async function compileApp(options: CompileOptions): Promise<CompileResult> {
  const directory = options.scratch.makePrivate();
  try {
    const spec = planCompile(options, directory);
    requireFiles(spec);
    const result = await runWorker("worker", options, directory, spec);
    if (!result.ok) throw explainProblems(result.problems, result.stage, { ...spec, bun: options.bun });
    const { bunVersion, withoutBytecode, imports, files, assets, warnings, reached } = result;
    const bytecode = withoutBytecode === undefined;
    return {
      bunVersion,
      bytecode,
      ...(bytecode ? {} : { withoutBytecode }),
      imports,
      files,
      assets,
      warnings,
      reached,
    };
  } finally {
    options.scratch.remove(directory);
  }
}

function planCompile(options: CompileOptions, work: string): CompileSpec {
  const sources = planSources(options, work);
  const found = (options.workers ?? []).filter((path) => !sources.workers.includes(path));
  return {
    ...sources,
    workers: [...sources.workers, ...found],
    outfile: resolve(options.outfile),
    target: options.target.bun,
    modulesRoot: realPath(options.modulesRoot),
    sourcemap: options.settings.sourcemap ?? "none",
  };
}

function requireFiles(spec: CompileSpec): void {
  const wanted = [
    { key: "gantry.entry", paths: [spec.entry] },
    { key: "gantry.build.workers", paths: spec.workers },
    { key: "gantry.build.plugins", paths: spec.plugins },
  ];
  const findings = wanted.flatMap(({ key, paths }) =>
    paths
      .filter((path) => !existsSync(path))
      .map((path): Finding => {
        const what = `${key} names ${relative(spec.appDir, path)}, which is not there`;
        return { code: "CONFIG_INVALID", what, where: path, fix: `correct ${key} in package.json` };
      }),
  );
  throwFindings(findings);
}

function throwFindings(findings: readonly Finding[]): void {
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

type Place = Pick<CompileSpec, "appDir" | "outfile" | "target"> & Pick<CompileOptions, "bun">;

/** Turns all of the bundler's messages into findings. */
function explainProblems(
  problems: readonly BuildProblem[],
  stage: "plugin" | "build",
  place: Place,
): GantryError {
  const findings = problems.map((problem) => explainProblem(problem, stage, place));
  const [first, ...rest] = findings;
  if (first !== undefined) return new GantryError(first, ...rest);
  return toGantryError(new Error("Bun reports that it could not compile, and no reason"));
}

function explainProblem(problem: BuildProblem, stage: "plugin" | "build", place: Place): Finding {
  const where = problem.file === undefined ? {} : { where: placeOf(problem, place.appDir) };
  const detail =
    problem.source === undefined ? {} : { detail: [withoutPrelude(problem.source).trim().slice(0, 200)] };
  if (stage === "plugin") {
    const what = `a plugin of gantry.build.plugins does not load: ${problem.message}`;
    return { code: "CONFIG_INVALID", what, ...where, fix: "correct the plugin, or remove it from the list" };
  }
  if (problem.specifier !== undefined) {
    const what = `the app imports "${problem.specifier}", which cannot be found`;
    const fix = /^\.{0,2}\//.test(problem.specifier)
      ? "correct the import, or add the file"
      : `install "${problem.specifier}", correct the import, or name it under gantry.externals`;
    return { code: "MODULE_UNAVAILABLE", what, ...where, ...detail, fix };
  }
  if (/\bdownload|\bfetch|\bnetwork\b/i.test(problem.message) && problem.file === undefined) {
    const what = `Bun could not get its runtime for ${place.target}: ${problem.message}`;
    return { code: "NETWORK_FAILED", what, fix: "check the network, then build again" };
  }
  if (/\bfailed to (?:write|rename)\b/i.test(problem.message) && problem.file === undefined)
    return explainUnwritten(problem.message, place);
  // Bun's message names the stub that replaces an external. Here the stub's specifier is replaced by the external's.
  const what = problem.message.replaceAll(STUB_NAME, '"$1"');
  return { code: "CONFIG_INVALID", what, ...where, ...detail, fix: "correct the source" };
}

/**
 * Explains why the executable was not written. Bun does not always say why. The executable is larger than the Bun that
 * it is made from, so less free space than that Bun's size means that the disk is full.
 */
function explainUnwritten(message: string, { bun, outfile }: Place): Finding {
  const { bavail, bsize } = statfsSync(dirname(outfile));
  const where = { where: outfile, detail: [message] };
  if (/\b(?:ENOSPC|EDQUOT)\b/.test(message) || bavail * bsize < statSync(bun).size)
    return { code: "DISK_FULL", what: "no space left to write the executable", ...where };
  return { code: "IO_FAILED", what: "Bun could not write the executable", ...where };
}

const STUB_NAME = /"gantry:(?:import|dynamic|require|namespace):([^"]*)"/g;

function placeOf(problem: BuildProblem, appDir: string): string {
  const file = problem.file ?? "";
  const path = file.startsWith(`${appDir}/`) ? relative(appDir, file) : file;
  return problem.line === undefined || problem.line === 0 ? path : `${path}:${problem.line}`;
}
