/**
 * One process prepares a tree, the others wait for it. The lock is a file made with O_EXCL, which holds on network
 * file systems without lock daemons too; its holder rewrites it every second. It is an economy, not a safeguard:
 * the rename of a verified tree decides, so two holders (a stopped process whose lock was taken over) do double work
 * and no harm.
 */
import { randomBytes } from "node:crypto";
import { closeSync, linkSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, GantryError, isMissing } from "../../base/errors.ts";
import { formatLockOwner, isDead, parseLockOwner, readSelf, readWorld, type LockOwner } from "./owner.ts";
import { readOptionalText } from "../../base/files/index.ts";

/** All in milliseconds. */
export interface LockLimits {
  /** Between two heartbeats of the holder. */
  readonly beat: number;
  /** Without a heartbeat for so long, a holder that cannot be asked is taken for dead. */
  readonly stale: number;
  /** A living holder that makes no progress for so long ends the waiting. */
  readonly stuck: number;
  /** Longest pause between two looks of a waiting process. */
  readonly poll: number;
}

export const LOCK_LIMITS: LockLimits = { beat: 1000, stale: 20_000, stuck: 900_000, poll: 250 };

export interface Lock {
  /** Says what is being done, to whoever waits. */
  readonly report: (step: string, progress: number) => void;
  /** Did somebody take it over, because this process gave no sign of life for too long? */
  readonly isLost: () => boolean;
  /** Removes the lock unless somebody else holds it by now. */
  readonly release: () => void;
}

export interface LockOptions {
  readonly limits: LockLimits;
  readonly signal: AbortSignal;
  /** Asked while waiting; true ends the waiting without the lock. */
  readonly done: () => boolean;
  /** Told now and then on whom it waits. */
  readonly waiting: (owner: LockOwner | undefined, milliseconds: number) => void;
}

/**
 * Takes the lock, or waits until it is free or no longer wanted.
 * @returns undefined when `done` said so
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
    // Apart from each other, so that twenty waiters do not all wake in the same instant.
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
  let self = readSelf(randomBytes(12).toString("hex"), process.pid);
  const write = () => writeSync(descriptor, formatLockOwner(self), 0, "utf8");
  const beat = () => {
    self = { ...self, beat: self.beat + 1 };
    try {
      write();
    } catch {
      // A full disk must not end the work that the lock is for; without beats others may take over, harmlessly.
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

/** The record in the lock file; undefined while it is being written, or when there is none. */
export function readLockOwner(path: string): LockOwner | undefined {
  const text = readOptionalText(path);
  return text === undefined ? undefined : parseLockOwner(text);
}

/**
 * Watches one lock with this process's own steady clock, so that neither a clock set back nor another machine's
 * clock matters. Each call looks once; `gone` means that the lock was free or has been cleared away.
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
 * Removes a dead holder's lock. Several waiters may try: whoever renames it owns what it renamed, and gives it back
 * if that is not the record it meant to remove. Should that not be possible any more, two processes work at once, which the rename of the finished tree settles.
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

/** Fails where the name is taken again, and where there are no links (FAT, some network file systems): see above. */
function giveBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** A record that is still being written stands for itself. */
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
