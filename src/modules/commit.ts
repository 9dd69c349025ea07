/**
 * Installs a tree, whatever its module source: fetch into a work directory, normalize, compare every file with the
 * manifest, load every external, sync, rename, stamp. Until the rename nothing outside the work directory changes. A
 * run that ends early leaves the old tree, the new one, or (between two renames) none. A repair replaces single files
 * instead; when it ends early, the tree has no stamp. So no later start trusts a partial tree.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import {
  errorCode,
  GantryError,
  isMissing,
  toGantryError,
  type ErrorCode,
  type Finding,
} from "../base/errors.ts";
import { availableExternals, type ExternalModule, NAMES } from "../release/index.ts";
import { isNetworkComplaint } from "../runtime/index.ts";
import { count } from "../base/text.ts";
import { normalizeTree } from "./tree/normalize.ts";
import { syncDirectories, syncFiles, syncPath, type TreeListing } from "../base/files/index.ts";
import type { ModuleSource, SourceResult } from "./sources/source.ts";
import { loadExternals, type ProofOptions } from "./proof/load.ts";
import { repairInPlace } from "./tree/repair.ts";
import type { TreeLocation, Release } from "./release/unpacked.ts";
import type { Reporter } from "../base/reporter.ts";
import { readTreeState } from "./proof/tree-state.ts";
import { excludeModules } from "./tree/exclude.ts";
import { writeStamp, type Verdict } from "./proof/stamp.ts";
import { verifyTree, type TreeVerdict } from "./tree/verify.ts";
import { checkExecAllowed, createWork, emptyWork, locationError, removeQuietly } from "./tree/work.ts";

export interface CommitOptions extends ProofOptions {
  readonly source: ModuleSource;
  /** `repair` replaces only the files that differ, if there is a tree; `ready` replaces the whole tree. */
  readonly intent: "ready" | "repair";
}

export interface Committed {
  readonly included: readonly string[];
  /** Optional externals that were left out, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** `lost` when another process installed a tree first; that tree stays. */
  readonly outcome: "placed" | "lost";
  /** False when the next start has to prove the tree again. */
  readonly stamped: boolean;
  /** Files that were replaced or removed in an existing tree; undefined when the whole tree is new. */
  readonly repaired?: readonly string[];
}

/**
 * Fetches, proves and installs a tree. The caller holds the lock.
 * @throws GantryError with every finding of the required externals; what the module source and the file system throw
 */
export async function commitTree(options: CommitOptions): Promise<Committed> {
  const { location, signal } = options;
  const work = createWork(location);
  try {
    checkExecAllowed(work, location);
    const result = await runSource(options, work);
    const began = Date.now();
    const modules = join(work, NAMES.modules);
    const proven = await prove(options, modules, result);
    options.reporter.step("writing the modules to the disk");
    await syncDirectories(modules, proven.listing);
    signal.throwIfAborted();
    // A process that was stopped for longer than the lock's limit loses the lock, and the new owner may have finished.
    if (readTreeState(options.release, location, options.host).state === "ready")
      return { ...proven, outcome: "lost", stamped: true };
    const moved = await settleInPlace(options, modules, proven);
    // Removed before the stamp is written: later starts see the stamp and do not look for work directories.
    removeQuietly(work);
    if (moved.outcome === "lost") return { ...proven, ...moved, stamped: true };
    const stamped = await stampIfPossible({ ...options, ...proven, began }, options.reporter);
    return { ...proven, ...moved, stamped };
  } catch (error) {
    throw locationError(error, location);
  } finally {
    removeQuietly(work);
  }
}

/**
 * Writes the stamp. A stamp that cannot be written is no failure: the next start proves the tree again.
 * @returns whether the stamp was written
 */
export async function stampIfPossible(verdict: Verdict, reporter: Reporter): Promise<boolean> {
  try {
    await writeStamp(verdict);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    reporter.debug(`the stamp cannot be written (${code}): every start checks the modules again`);
    return false;
  }
}

async function runSource({ source, reporter, signal }: CommitOptions, work: string): Promise<SourceResult> {
  const result = await source.run({ work, reporter, signal, discard: () => emptyWork(work) });
  signal.throwIfAborted();
  // A package manager makes no node_modules when every module is optional and none could be fetched.
  mkdirSync(join(work, NAMES.modules), { recursive: true });
  return result;
}

interface Proven {
  readonly included: readonly string[];
  readonly leftOut: Readonly<Record<string, string>>;
  readonly listing: TreeListing;
}

/**
 * Normalizes and checks the tree, loads its externals, and syncs its files. An optional external that fails is excluded.
 * @throws GantryError with every finding of the required externals
 */
async function prove(
  options: CommitOptions,
  modules: string,
  { complaints, written }: SourceResult,
): Promise<Proven> {
  const { release, reporter, signal, environment } = options;
  const { manifest } = release;
  const leftOut: Record<string, string> = {};
  const available = availableExternals(manifest);
  const normalize = (externals: readonly ExternalModule[]) =>
    normalizeTree(modules, manifest, new Set(externals.map(({ name }) => name)));
  const normalized = normalize(available);
  reporter.step("checking every file");
  const verdict = await verifyTree(modules, manifest, { modes: "strict", written, signal });
  const broken = fileFindings(release, verdict, complaints);
  const required = settle(options, broken, leftOut);
  if (required !== undefined) throw required;

  const whole = available.filter((external) => verdict.whole.includes(external.name));
  const listing = whole.length === available.length ? normalized : normalize(whole);
  reporter.step(`loading ${count(whole.length, "module")}`);
  // Loading reads from the page cache, so that the sync can run at the same time.
  const [{ failed, warnings }] = await Promise.all([
    loadExternals(whole, {
      release,
      modules,
      environment,
      self: options.self,
      skip: options.skip,
      limit: options.loadLimit,
      signal,
    }),
    syncFiles(modules, listing),
  ]);
  for (const warning of warnings) reporter.warn(warning);
  const unloadable = settle(
    options,
    new Map([...failed].map(([name, finding]) => [name, [finding]])),
    leftOut,
  );
  if (unloadable !== undefined) throw unloadable;
  const loaded = whole.filter(({ name }) => !failed.has(name));
  const included = loaded.map(({ name }) => name);
  return { included, leftOut, listing: loaded.length === whole.length ? listing : normalize(loaded) };
}

/** Findings by external, each with the package manager's own line about it. */
function fileFindings(
  release: Release,
  verdict: TreeVerdict,
  complaints: readonly string[],
): Map<string, readonly Finding[]> {
  const findings = new Map<string, readonly Finding[]>();
  for (const { name, findings: mine } of verdict.broken) {
    findings.set(
      name,
      mine.map((finding) => withComplaint(finding, complaints)),
    );
  }
  for (const name of verdict.absent) {
    const version = release.manifest.modules[name]?.version ?? "";
    const what = `${name} ${version} did not arrive`;
    findings.set(name, [withComplaint({ code: "MODULE_UNAVAILABLE", what, where: name }, complaints)]);
  }
  return findings;
}

/**
 * Adds the package manager's line about a package that did not arrive. If the network was the cause, the code is
 * NETWORK_FAILED, whose exit status says that another try may help.
 */
function withComplaint(finding: Finding, complaints: readonly string[]): Finding {
  if (finding.code !== "MODULE_UNAVAILABLE") return finding;
  const name = finding.what.split(" ", 1)[0] ?? "";
  const line = complaints.find(
    (candidate) => candidate.includes(`${name}/-/`) || candidate.includes(`${name}@`),
  );
  if (line === undefined) return { ...finding, fix: MISSING_FIX };
  if (!isNetworkComplaint(line)) return { ...finding, detail: [line], fix: MISSING_FIX };
  return { ...finding, code: "NETWORK_FAILED", detail: [line], fix: NETWORK_FIX };
}

const MISSING_FIX = "use a registry that has exactly this package (GANTRY_REGISTRY=URL), then start again";
const NETWORK_FIX = "check the network, name another registry with GANTRY_REGISTRY=URL, then start again";

/** Codes about the app or the mount, not about one module: they stop the start even where the module is optional. */
const ALWAYS_FATAL: ReadonlySet<ErrorCode> = new Set(["EXEC_FAILED", "RELEASE_FILE_MISSING", "STORE_NOEXEC"]);

/** Whether the app starts without this external, because it is optional and the finding is about it alone. */
export function isLeftOut(external: ExternalModule, finding: Finding): boolean {
  return external.optional && !ALWAYS_FATAL.has(finding.code);
}

/** Why a module is missing, in one line. */
export function leftOutReason(finding: Finding): string {
  const [line] = finding.detail ?? [];
  return line === undefined ? finding.what : `${finding.what} (${line})`;
}

/**
 * Records in `leftOut` why optional externals are missing.
 * @returns one error with every finding of the required externals; undefined when there is none
 */
function settle(
  options: CommitOptions,
  findings: ReadonlyMap<string, readonly Finding[]>,
  leftOut: Record<string, string>,
): GantryError | undefined {
  const required = new Map<string, Finding>();
  for (const external of availableExternals(options.release.manifest)) {
    const mine = findings.get(external.name) ?? [];
    const [first] = mine;
    if (first === undefined) continue;
    if (isLeftOut(external, first)) {
      const reason = leftOutReason(first);
      leftOut[external.name] = reason;
      options.reporter.warn(`left out ${external.name}, which the app can start without: ${reason}`);
    } else for (const finding of mine) required.set(`${finding.code} ${finding.what}`, finding);
  }
  const [first, ...rest] = required.values();
  return first === undefined ? undefined : new GantryError(first, ...rest);
}

/** Repairs an existing tree file by file, or renames the whole new tree into place. */
async function settleInPlace(
  { intent, location, release, reporter, signal }: CommitOptions,
  from: string,
  { listing, included }: Proven,
): Promise<Pick<Committed, "outcome" | "repaired">> {
  if (intent === "ready" || !existsSync(location.modules))
    return { outcome: await moveIntoPlace(from, location) };
  const { manifest } = release;
  const whole = new Set(included);
  const repaired = await repairInPlace({ from, listing, included: whole, location, manifest, signal });
  if (location.store === undefined) excludeModules(manifest, location, whole, reporter);
  return { outcome: "placed", repaired };
}

/**
 * Renames the tree to its final name. An existing tree is renamed first, because rename(2) replaces only an empty
 * directory, and removed afterwards. If another process installs a tree in between, that tree stays.
 */
async function moveIntoPlace(from: string, location: TreeLocation): Promise<Committed["outcome"]> {
  const aside = join(location.parent, `${NAMES.old}${randomBytes(8).toString("hex")}`);
  const moved = renameIfThere(location.modules, aside);
  let outcome: Committed["outcome"] = "placed";
  try {
    renameSync(from, location.modules);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? "")) {
      if (moved) renameSync(aside, location.modules);
      throw toGantryError(locationError(error, location));
    }
    outcome = "lost";
  }
  await syncPath(location.parent);
  if (moved) removeQuietly(aside);
  return outcome;
}

function renameIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
