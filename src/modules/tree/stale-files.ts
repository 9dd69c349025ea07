/**
 * Removes the stale files of dead processes beside a tree: work directories, renamed trees, a lock, a start gate. Does
 * nothing while a living process owns the lock, and prints nothing.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/errors.ts";
import { NAMES } from "../../release/index.ts";
import { removeStartGate } from "../lock/start-gate.ts";
import { LOCK_LIMITS, takeLock, type Lock } from "../lock/lock.ts";
import type { TreeLocation } from "../release/unpacked.ts";
import { checkWritable, isStaleFile, removeStaleFiles } from "./work.ts";

/**
 * Removes stale files if this user can write there and no living process owns the lock.
 * @throws the signal's reason
 */
export async function cleanStaleFiles(location: TreeLocation, signal: AbortSignal): Promise<void> {
  if (!hasStaleFiles(location.parent) || checkWritable(location) !== undefined) return;
  removeStartGate(join(location.parent, NAMES.startGate), 0);
  const lock = await lockIfFree(location.lock, signal);
  if (lock === undefined) return;
  try {
    removeStaleFiles(location);
  } finally {
    lock.release();
  }
}

function hasStaleFiles(parent: string): boolean {
  try {
    return readdirSync(parent).some(
      (name) => isStaleFile(name) || name === NAMES.lock || name === NAMES.startGate,
    );
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

/** Takes the lock; undefined when a living process owns it. */
export function lockIfFree(path: string, signal: AbortSignal): Promise<Lock | undefined> {
  let looks = 0;
  // The first failed try removes a dead owner's lock, so that only the second one counts.
  const done = () => {
    looks += 1;
    return looks > 1;
  };
  return takeLock(path, { limits: LOCK_LIMITS, signal, done, waiting: () => undefined });
}
