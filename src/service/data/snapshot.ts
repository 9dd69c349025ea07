/**
 * A copy of the service's data from before an upgrade, and the way back to it. The copy is made by the service's own
 * user (data.ts), shares blocks with the original where the file system can, and has its final name only once it is
 * whole and on the disk.
 */
import { chownSync, existsSync, lstatSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, GantryError } from "../../base/errors.ts";
import { syncPath } from "../../base/files/index.ts";
import type { ServiceContext } from "../service-context.ts";
import { checkData, copyData, ownerOf, readServiceAccount, type Account, type DataCopy } from "./data.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { removeTree } from "./mounts.ts";
import { endProcessesOf, nameProcesses } from "./processes.ts";
import { runOrThrow } from "../../base/process/index.ts";
import { ownsAccount } from "../names/marks.ts";

/** Milliseconds. */
const PATIENCE = 2000;
const LOOK = 50;

/** A copy that is not whole yet. */
function draftOf(path: string): string {
  return `${path}.draft`;
}

/** The copy, once what it replaces is set aside whole. */
function restoringOf({ snapshot }: ServiceLayout): string {
  return `${snapshot}.restoring`;
}

/** A copy that is whole. */
export function hasSnapshot(layout: ServiceLayout): boolean {
  return existsSync(layout.snapshot) || existsSync(restoringOf(layout));
}

/**
 * Whose data a snapshot would copy, if it can be copied now; nothing is changed.
 * @throws GantryError CONFIG_INVALID for a mount inside the data, LOCK_TIMEOUT for processes that could change it
 */
export async function requireCopyable(
  { layout }: ServiceContext,
  moment: "running" | "stopped",
): Promise<Account> {
  const account = await readServiceAccount(layout);
  const refused = checkData(layout, account, moment);
  if (refused !== undefined) throw new GantryError(refused);
  return account;
}

/**
 * Copies the data of a service that is stopped. A service that has no data yet gets no copy.
 * @throws GantryError see requireCopyable; DISK_FULL, IO_FAILED
 */
export async function takeSnapshot(context: ServiceContext): Promise<boolean> {
  const { layout } = context;
  const account = await untilCopyable(context);
  context.requireLock();
  await dropSnapshot(layout);
  if (!existsSync(layout.data)) return false;
  const draft = draftOf(layout.snapshot);
  await copyInto(context, { from: layout.data, to: draft, how: "fill", account });
  context.requireLock();
  renameSync(draft, layout.snapshot);
  await syncPath(layout.state);
  return true;
}

/** What systemd has just killed may take a moment to be gone. */
async function untilCopyable(context: ServiceContext): Promise<Account> {
  for (const limit = performance.now() + PATIENCE; ; await sleep(LOOK)) {
    try {
      return await requireCopyable(context, "stopped");
    } catch (error) {
      if (performance.now() > limit) throw error;
    }
  }
}

/** Fills a directory that is made for it, and waits until the disk has it all. */
async function copyInto(context: ServiceContext, copy: DataCopy): Promise<void> {
  const { to, account } = copy;
  mkdirSync(to, { mode: 0o700 });
  chownSync(to, account.uid, account.gid);
  await copyData(context, copy);
  // One call for the whole file system: the copy may hold any number of files.
  await runOrThrow("sync", ["-f", to]);
}

export async function dropSnapshot(layout: ServiceLayout): Promise<void> {
  for (const path of [
    draftOf(layout.snapshot),
    layout.snapshot,
    restoringOf(layout),
    draftOf(layout.replaced),
  ]) {
    await removeTree(path);
  }
}

/**
 * Puts the copy in the data's place. What was written since is set aside, not deleted: somebody may have been told that
 * it was stored. Interrupted anywhere, it can be done again.
 */
export async function restoreSnapshot(context: ServiceContext): Promise<void> {
  const { layout } = context;
  if (!hasSnapshot(layout)) return;
  await endUser(context);
  const data = lstatSync(layout.data, { throwIfNoEntry: false });
  // A link is the host's own way to another disk, and stays.
  const inPlace = existsSync(restoringOf(layout)) || (data !== undefined && !data.isDirectory());
  if (inPlace) {
    await restoreByCopy(context);
    return;
  }
  try {
    if (data !== undefined) {
      context.requireLock();
      await removeReplaced(layout);
      renameSync(layout.data, layout.replaced);
    }
    context.requireLock();
    renameSync(layout.snapshot, layout.data);
    await syncPath(dirname(layout.data));
    await syncPath(layout.state);
  } catch (error) {
    // A mount point, or another file system than gantry's own directory.
    if (!["EBUSY", "EXDEV"].includes(errorCode(error) ?? "")) throw error;
    await restoreByCopy(context);
  }
}

/** What was set aside the last time makes room. */
async function removeReplaced({ replaced }: ServiceLayout): Promise<void> {
  const [mount] = await removeTree(replaced);
  if (mount === undefined) return;
  throw new GantryError({
    code: "IO_FAILED",
    what: `${replaced} cannot be removed: something is mounted in it`,
    where: mount,
    fix: `umount ${mount}`,
  });
}

/** For data that cannot be renamed. The copy is there until the data is as before, and on the disk. */
async function restoreByCopy(context: ServiceContext): Promise<void> {
  const { layout } = context;
  const restoring = restoringOf(layout);
  if (!existsSync(restoring)) {
    const account = ownerOf(layout.snapshot);
    const draft = draftOf(layout.replaced);
    await removeTree(draft);
    await copyInto(context, { from: layout.data, to: draft, how: "set-aside", account });
    context.requireLock();
    await removeReplaced(layout);
    renameSync(draft, layout.replaced);
    renameSync(layout.snapshot, restoring);
    await syncPath(layout.state);
  }
  await copyData(context, {
    from: restoring,
    to: layout.data,
    how: "replace",
    account: ownerOf(restoring),
  });
  await runOrThrow("sync", ["-f", layout.data]);
  context.requireLock();
  await removeTree(restoring);
}

/**
 * Nobody may write to the data while it is exchanged. Whatever else runs as a user that gantry made is the service's
 * own, and is ended; what another user does is that user's, and is named.
 */
async function endUser({ layout, reporter, host }: ServiceContext): Promise<void> {
  if (host === "booting") return;
  const account = await readServiceAccount(layout);
  if (account.uid === 0) return;
  if (!ownsAccount(layout, account.uid)) {
    const refused = checkData(layout, account, "stopped");
    if (refused !== undefined) reporter.warn(`${refused.what}; it is put back all the same`);
    return;
  }
  const left = await endProcessesOf(account.uid);
  if (left.length > 0)
    throw new GantryError({
      code: "LOCK_TIMEOUT",
      what: `processes of ${layout.name} do not end: ${nameProcesses(left)}`,
      where: layout.data,
      fix: `end them, then: ${layout.fallback}/gantry status`,
    });
}
