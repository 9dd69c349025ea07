/**
 * Removes what dead runs left beside a tree: work directories, trees that were moved aside, a lock, a claim. Whoever
 * works there is left alone, and nothing is said: it is nobody's any more.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import { NAMES } from "../../release/index.ts";
import { releaseClaim } from "../lock/start-gate.ts";
import { LOCK_LIMITS, takeLock, type Lock } from "../lock/lock.ts";
import type { Place } from "../release/unpacked.ts";
import { checkWritable, isLeftover, removeLeftovers } from "./work.ts";

/** @throws the signal's reason */
export async function tidyPlace(place: Place, signal: AbortSignal): Promise<void> {
  if (!hasLeftovers(place.parent) || checkWritable(place) !== undefined) return;
  releaseClaim(join(place.parent, NAMES.claim), 0);
  const lock = await lockIfFree(place.lock, signal);
  if (lock === undefined) return;
  try {
    removeLeftovers(place);
  } finally {
    lock.release();
  }
}

function hasLeftovers(parent: string): boolean {
  try {
    return readdirSync(parent).some(
      (name) => isLeftover(name) || name === NAMES.lock || name === NAMES.claim,
    );
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/** The lock, unless somebody alive holds it. */
export function lockIfFree(path: string, signal: AbortSignal): Promise<Lock | undefined> {
  let looks = 0;
  // The second look comes after a dead holder's lock has been cleared away.
  const done = () => {
    looks += 1;
    return looks > 1;
  };
  return takeLock(path, { limits: LOCK_LIMITS, signal, done, waiting: () => undefined });
}
