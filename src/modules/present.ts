/**
 * Proves a tree where it lies: one that was copied, came with an image, or was made ready on another host. Only
 * reading is needed for that. Two things are written where they can be: the stamp, and the removal of an optional
 * external that is damaged or does not load, because the app would meet it.
 */
import { GantryError, type Finding } from "../base/errors.ts";
import { availableExternals } from "../release/index.ts";
import { count } from "../base/text.ts";
import { isLeftOut, leftOutReason, stampIfPossible } from "./commit.ts";
import { loadExternals, type LoadResult, type ProofOptions } from "./proof/load.ts";
import { excludeModules } from "./tree/exclude.ts";
import { verifyTree, type TreeVerdict } from "./tree/verify.ts";

export interface PresentResult {
  /** What keeps the tree from being used: another one has to be made. Empty when it was proven. */
  readonly broken: readonly Finding[];
  readonly stamped: boolean;
}

/**
 * @throws GantryError when the tree is right, file by file, and a required module still does not load here: another
 *   copy of the same files would not either; DIGEST_MISMATCH when a release that pins a key has more than its own files
 */
export async function provePresent(options: ProofOptions): Promise<PresentResult> {
  const { release, location, reporter, signal } = options;
  const began = Date.now();
  const verdict = await verifyTree(location.modules, release.manifest, { modes: "ignored", signal });
  const broken = verdict.broken.filter((external) => !external.optional);
  if (broken.length > 0)
    return { broken: unique(broken.flatMap(({ findings }) => findings)), stamped: false };
  // A planted package means that somebody else can write here. A person has to know that before the app starts.
  if (verdict.planted !== undefined) throw new GantryError(verdict.planted.finding);
  const leftOut = leftOutByFiles(verdict);
  const failed = await loadWhole(options, verdict);
  for (const [name, finding] of failed) leftOut.set(name, leftOutReason(finding));
  const included = verdict.whole.filter((name) => !leftOut.has(name));
  for (const [name, reason] of leftOut) reporter.warn(`going without ${name}, which is optional: ${reason}`);
  // What merely does not load here may be another release's: releases share the trees of a store.
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

/** @returns findings of optional externals; those of required ones are thrown, all of them */
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

/** The same module may be needed by several externals; it is one finding. */
export function unique(findings: readonly Finding[]): Finding[] {
  return [
    ...new Map(
      findings.map((finding) => [`${finding.code} ${finding.what} ${finding.where}`, finding]),
    ).values(),
  ];
}
