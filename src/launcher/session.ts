/**
 * What every command works with: one release, what the environment asks for, a way to speak, and a signal that says
 * when to stop. main.ts makes it from the process; nothing here reads the process itself.
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
  /** The same directory as the stub names it, which may lead through links. */
  readonly calledAs?: string | undefined;
  /** The caller's current directory, from which relative paths are meant; this process is in the release's own. */
  readonly directory: string;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly log: Log;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** The process id of whoever started this process. */
  readonly parent: number;
  /** What the running process says of itself. */
  readonly self: Self;
  /** Width of the terminal that standard output is, or 80; colour only where it is one. */
  readonly columns: number;
  readonly colour: boolean;
  /** Writes a line to standard output, for results that were asked for. */
  readonly print: (text: string) => void;
  /** Asks the person at the terminal for a line; undefined where there is none. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

export interface Opened {
  readonly release: Release;
  /** Where the tree is, or beside the release when there is none yet. */
  readonly location: TreeLocation;
  /** How that was chosen; its own place says where a tree would be made. */
  readonly plan: LocationPlan;
}

/** Looks, and changes nothing. */
export function openRelease(session: Session): Opened {
  const release = readRelease(session.root, readRunning(session.self, session.environment));
  const facts = readLocationFacts(release, ownerOf(session), "read");
  const plan = planLocation(facts, "read");
  return { release, location: plan.tree === "absent" ? facts.beside.location : plan.location, plan };
}

/** Who asks for a place. */
export function ownerOf({ self, environment, root, calledAs }: Session): Owner {
  return { uid: self.uid ?? -1, environment, roots: [...new Set([root, calledAs ?? root])] };
}

/** Where a tree would be made, if one had to be: as far as that can be told without writing. */
export function planWrite(session: Session, { release }: Opened): LocationPlan {
  return planLocation(readLocationFacts(release, ownerOf(session), "write"), "write");
}

/**
 * What would be run and others could change: the release, its program, its modules, the way to them by every name, and
 * every file of them.
 */
export function checkTrust(session: Session, { release, location }: Opened): Finding | undefined {
  const { uid, roots } = ownerOf(session);
  const principal = readPrincipal(uid);
  const purpose = { root: session.root, command: release.manifest.binary };
  const { system } = release;
  const programs = system === undefined ? [] : [system.found, system.path];
  const unsafe = readUnsafe({ directories: [], files: programs }, principal);
  const finding = trustFinding(unsafe, principal, purpose);
  // Nothing of the release is wrong then, and a copy of it would be run by the same Node.
  if (finding !== undefined) {
    return {
      ...finding,
      fix: `PATH=/usr/local/bin:/usr/bin:/bin ${shellWord(join(purpose.root, purpose.command))}`,
    };
  }
  const found = readUnsafe(usedBy(release, roots, location), principal);
  return trustFinding(found, principal, purpose);
}

/** @returns whether nobody else can change it; false only where GANTRY_SKIP lets that pass */
function requireTrust(session: Session, opened: Opened): boolean {
  const finding = checkTrust(session, opened);
  if (finding === undefined) return true;
  if (!session.settings.skip.has(finding.code)) throw new GantryError(finding);
  session.reporter.warn(`${finding.code}: ${finding.what} (skipped by GANTRY_SKIP)`);
  return false;
}

/** A repair goes on: it mends the modules, and verify names the rest. */
function refuseDamaged({ environment, reporter }: Session, release: Release): void {
  const { findings, warnings } = checkIntact(release, environment);
  for (const warning of warnings) reporter.warn(warning);
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

export interface Readied extends Ensured {
  /** Where the tree lies now. */
  readonly location: TreeLocation;
}

/** Makes the modules ready; `mend` puts right what is wrong with a tree that is there. */
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
  // What was made meanwhile is judged as well, before anybody runs it.
  const still = ensured.how === "ready" || requireTrust(session, { ...opened, location });
  if (trusted && still && ensured.stamped) await writeNote(release, ownerOf(session), location);
  return { ...ensured, location };
}
