/**
 * Finds out whether every external of a tree loads: first by the static verdict on its files, then by the load probe in a
 * child process. proof/reconcile.ts combines the two results.
 */
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileVerdict } from "../../compat/index.ts";
import type { ErrorCode, Finding } from "../../base/errors.ts";
import { readDirectory, readMounts } from "../../host/index.ts";
import { type ExternalModule, nativeByModule } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { probeTogether } from "../../runtime/index.ts";
import { judgeTree, readScene, type Self, type StaticVerdict } from "./judge.ts";
import { reconcile } from "./reconcile.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";
import type { Reporter } from "../../base/reporter.ts";

export interface LoadOptions {
  readonly release: Release;
  readonly modules: string;
  readonly environment: Environment;
  readonly self: Self;
  /** Codes that are warnings here (GANTRY_SKIP). */
  readonly skip: ReadonlySet<ErrorCode>;
  /** See ProbeOptions. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What proving a tree needs, at any location. */
export interface ProofOptions extends Pick<LoadOptions, "release" | "environment" | "self" | "skip"> {
  readonly location: TreeLocation;
  /** As readHostId returns it. */
  readonly host: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Milliseconds that a module may take to load. */
  readonly loadLimit?: number | undefined;
}

export interface LoadResult {
  /** Why an external does not load, by its name. */
  readonly failed: ReadonlyMap<string, Finding>;
  /** A line for each external that loads although its verdict is an error, or whose failure GANTRY_SKIP lets pass. */
  readonly warnings: readonly string[];
  /** Verdicts on native files, by path relative to node_modules. */
  readonly files: ReadonlyMap<string, FileVerdict>;
  /** Milliseconds: reading host and runtime, and judging the files. */
  readonly took: { readonly host: number; readonly files: number };
}

/**
 * Judges the native files and loads the externals in child processes.
 * @throws the system's error when no process can be started (EMFILE); the signal's reason
 */
export async function loadExternals(
  externals: readonly ExternalModule[],
  options: LoadOptions,
): Promise<LoadResult> {
  const { release, modules } = options;
  const began = performance.now();
  const scene = readScene(options);
  const seen = performance.now();
  const verdict = judgeTree(scene, release, modules);
  const took = { host: seen - began, files: performance.now() - seen };
  const probed = await probeAll(externals, options);
  const failed = new Map<string, Finding>();
  const warnings: string[] = [];
  for (const { name } of externals) {
    const files = filesOf(name, release, verdict);
    const probe = probed.get(name);
    const outcome = reconcile({ name, files, probe, explain: verdict.explain, skip: options.skip });
    if (outcome.failure !== undefined) failed.set(name, outcome.failure);
    if (outcome.warning !== undefined) warnings.push(outcome.warning);
  }
  const blamed = failed.size === 0 ? failed : blameMount(failed, modules);
  return { failed: blamed, warnings, files: verdict.files, took };
}

function filesOf(external: string, release: Release, { files }: StaticVerdict): [string, FileVerdict][] {
  return release.manifest.native.flatMap(({ path, neededBy }): [string, FileVerdict][] => {
    const verdict = neededBy.includes(external) ? files.get(path) : undefined;
    return verdict === undefined ? [] : [[path, verdict]];
  });
}

/** @returns a finding for each external that does not load, by name */
function probeAll(
  externals: readonly ExternalModule[],
  { release, modules, environment, limit, signal }: LoadOptions,
): Promise<ReadonlyMap<string, Finding>> {
  const node = release.manifest.runtime.kind === "node";
  const probed = externals.map(({ name, imports }) => {
    if (!node || imports.length === 0) return { name, imports };
    const groups = nativeByModule(release.manifest, name);
    return { name, imports, files: groups.map((group) => group.map((path) => join(modules, path))) };
  });
  return probeTogether(probed, {
    executable: release.layout.executable,
    args: node ? ["--no-warnings", release.layout.preload] : [],
    modules,
    cwd: dirname(modules),
    environment,
    ...(limit === undefined ? {} : { limit }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * Replaces the findings by STORE_NOEXEC when the tree is on a noexec mount, from which no native file can be mapped
 * (mmap(2), EPERM). Many packages hide the loader's message, so that the mount has to be read.
 */
function blameMount(findings: Map<string, Finding>, modules: string): Map<string, Finding> {
  const directory = readDirectory(realpathSync(modules), readMounts());
  if (directory?.noexec !== true) return findings;
  const what = `native modules cannot be loaded from ${directory.mountPoint}, which is mounted noexec`;
  const finding: Finding = { code: "STORE_NOEXEC", what, where: modules };
  return new Map([...findings.keys()].map((name) => [name, finding]));
}
