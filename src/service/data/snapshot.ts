/**
 * The snapshot of a service's data from before an upgrade, and its restoration. The service's own user makes the copy
 * (data.ts). It shares blocks with the original where the file system can. It gets its final name only when it is
 * complete and on the disk.
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

/** The work name of a copy that is not complete yet. */
function draftOf(path: string): string {
  return `${path}.draft`;
}

/** The name of the copy once the data that it replaces has been moved away completely. */
function restoringOf({ snapshot }: ServiceLayout): string {
  return `${snapshot}.restoring`;
}

/** Is there a complete copy? */
export function hasSnapshot(layout: ServiceLayout): boolean {
  return existsSync(layout.snapshot) || existsSync(restoringOf(layout));
}

/**
 * The owner of the data, when a snapshot can be made now. Changes nothing.
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

/** A process that systemd has just killed may take a moment to be gone. */
async function untilCopyable(context: ServiceContext): Promise<Account> {
  for (const limit = performance.now() + PATIENCE; ; await sleep(LOOK)) {
    try {
      return await requireCopyable(context, "stopped");
    } catch (error) {
      if (performance.now() > limit) throw error;
    }
  }
}

/** Fills a new directory, and waits until all of it is on the disk. */
async function copyInto(context: ServiceContext, copy: DataCopy): Promise<void> {
  const { to, account } = copy;
  mkdirSync(to, { mode: 0o700 });
  chownSync(to, account.uid, account.gid);
  await copyData(context, copy);
  // One call for the whole file system, because the copy may hold any number of files.
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
 * Puts the copy in the place of the data. What was written since is moved away, not deleted: the app may have accepted
 * writes. Can be repeated after an interruption at any point.
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

/** Deletes the data that an earlier restoration moved away. */
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

/** Restores data that cannot be renamed. The copy stays until the data is restored and on the disk. */
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
 * Ends whatever could write to the data during the exchange. A user that gantry made runs nothing but the service, so
 * all its processes are killed. Processes of another user are only named.
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
