/**
 * Makes a release's modules ready with the least work that suffices: nothing, a proof of the existing tree, waiting for
 * the process that installs, or an installation. The launcher's commands call only this.
 */
import { wantedModules } from "../release/index.ts";
import { GantryError, toGantryError, type ErrorCode, type Finding } from "../base/errors.ts";
import type { Environment } from "../base/environment.ts";
import { count } from "../base/text.ts";
import { commitTree } from "./commit.ts";
import { readHostId } from "./proof/tree-facts.ts";
import type { ModuleSource } from "./sources/source.ts";
import type { LockOwner } from "./lock/owner.ts";
import type { Self } from "./proof/judge.ts";
import { LOCK_LIMITS, takeLock, type Lock, type LockLimits } from "./lock/lock.ts";
import { readTreeState } from "./proof/tree-state.ts";
import { provePresent } from "./present.ts";
import { checkExecutable, checkMachine, type TreeLocation, type Release } from "./release/unpacked.ts";
import type { Reporter } from "../base/reporter.ts";
import { checkAbi } from "./proof/host-node.ts";
import { cleanStaleFiles } from "./tree/stale-files.ts";
import { checkWritable, locationError, removeStaleFiles } from "./tree/work.ts";

export interface EnsureOptions {
  readonly release: Release;
  readonly location: TreeLocation;
  /** Where an absent tree comes from, or why none may be installed. */
  readonly source: ModuleSource | Finding;
  readonly reporter: Reporter;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly self: Self;
  /** Codes that are warnings here (GANTRY_SKIP). */
  readonly skip: ReadonlySet<ErrorCode>;
  /** `repair` replaces the files of an existing tree that differ; the caller has removed its stamp. */
  readonly intent: "ready" | "repair";
  /** Called when a tree is needed and `location` cannot be written. Returns another location, or why there is none. */
  readonly relocate?: (() => TreeLocation | Finding) | undefined;
  readonly lockLimits?: LockLimits;
  readonly loadLimit?: number;
}

export interface Ensured {
  /** What was done: nothing, a proof of the existing tree, an installation, or waiting for another process. */
  readonly how: "ready" | "proven" | "installed" | "waited";
  /** False when the next start has to prove the tree again. */
  readonly stamped: boolean;
  /** Files that were replaced or removed in an existing tree, relative to the release. */
  readonly repaired?: readonly string[];
}

/**
 * Makes sure that a proven tree exists. It may run in several processes at once, and again after an interruption.
 * @throws GantryError with everything that keeps the release from starting; the signal's reason
 */
export async function ensureTree(options: EnsureOptions): Promise<Ensured> {
  const { release, location, reporter } = options;
  const host = readHostId();
  checkRelease(release, options.self);
  const isReady = () => readTreeState(release, location, host).state === "ready";
  const tree = readTreeState(release, location, host);
  if (tree.state === "ready") return { how: "ready", stamped: true };
  reporter.debug(tree.why);
  let broken: readonly Finding[] = [];
  if (tree.state === "present" && options.intent === "ready") {
    const present = await provePresent({ ...options, host });
    if (present.broken.length === 0) {
      await cleanStaleFiles(location, options.signal);
      return { how: "proven", stamped: present.stamped };
    }
    broken = present.broken;
  }
  const unusable = checkPath(release, location) ?? checkWritable(location);
  const elsewhere = "run" in options.source && unusable !== undefined ? options.relocate?.() : undefined;
  if (elsewhere !== undefined && "modules" in elsewhere) {
    for (const finding of broken) reporter.warn(`${finding.what}, and it cannot be mended there`);
    return await ensureTree({ ...options, location: elsewhere, relocate: undefined });
  }
  try {
    const source = allowedSource(options, checkPath(release, location) ?? elsewhere ?? unusable);
    const lock = await takeLock(location.lock, {
      limits: options.lockLimits ?? LOCK_LIMITS,
      signal: options.signal,
      done: isReady,
      waiting: waitingReporter(reporter),
    });
    if (lock === undefined) return { how: "waited", stamped: true };
    let failure: unknown;
    try {
      return await installLocked({ ...options, reporter: teeReporter(reporter, lock) }, host, source);
    } catch (error) {
      if (options.signal.aborted || !lock.isLost()) throw error;
      failure = error;
    } finally {
      lock.release();
    }
    // The process that took the lock over has removed this run's work directory and installs the same tree.
    reporter.debug(`another process took over: ${toGantryError(failure).message}`);
    return await ensureTree(options);
  } catch (error) {
    options.signal.throwIfAborted();
    const failure = toGantryError(locationError(error, location));
    if (isReady()) return { how: "waited", stamped: true };
    throw new GantryError(failure.findings[0], ...failure.findings.slice(1), ...broken);
  }
}

/**
 * Checks machine, program and ABI of the release; reads no file as a whole.
 * @throws GantryError with all findings
 */
function checkRelease(release: Release, machine: Self): void {
  const findings = [checkMachine(release, machine), checkExecutable(release), checkAbi(release, machine)];
  const [first, ...rest] = findings.filter((finding) => finding !== undefined);
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/** Bun 1.3.7 to 1.4.5 reads `?` in a module's path as the start of a query, and a backslash as a slash. */
function checkPath({ manifest }: Release, { modules }: TreeLocation): Finding | undefined {
  if (manifest.runtime.kind !== "bun" || !/[?\\]/.test(modules)) return undefined;
  return {
    code: "CONFIG_INVALID",
    what: "Bun loads no module from a path with ? or \\ in it",
    where: modules,
    fix: "move the release to a directory without them",
  };
}

/**
 * The module source, if an installation is possible. Called before the lock is taken.
 * @throws GantryError with everything that forbids an installation
 */
function allowedSource({ source }: EnsureOptions, unwritable: Finding | undefined): ModuleSource {
  const findings = [...(unwritable === undefined ? [] : [unwritable]), ...("run" in source ? [] : [source])];
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  if ("run" in source) return source;
  throw new GantryError(source);
}

/**
 * Installs the tree, with the lock. The tree's state is read again first, because another process may have finished
 * before this one got the lock.
 */
async function installLocked(options: EnsureOptions, host: string, source: ModuleSource): Promise<Ensured> {
  const { release, location, reporter } = options;
  removeStaleFiles(location);
  const tree = readTreeState(release, location, host);
  if (tree.state === "ready") return { how: "waited", stamped: true };
  if (tree.state === "present" && options.intent === "ready") {
    const present = await provePresent({ ...options, host });
    if (present.broken.length === 0) return { how: "proven", stamped: present.stamped };
    for (const finding of present.broken) reporter.debug(finding.what);
  }
  const modules = wantedModules(release.manifest);
  const began = performance.now();
  reporter.step(`installing ${count(modules.length, "module")} ${source.description}`);
  const committed = await commitTree({ ...options, host, source });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (committed.outcome === "lost") return { how: "waited", stamped: true };
  reporter.step(`the modules are ready (${seconds} s)`);
  return {
    how: "installed",
    stamped: committed.stamped,
    ...(committed.repaired === undefined ? {} : { repaired: committed.repaired }),
  };
}

/** A reporter that also writes each step into the lock file, where waiting processes read it. */
function teeReporter(reporter: Reporter, lock: Lock): Reporter {
  let step = "";
  return {
    ...reporter,
    step: (text) => {
      step = text;
      lock.report(step, 0);
      reporter.step(text);
    },
    progress: (progress) => {
      lock.report(step, progress.bytes);
      reporter.progress(progress);
    },
  };
}

/** Milliseconds of waiting before it is reported. */
const PATIENCE = 1000;

function waitingReporter(reporter: Reporter) {
  let said = "";
  return (owner: LockOwner | undefined, milliseconds: number) => {
    if (milliseconds < PATIENCE || owner === undefined) return;
    const doing = owner.step === "" ? "" : `: ${owner.step}`;
    const text = `waiting for process ${owner.pid} on ${owner.host}${doing}`;
    if (text !== said) reporter.step(text);
    said = text;
  };
}
