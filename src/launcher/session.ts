/**
 * The session: what every command is given. It has one release, settings, output, and a signal that stops the work.
 * main.ts makes it from the process. This file does not read the process.
 */
import { join } from "node:path";
import type { Log } from "../base/log.ts";
import { GantryError, type Finding } from "../base/errors.ts";
import {
  checkIntact,
  type Ensured,
  type EnsureOptions,
  ensureStore,
  ensureTree,
  noteReferences,
  type Owner,
  type TreeLocation,
  type LocationPlan,
  planLocation,
  readLocationFacts,
  readRelease,
  readRunning,
  type Release,
  type Self,
  usedBy,
  writeNote,
} from "../modules/index.ts";
import type { Reporter } from "../base/reporter.ts";
import type { Environment } from "../base/environment.ts";
import { shellWord } from "../base/text.ts";
import { readPrincipal, readUnsafe, trustFinding } from "../trust/index.ts";
import { planSource, type SourceChoice } from "./source-plan.ts";
import type { Settings } from "./settings.ts";

export interface Session {
  /** The release's root directory. */
  readonly root: string;
  /** The same directory by the path that the stub was started with, which may lead through links. */
  readonly calledAs?: string | undefined;
  /** The caller's current directory, from which relative paths start. The process itself runs in the release's root. */
  readonly directory: string;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly log: Log;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** The process id of the script that started this process. */
  readonly parent: number;
  /** Facts about the running process. */
  readonly self: Self;
  /** Sets the permission bits that new files of this process do not get. */
  readonly setUmask: (mask: number) => void;
  /** Width of the terminal at stdout; 80 when there is none. */
  readonly columns: number;
  /** Whether stdout is a terminal. */
  readonly colour: boolean;
  /** Writes a line to stdout, for the results of a command. */
  readonly print: (text: string) => void;
  /** Asks the person at the terminal for a line; undefined when stdin is no terminal. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

export interface Opened {
  readonly release: Release;
  /** The location of the tree; beside the release when there is no tree yet. */
  readonly location: TreeLocation;
  /** How the location was chosen. Without a tree, `plan.location` is where a tree would be made. */
  readonly plan: LocationPlan;
}

/**
 * Reads the release and finds its tree; changes nothing.
 * @throws what readRelease throws
 */
export function openRelease(session: Session): Opened {
  const release = readRelease(session.root, readRunning(session.self, session.environment));
  const facts = readLocationFacts(release, ownerOf(session), "read");
  const plan = planLocation(facts, "read");
  return { release, location: plan.tree === "absent" ? facts.beside.location : plan.location, plan };
}

/** The user who runs this, with the environment and the paths of the release, for choosing a location. */
export function ownerOf({ self, environment, root, calledAs }: Session): Owner {
  return { uid: self.uid ?? -1, environment, roots: [...new Set([root, calledAs ?? root])] };
}

/** Where a tree would be made, as far as reading tells. */
export function planWrite(session: Session, { release }: Opened): LocationPlan {
  return planLocation(readLocationFacts(release, ownerOf(session), "write"), "write");
}

/**
 * Checks that only root and this user can change what a start runs: the release, its program, its modules, and the
 * directories on every path to them. Undefined when that holds.
 */
export function checkTrust(session: Session, { release, location }: Opened): Finding | undefined {
  const { uid, roots } = ownerOf(session);
  const principal = readPrincipal(uid);
  const purpose = { root: session.root, command: release.manifest.binary };
  const { system } = release;
  const programs = system === undefined ? [] : [system.found, system.path];
  const unsafe = readUnsafe({ directories: [], files: programs }, principal);
  const finding = trustFinding(unsafe, principal, purpose);
  // The usual fix, to copy the release, would not help: the same Node would run the copy.
  if (finding !== undefined) {
    return {
      ...finding,
      fix: `PATH=/usr/local/bin:/usr/bin:/bin ${shellWord(join(purpose.root, purpose.command))}`,
    };
  }
  const found = readUnsafe(usedBy(release, roots, location), principal);
  return trustFinding(found, principal, purpose);
}

/**
 * Refuses what checkTrust finds. When GANTRY_SKIP has the finding's code, warns instead.
 * @returns true when checkTrust finds nothing; false when it warned
 * @throws GantryError STORE_UNSAFE
 */
function requireTrust(session: Session, opened: Opened): boolean {
  const finding = checkTrust(session, opened);
  if (finding === undefined) return true;
  if (!session.settings.skip.has(finding.code)) throw new GantryError(finding);
  session.reporter.warn(`${finding.code}: ${finding.what} (skipped by GANTRY_SKIP)`);
  return false;
}

/**
 * Refuses a release whose files in lib/ are not as they were built. Warns of other such files, such as texts and units.
 * Not called for a repair, because verify reports these files.
 * @throws GantryError with all findings of checkIntact
 */
function refuseDamaged({ environment, reporter }: Session, release: Release): void {
  const { findings, warnings } = checkIntact(release, environment);
  for (const warning of warnings) reporter.warn(warning);
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

export interface Readied extends Ensured {
  /** The location of the tree now. */
  readonly location: TreeLocation;
}

/**
 * Makes the modules ready (ensureTree). First checks the release's own files, and that no other user can change them.
 * @throws GantryError with everything that keeps the release from starting
 */
export async function ensureReady(
  session: Session,
  opened: Opened,
  options: SourceChoice & { readonly intent?: EnsureOptions["intent"] },
): Promise<Readied> {
  const { reporter, environment, signal, self, settings } = session;
  const { release } = opened;
  const trusted = requireTrust(session, opened);
  if (options.intent !== "repair") refuseDamaged(session, release);
  let { location } = opened;
  if (location.store !== undefined) noteReferences(release, ownerOf(session).roots, location);
  const relocate = () => {
    const found = ensureStore(release, ownerOf(session), reporter);
    if ("modules" in found) location = found;
    return found;
  };
  const source = planSource(session, release, options);
  const intent = options.intent ?? "ready";
  const { skip } = settings;
  const common = { release, source, reporter, environment, signal, self, skip, intent, relocate };
  const ensured = await ensureTree({ ...common, location });
  // Checks again, because modules have been installed since the first check.
  const still = ensured.how === "ready" || requireTrust(session, { ...opened, location });
  if (trusted && still && ensured.stamped) await writeNote(release, ownerOf(session), location);
  return { ...ensured, location };
}
