/**
 * Makes a directory for the tree in the first store that works. Reading cannot tell whether directories can be made
 * there and code can be mapped from them, so that both are tried. A store that fails is skipped, and its reason is
 * kept.
 */
import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode, isMissing, type Finding } from "../../base/errors.ts";
import { NAMES, STORE_VARIABLES } from "../../release/index.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";
import type { Reporter } from "../../base/reporter.ts";
import { removeQuietly } from "../tree/work.ts";
import { mapsCode } from "../tree/exec-probe.ts";
import {
  describeError,
  readLocationFacts,
  untrustedReason,
  type CandidateFacts,
  type Owner,
  type Reason,
} from "./facts.ts";
import { planLocation, planRefusal, tried, triedLine, type Tried } from "./choose.ts";
import { writeReferences } from "./reference.ts";

/**
 * Finds a location that can be written. In a store, it also notes that this release uses the tree.
 * @returns the location, or a finding that lists every location and why it cannot be used
 */
export function ensureStore(release: Release, owner: Owner, reporter: Reporter): TreeLocation | Finding {
  const facts = readLocationFacts(release, owner, "write");
  const plan = planLocation(facts, "write");
  const { unwritable } = facts.beside;
  if (unwritable === undefined) return facts.beside.location;
  const failed: Tried[] = [];
  for (const usable of plan.usable) {
    const reason = openStore(usable, release, owner);
    const { candidate, location } = usable;
    if (reason !== undefined) {
      failed.push({ candidate, reason });
      continue;
    }
    warnPassedOver(candidate.variable, [...tried(facts.candidates), ...failed], reporter);
    reporter.debug(`nothing can be written beside the release; the modules go to ${location.parent}`);
    return location;
  }
  return planRefusal(unwritable, inOrder([...tried(facts.candidates), ...failed]));
}

const rank = ({ candidate }: Tried) => STORE_VARIABLES.indexOf(candidate.variable);

function inOrder(all: readonly Tried[]): Tried[] {
  return all.toSorted((a, b) => rank(a) - rank(b));
}

/** Warns when GANTRY_STORE is set and its store cannot be used. */
function warnPassedOver(chosen: string, all: readonly Tried[], reporter: Reporter): void {
  const named = all.find(({ candidate }) => candidate.variable === "GANTRY_STORE");
  if (named !== undefined) reporter.warn(`${triedLine(named)}; ${chosen} is used instead`);
}

/** Root's stores are readable for all users, as they hold nothing secret; a user's store is private. */
const modeFor = (uid: number) => (uid === 0 ? 0o755 : 0o700);

function openStore(
  { candidate, location }: CandidateFacts,
  release: Release,
  owner: Owner,
): Reason | undefined {
  try {
    for (const path of [candidate.directory, dirname(location.parent), location.parent]) {
      makeDirectory(path, modeFor(owner.uid));
    }
    const untrusted = untrustedReason(candidate, location, owner.uid);
    if (untrusted !== undefined) return untrusted;
    writeReferences(release, owner.roots, location);
    return execReason(location);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return describeError(error, location.parent);
  }
}

/** Makes a directory with this mode, whatever the umask. An existing directory keeps its mode. */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
    chmodSync(path, mode);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

/** Tries to map code, in a work directory of its own; if this process dies, the next lock owner removes it. */
function execReason(location: TreeLocation): Reason | undefined {
  const work = mkdtempSync(join(location.parent, NAMES.work));
  try {
    if (mapsCode(work)) return undefined;
    return { code: "STORE_NOEXEC", text: "no code can be loaded from it: it is mounted noexec" };
  } catch (error) {
    // The lock owner removed the work directory in between, and has made the same check.
    if (isMissing(error)) return undefined;
    throw error;
  } finally {
    removeQuietly(work);
  }
}
