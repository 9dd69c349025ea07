/**
 * Will every external of a tree load? First the verdict on its files, which runs nothing, then the probe in a process
 * of its own; reconcile.ts makes one answer of the two.
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

/** What proving a tree takes, wherever it lies. */
export interface ProofOptions extends Pick<LoadOptions, "release" | "environment" | "self" | "skip"> {
  readonly location: TreeLocation;
  readonly host: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Milliseconds that a module may take to load. */
  readonly loadLimit?: number | undefined;
}

export interface LoadResult {
  /** What keeps an external from loading, by name. */
  readonly failed: ReadonlyMap<string, Finding>;
  /** Externals that load against the verdict, or whose failure is skipped: a line each. */
  readonly warnings: readonly string[];
  /** Verdicts on native files, by path relative to node_modules. */
  readonly files: ReadonlyMap<string, FileVerdict>;
  /** Milliseconds: reading host and runtime, and judging the files. */
  readonly took: { readonly host: number; readonly files: number };
}

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
 * Many packages swallow the loader's message, so the mount is asked when anything fails: nothing native can be
 * mapped from a noexec one (mmap(2), EPERM), whatever the module says.
 */
function blameMount(findings: Map<string, Finding>, modules: string): Map<string, Finding> {
  const directory = readDirectory(realpathSync(modules), readMounts());
  if (directory?.noexec !== true) return findings;
  const what = `native modules cannot be loaded from ${directory.mountPoint}, which is mounted noexec`;
  const finding: Finding = { code: "STORE_NOEXEC", what, where: modules };
  return new Map([...findings.keys()].map((name) => [name, finding]));
}
