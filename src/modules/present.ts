/**
 * Proves an existing tree: one that was copied, came with an image, or was prepared on another host. This needs only
 * read access. Where writing is possible, it writes the stamp and excludes optional externals that are damaged or do not
 * load, because the app could load them.
 */
import { GantryError, type Finding } from "../base/errors.ts";
import { availableExternals } from "../release/index.ts";
import { count } from "../base/text.ts";
import { isLeftOut, leftOutReason, stampIfPossible } from "./commit.ts";
import { loadExternals, type LoadResult, type ProofOptions } from "./proof/load.ts";
import { excludeModules } from "./tree/exclude.ts";
import { verifyTree, type TreeVerdict } from "./tree/verify.ts";

export interface PresentResult {
  /** Why the tree cannot be used and another one is needed. Empty when the tree was proven. */
  readonly broken: readonly Finding[];
  readonly stamped: boolean;
}

/**
 * Compares every file with the manifest, loads the externals, and writes the stamp if it can.
 * @throws GantryError when every file is right and a required module still does not load, because another copy of the
 *   same files would not load either; DIGEST_MISMATCH when the tree of a release that pins a key has other files
 */
export async function provePresent(options: ProofOptions): Promise<PresentResult> {
  const { release, location, reporter, signal } = options;
  const began = Date.now();
  const verdict = await verifyTree(location.modules, release.manifest, { modes: "ignored", signal });
  const broken = verdict.broken.filter((external) => !external.optional);
  if (broken.length > 0)
    return { broken: unique(broken.flatMap(({ findings }) => findings)), stamped: false };
  // A planted file may come from another user who can write here, so that the start is refused.
  if (verdict.planted !== undefined) throw new GantryError(verdict.planted.finding);
  const leftOut = leftOutByFiles(verdict);
  const failed = await loadWhole(options, verdict);
  for (const [name, finding] of failed) leftOut.set(name, leftOutReason(finding));
  const included = verdict.whole.filter((name) => !leftOut.has(name));
  for (const [name, reason] of leftOut) reporter.warn(`going without ${name}, which is optional: ${reason}`);
  // Releases share the trees of a store: a module that does not load here may be needed by another release.
  const kept = location.store === undefined ? verdict.absent : [...verdict.absent, ...verdict.whole];
  const harmful = [...leftOut.keys()].filter((name) => !kept.includes(name));
  if (harmful.length > 0) excludeModules(release.manifest, location, new Set(included), reporter);
  if (verdict.foreign.length > 0)
    reporter.debug(`${count(verdict.foreign.length, "foreign file")} in the tree`);
  const stamp = { ...options, included, leftOut: Object.fromEntries(leftOut), began };
  const stamped = await stampIfPossible(stamp, reporter);
  reporter.debug(
    `checked ${count(verdict.checkedFiles, "file")}, loaded ${count(included.length, "module")}`,
  );
  return { broken: [], stamped };
}

function leftOutByFiles(verdict: TreeVerdict): Map<string, string> {
  const damaged = verdict.broken.map(({ name, findings }) => [name, leftOutReason(findings[0])] as const);
  const absent = verdict.absent.map((name) => [name, "it is not in this tree"] as const);
  return new Map([...damaged, ...absent]);
}

/**
 * Loads the externals whose files are right.
 * @returns findings of optional externals, by name
 * @throws GantryError with all findings of required externals
 */
async function loadWhole(options: ProofOptions, verdict: TreeVerdict): Promise<LoadResult["failed"]> {
  const { release, location, environment, loadLimit, signal } = options;
  const whole = availableExternals(release.manifest).filter(({ name }) => verdict.whole.includes(name));
  const { failed, warnings, files, took } = await loadExternals(whole, {
    release,
    modules: location.modules,
    environment,
    self: options.self,
    skip: options.skip,
    limit: loadLimit,
    signal,
  });
  for (const warning of warnings) options.reporter.warn(warning);
  const judged = `judged ${count(files.size, "native file")} in ${took.files.toFixed(1)} ms`;
  options.reporter.debug(`${judged}, after reading the host in ${took.host.toFixed(1)} ms`);
  const fatal = whole.flatMap((external) => {
    const finding = failed.get(external.name);
    return finding === undefined || isLeftOut(external, finding) ? [] : [finding];
  });
  const [first, ...rest] = unique(fatal);
  if (first !== undefined) throw new GantryError(first, ...rest);
  return failed;
}

/** Findings without repetitions: a module that several externals need is one finding. */
export function unique(findings: readonly Finding[]): Finding[] {
  return [
    ...new Map(
      findings.map((finding) => [`${finding.code} ${finding.what} ${finding.where}`, finding]),
    ).values(),
  ];
}
