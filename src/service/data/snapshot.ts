/**
 * The snapshot of a service's data from before an upgrade, and its restoration. A process of the service's own user
 * copies (data.ts). The copy shares blocks with the original where the file system can share them. It gets its final
 * name only when it is complete and on the disk.
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

/**
 * PATIENCE: milliseconds to wait for processes of a service that was just stopped. LOOK: milliseconds between two
 * looks.
 */
const PATIENCE = 2000;
const LOOK = 50;

/** The path of a copy that is not complete yet. */
function draftOf(path: string): string {
  return `${path}.draft`;
}

/** The path of the snapshot after the data that it will replace was copied to `replaced` completely (restoreByCopy). */
function restoringOf({ snapshot }: ServiceLayout): string {
  return `${snapshot}.restoring`;
}

/** Whether there is a complete snapshot. */
export function hasSnapshot(layout: ServiceLayout): boolean {
  return existsSync(layout.snapshot) || existsSync(restoringOf(layout));
}

/**
 * Checks that a snapshot can be made now. Changes nothing.
 * @returns the account of the service, which makes the copy
 * @throws GantryError CONFIG_INVALID for a mount inside the data, LOCK_TIMEOUT for processes that could change the data
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
 * Copies the data of a service that is stopped. A service without data gets no copy.
 * @returns whether there is a copy
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

/**
 * Tries requireCopyable again for PATIENCE, because a process that systemd has just killed may take a moment to end.
 */
async function untilCopyable(context: ServiceContext): Promise<Account> {
  for (const limit = performance.now() + PATIENCE; ; await sleep(LOOK)) {
    try {
      return await requireCopyable(context, "stopped");
    } catch (error) {
      if (performance.now() > limit) throw error;
    }
  }
}

/** Copies into a new directory, and waits until the copy is on the disk. */
async function copyInto(context: ServiceContext, copy: DataCopy): Promise<void> {
  const { to, account } = copy;
  mkdirSync(to, { mode: 0o700 });
  chownSync(to, account.uid, account.gid);
  await copyData(context, copy);
  // One call for the whole file system (syncfs(2)), because the copy may have any number of files.
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
 * Puts the snapshot in the place of the data, if there is one. The data that it replaces is kept in `replaced`, because
 * the app may have accepted writes. What an earlier restoration kept there is deleted. Can be repeated after an
 * interruption at any point.
 */
export async function restoreSnapshot(context: ServiceContext): Promise<void> {
  const { layout } = context;
  if (!hasSnapshot(layout)) return;
  await endUser(context);
  const data = lstatSync(layout.data, { throwIfNoEntry: false });
  // A link is not replaced: the host has made it, for example to another disk.
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
    // EBUSY: the data directory is a mount point. EXDEV: its file system is not that of gantry's own directory.
    if (!["EBUSY", "EXDEV"].includes(errorCode(error) ?? "")) throw error;
    await restoreByCopy(context);
  }
}

/** Deletes the data that an earlier restoration kept. */
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

/** Restores a data directory that cannot be renamed. The snapshot stays until the data is restored and on the disk. */
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
 * Ends the processes that could write to the data while it is restored. If gantry made the service's user, that user
 * runs nothing else, and all its processes are killed. Processes of another user are only named in a warning. Does
 * nothing at boot and for a service that runs as root.
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
