/**
 * `uninstall`: removes a service. The app's data, its env file and its logs stay, unless purging was asked for. The
 * user always stays, because files in backups and on other disks may have its uid as their owner.
 */
import { existsSync, rmdirSync } from "node:fs";
import { isThere } from "../base/files/index.ts";
import { errorCode } from "../base/errors.ts";
import type { ServiceContext } from "./service-context.ts";
import { requireInstalled } from "./installed-service.ts";
import type { ServiceLayout } from "./service-layout.ts";
import { withService } from "./transaction/locked.ts";
import { readMounts, removeTree } from "./data/mounts.ts";
import { ensureMarked } from "./names/system-names.ts";
import { ownParts, readOwnedOrAdopted, trimOwned } from "./names/marks.ts";
import type { ServiceResult } from "./result.ts";
import { finishHistory } from "./transaction/undo.ts";
import { readUnitFiles, removeUnits } from "./systemd/installed-units.ts";
import { secondsSince } from "./upgrade.ts";

export interface UninstallOptions {
  /** `purge` removes data, settings, logs and history too. */
  readonly data: "keep" | "purge";
}

/** A path to remove. With `stays`, the path is not removed, and `stays` is the reason. */
export interface Removal {
  readonly path: string;
  readonly stays?: string;
}

/**
 * What an uninstallation removes, in order: units that gantry wrote, gantry's parts of /opt/NAME, the cache, and with
 * `purge` the other directories. A directory stays when it has no mark of this service (marks.ts), or when something is
 * mounted in it.
 * @param app the app's name, which the record of marks has
 */
export async function planRemovals(
  layout: ServiceLayout,
  app: string,
  data: UninstallOptions["data"],
): Promise<Removal[]> {
  const owned = await readOwnedOrAdopted(layout, app);
  const { own, foreign } = readUnitFiles(layout);
  const directory = (path: string): Removal => {
    if (owned?.directories.includes(path) === true) return removal(path);
    // In a directory /etc/NAME without a mark, only the env file is removed, because gantry makes this file.
    return path === layout.etc && owned !== undefined && isThere(layout.env)
      ? { path: layout.env }
      : { path, stays: "it does not carry gantry's mark" };
  };
  const whole = data === "purge" ? [layout.cache, layout.data, layout.etc, layout.logs] : [layout.cache];
  return [
    ...own.map((path) => ({ path })),
    ...foreign.map((path) => ({ path, stays: "gantry did not write it" })),
    ...(owned === undefined ? [] : ownParts(layout)).filter(isThere).map(removal),
    ...whole.filter(isThere).map(directory),
    ...(data === "purge" && isThere(layout.state) ? [removal(layout.state)] : []),
  ];
}

function removal(path: string): Removal {
  const { at, below } = readMounts(path);
  if (at || below.length > 0) return { path, stays: `${at ? path : below.join(", ")} is mounted` };
  return { path };
}

export function formatRemoval({ path, stays }: Removal): string {
  return stays === undefined ? `remove ${path}` : `leave ${path}: ${stays}`;
}

/**
 * Checks that something of this service is on the host.
 * @throws GantryError RELEASE_FILE_MISSING when there is nothing
 */
export function requireTraces(layout: ServiceLayout): void {
  if (!isThere(layout.state) && readUnitFiles(layout).own.length === 0) requireInstalled(layout);
}

/** Removes the service. Also finishes an interrupted uninstallation: what is removed already is left out. */
export function uninstallService(
  unlocked: ServiceContext,
  { data }: UninstallOptions,
): Promise<ServiceResult> {
  requireTraces(unlocked.layout);
  return withService(unlocked, async (context, recovered) => {
    const { layout, requireLock } = context;
    const began = Date.now();
    const from = recovered?.keep ?? null;
    const installed = existsSync(layout.current) ? requireInstalled(layout).generation : from;
    requireLock();
    await ensureMarked(layout, context.own.name);
    const removals = await planRemovals(layout, context.own.name, data);
    requireLock();
    await removeUnits(layout);
    const record = { schema: 1, action: "install", from: installed, to: null, created: false } as const;
    const line = { ...record, running: false, step: "placing", began, who: context.who } as const;
    finishHistory(context, line, { outcome: "done", action: "uninstall" });
    for (const { path, stays } of removals) {
      requireLock();
      if (stays === undefined) await removeTree(path);
    }
    removeEmpty(layout.opt);
    if (data === "keep") await trimOwned(layout);
    const left = removals.filter(({ stays }) => stays !== undefined);
    const kept = data === "purge" ? [] : [layout.data, layout.env].filter(isThere);
    return {
      schema: 1,
      action: "uninstall",
      name: layout.name,
      outcome: "done",
      from: installed,
      to: null,
      facts: [
        `${layout.name} is no longer a service`,
        ...(kept.length === 0 ? [] : [`kept: ${kept.join(", ")}`]),
        ...left.map(({ path, stays }) => `left ${path}: ${stays}`),
      ],
      removed: removals.filter(({ path }) => !isThere(path)).map(({ path }) => path),
      next: kept.length === 0 ? [] : ["./gantry install, in a release, takes up where it was"],
      seconds: secondsSince(began),
    };
  });
}

/** Removes /opt/NAME when it is empty. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY", "EBUSY", "ENOTDIR"].includes(errorCode(error) ?? "")) throw error;
  }
}
