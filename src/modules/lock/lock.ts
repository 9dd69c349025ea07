/**
 * One process prepares a tree, and the others wait for it. The lock is a file made with O_EXCL, which also works on
 * network file systems without a lock daemon. Its owner rewrites it every second. The lock saves work and is not needed
 * for safety: a verified tree is installed by one rename. Two owners, such as a stopped process and the one that took
 * its lock over, do the work twice and harm nothing.
 */
import { SELF } from "../../base/process/index.ts";
import { randomBytes } from "node:crypto";
import { closeSync, linkSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, GantryError, isMissing } from "../../base/errors.ts";
import { formatLockOwner, isDead, parseLockOwner, readSelf, readWorld, type LockOwner } from "./owner.ts";
import { readOptionalText } from "../../base/files/index.ts";

/** All in milliseconds. */
export interface LockLimits {
  /** Between two heartbeats of the lock owner. */
  readonly beat: number;
  /** A lock owner on another host or in another container counts as dead after this time without a heartbeat. */
  readonly stale: number;
  /** Waiting ends with LOCK_TIMEOUT when a living lock owner makes no progress for this time. */
  readonly stuck: number;
  /** The longest pause between two looks at the lock file. */
  readonly poll: number;
}

export const LOCK_LIMITS: LockLimits = { beat: 1000, stale: 20_000, stuck: 900_000, poll: 250 };

export interface Lock {
  /** Writes the current step into the lock file with the next heartbeat, for waiting processes. */
  readonly report: (step: string, progress: number) => void;
  /** Whether another process took the lock over, because no heartbeat came for too long. */
  readonly isLost: () => boolean;
  /** Removes the lock unless another process owns it now. */
  readonly release: () => void;
}

export interface LockOptions {
  readonly limits: LockLimits;
  readonly signal: AbortSignal;
  /** Called while waiting; true ends the waiting without the lock. */
  readonly done: () => boolean;
  /** Called after each look with the lock owner, if its record is readable, and the milliseconds waited so far. */
  readonly waiting: (owner: LockOwner | undefined, milliseconds: number) => void;
}

/**
 * Takes the lock, or waits until it is free or `done` returns true.
 * @returns undefined when `done` returned true
 * @throws GantryError LOCK_TIMEOUT; the file system's error where no lock can be made; the signal's reason
 */
export async function takeLock(path: string, options: LockOptions): Promise<Lock | undefined> {
  const watch = startWatch(path, options.limits);
  const began = performance.now();
  for (let pause = 25; ; pause = Math.min(pause * 1.5, options.limits.poll)) {
    const lock = tryLock(path, options.limits);
    if (lock !== undefined) return lock;
    if (options.done()) return undefined;
    const seen = watch();
    if (seen === "gone") continue;
    options.waiting(seen, performance.now() - began);
    // A random part keeps many waiting processes from waking at the same time.
    await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal: options.signal });
  }
}

function tryLock(path: string, limits: LockLimits): Lock | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", 0o644);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return undefined;
    throw error;
  }
  let self = readSelf(randomBytes(12).toString("hex"), SELF.pid);
  const write = () => writeSync(descriptor, formatLockOwner(self), 0, "utf8");
  const beat = () => {
    self = { ...self, beat: self.beat + 1 };
    try {
      write();
    } catch {
      // On a full disk the work goes on. Without heartbeats another process may take the lock over, which is harmless.
    }
  };
  try {
    write();
  } catch (error) {
    closeSync(descriptor);
    unlinkSync(path);
    throw error;
  }
  const timer = setInterval(beat, limits.beat);
  timer.unref();
  return {
    report: (step, progress) => {
      self = { ...self, step, progress };
    },
    isLost: () => readLockOwner(path)?.nonce !== self.nonce,
    release: () => {
      clearInterval(timer);
      closeSync(descriptor);
      if (readLockOwner(path)?.nonce === self.nonce) unlinkSync(path);
    },
  };
}

/** The record in the lock file; undefined when there is no file, or its record is not complete yet. */
export function readLockOwner(path: string): LockOwner | undefined {
  const text = readOptionalText(path);
  return text === undefined ? undefined : parseLockOwner(text);
}

/**
 * Watches one lock with this process's monotonic clock, so that changes of the clock and other machines' clocks do not
 * matter. Each call looks once. `gone` means that the lock was free, or that a dead owner's lock was removed.
 */
function startWatch(path: string, limits: LockLimits): () => LockOwner | undefined | "gone" {
  const world = readWorld();
  let last = { text: "", at: performance.now() };
  let moved = { mark: "", at: performance.now() };
  return () => {
    const now = performance.now();
    const text = readOptionalText(path);
    if (text === undefined) return "gone";
    const owner = parseLockOwner(text);
    if (text !== last.text) last = { text, at: now };
    const mark = `${owner?.nonce} ${owner?.step} ${owner?.progress}`;
    if (mark !== moved.mark) moved = { mark, at: now };
    const silent = now - last.at > limits.stale;
    if (silent || (owner !== undefined && isDead(owner, world))) {
      takeAway(path, text);
      return "gone";
    }
    if (now - moved.at > limits.stuck) throw stuck(path, owner, now - moved.at);
    return owner;
  };
}

/**
 * Removes a dead owner's lock. Several processes may try at once, so each renames the file first. If the renamed record
 * is not the expected one, the file is linked back. If that fails, two processes work at once, which is harmless.
 */
function takeAway(path: string, text: string): void {
  const aside = `${path}-${randomBytes(8).toString("hex")}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    const taken = readOptionalText(aside);
    if (taken !== undefined && nonceOf(taken) !== nonceOf(text)) giveBack(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Links the file back. Fails quietly where the name is taken, or where there are no hard links (FAT). */
function giveBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** What identifies a record: its nonce, or its raw text while it is incomplete. */
function nonceOf(record: string): string {
  return parseLockOwner(record)?.nonce ?? record;
}

function stuck(path: string, owner: LockOwner | undefined, milliseconds: number): GantryError {
  const who = owner === undefined ? "another process" : `process ${owner.pid} on ${owner.host}`;
  const doing = owner === undefined || owner.step === "" ? "" : ` (${owner.step})`;
  return new GantryError({
    code: "LOCK_TIMEOUT",
    what: `${who} is preparing this release${doing} and made no progress for ${Math.round(milliseconds / 60_000)} minutes`,
    where: path,
    fix:
      owner === undefined
        ? `remove ${path}, then start again`
        : `end process ${owner.pid} on ${owner.host}, then start again`,
  });
}
