/**
 * Proves a build by running it. The release's program loads each external from the tree as it will be shipped. Then the
 * finished release prepares itself by its own `./gantry prepare`, run in an empty directory.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { type ExternalModule, type Manifest, NAMES, releaseLayout } from "../../release/index.ts";
import { type ProbedExternal, probeExternal, toolEnvironment } from "../../runtime/index.ts";
import { outputLines, run } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import { readLoadReason } from "./load-reason.ts";
import type { Unavailable } from "./available.ts";

export interface ProveOptions {
  /** See ProbeOptions. */
  readonly executable: string;
  readonly args: readonly string[];
  readonly modules: string;
  /** An empty directory to run in. */
  readonly cwd: string;
  readonly environment: Environment;
}

/**
 * Loads every external.
 * @param externals their `native` are the files that can explain a crash; `lacks` explains any failure
 * @returns the optional ones that do not load, by name
 * @throws GantryError with all findings when a required one does not load
 */
export async function proveExternals(
  externals: readonly (Pick<ExternalModule, "optional"> &
    ProbedExternal & { readonly native: readonly string[]; readonly lacks?: Finding | undefined })[],
  options: ProveOptions,
): Promise<Map<string, Unavailable>> {
  const unavailable = new Map<string, Unavailable>();
  const findings: Finding[] = [];
  for (const external of externals) {
    const found = await probeExternal(external, options);
    if (found === undefined) continue;
    const finding = explainFailure(found, external, options);
    if (external.optional) unavailable.set(external.name, explain(finding));
    else findings.push(finding);
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  return unavailable;
}

function explainFailure(
  found: Finding,
  { native, lacks }: Parameters<typeof proveExternals>[0][number],
  options: ProveOptions,
): Finding {
  if (found.code === "LOAD_CRASHED") return explainCrash(found, native, options);
  return lacks === undefined ? found : { ...lacks, detail: found.detail ?? [] };
}

/** This fix does not name `./gantry doctor`, because no release exists yet. */
const CRASH_FIX =
  'use a version of it that is made for this runtime; "gantry check FILE --runtime PROGRAM" names what it lacks';

function explainCrash(found: Finding, native: readonly string[], options: ProveOptions): Finding {
  const reason = readLoadReason(native, options.executable, options.environment);
  if (reason === undefined) return { ...found, fix: CRASH_FIX };
  const { code, what, fix } = reason;
  return { ...found, detail: [`likely cause: ${code}: ${what}`, ...(found.detail ?? [])], fix };
}

function explain(finding: Finding): Unavailable {
  const cause = finding.detail?.[0];
  return {
    reason: cause === undefined ? finding.what : `${finding.what}: ${cause}`,
    fix: "The app starts without it; see `gantry analyze` for what it needs",
  };
}

/**
 * Lets the finished release prove itself: its own launcher compares every file of the tree with the manifest and loads
 * each module. For that, the tree is moved into the release, and moved back afterwards.
 * @param release the release's directory, without node_modules
 * @param tree the directory that contains the installed node_modules
 * @throws GantryError INTERNAL with what the release printed
 */
export async function proveRelease(
  release: string,
  tree: string,
  manifest: Manifest,
  options: Pick<ProveOptions, "cwd" | "environment">,
): Promise<void> {
  const layout = releaseLayout(release, manifest);
  renameSync(join(tree, NAMES.modules), layout.modules);
  mkdirSync(options.cwd, { recursive: true });
  try {
    const result = await run(layout.gantry, ["prepare", "--offline"], {
      cwd: options.cwd,
      environment: toolEnvironment(options.environment),
    });
    if (result.code === 0) return;
    throw new GantryError({
      code: "INTERNAL",
      what: `the finished release does not prepare itself (exit ${result.code ?? result.signal})`,
      where: release,
      detail: outputLines(result.stderr),
    });
  } finally {
    rmSync(layout.stamps, { recursive: true, force: true });
    renameSync(layout.modules, join(tree, NAMES.modules));
  }
}
