/**
 * Inspects a whole tree and changes nothing: compares every file and loads every module. Used by `verify` and `doctor`,
 * which report everything; a start stops at the first failure.
 */
import type { FileVerdict } from "../compat/index.ts";
import type { ErrorCode, Finding } from "../base/errors.ts";
import { availableExternals, type ExternalModule } from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import { isLeftOut, leftOutReason } from "./commit.ts";
import type { Self } from "./proof/judge.ts";
import { loadExternals } from "./proof/load.ts";
import { unique } from "./present.ts";
import type { TreeLocation, Release } from "./release/unpacked.ts";
import { verifyTree, type Planted, type TreeVerdict } from "./tree/verify.ts";

export interface InspectOptions {
  readonly release: Release;
  readonly location: TreeLocation;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly self: Self;
  /** Codes that are warnings here (GANTRY_SKIP). */
  readonly skip: ReadonlySet<ErrorCode>;
}

export interface InspectedModule {
  readonly name: string;
  readonly version: string;
  readonly optional: boolean;
  /** `unavailable` modules were left out when the release was built. */
  readonly state: "loads" | "broken" | "absent" | "unavailable";
  /** Why it does not load. */
  readonly reason?: string;
}

export interface TreeInspection {
  readonly modules: readonly InspectedModule[];
  /** What keeps the release from starting; findings of optional modules are not here. */
  readonly findings: readonly Finding[];
  /** See TreeVerdict. */
  readonly foreign: readonly string[];
  /** Its finding is one of `findings`. */
  readonly planted: Planted | undefined;
  readonly checkedFiles: number;
  /** A line for each external whose verdict and probe disagree, or whose failure GANTRY_SKIP lets pass. */
  readonly warnings: readonly string[];
  /** The static verdict on each native file, its path relative to node_modules. */
  readonly native: readonly FileVerdict[];
}

export async function inspectTree(options: InspectOptions): Promise<TreeInspection> {
  const { release, location, environment, signal } = options;
  const verdict = await verifyTree(location.modules, release.manifest, { modes: "ignored", signal });
  const whole = availableExternals(release.manifest).filter(({ name }) => verdict.whole.includes(name));
  const { self, skip } = options;
  const loaded = await loadExternals(whole, {
    release,
    modules: location.modules,
    environment,
    self,
    skip,
    signal,
  });
  const { failed } = loaded;
  const problems = new Map<string, readonly Finding[]>(
    [...failed].map(([name, finding]) => [name, [finding]]),
  );
  for (const { name, findings } of verdict.broken) problems.set(name, findings);
  const fatal = release.manifest.externals.flatMap((external) =>
    (problems.get(external.name) ?? []).filter((finding) => !isLeftOut(external, finding)),
  );
  return {
    modules: release.manifest.externals.map((external) => describe(external, verdict, problems)),
    findings: unique(verdict.planted === undefined ? fatal : [verdict.planted.finding, ...fatal]),
    foreign: verdict.foreign,
    planted: verdict.planted,
    checkedFiles: verdict.checkedFiles,
    warnings: loaded.warnings,
    native: [...loaded.files].map(([path, { verdict: found, findings }]) => ({
      path,
      verdict: found,
      findings,
    })),
  };
}

function describe(
  external: ExternalModule,
  verdict: TreeVerdict,
  problems: ReadonlyMap<string, readonly Finding[]>,
): InspectedModule {
  const { name, version, optional, unavailable } = external;
  const module = { name, version, optional };
  if (unavailable !== undefined) return { ...module, state: "unavailable", reason: unavailable.reason };
  if (verdict.absent.includes(name)) return { ...module, state: "absent", reason: "it is not in this tree" };
  const [problem] = problems.get(name) ?? [];
  if (problem === undefined) return { ...module, state: "loads" };
  return { ...module, state: "broken", reason: leftOutReason(problem) };
}
