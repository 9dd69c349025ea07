/**
 * `uninstall` and `clean`: what goes, and what stays. The app's data and its env file stay unless purging was asked
 * for; the user stays always, because files on backups and other disks bear its number.
 */
import { existsSync, rmSync } from "node:fs";
import type { ServiceContext } from "./context.ts";
import { removeResidue } from "./generations.ts";
import { requireInstalled } from "./installed.ts";
import type { ServiceLayout } from "./layout.ts";
import { withService } from "./locked.ts";
import { runProgram } from "./program.ts";
import type { ServiceResult } from "./result.ts";
import { readUnit, reloadUnits } from "./systemd.ts";
import { finishHistory } from "./undo.ts";
import { recoveryUnits, removeUnits } from "./units.ts";
import { removeOld, secondsSince } from "./upgrade.ts";

export interface UninstallOptions {
  /** Removes data, settings and history too. */
  readonly data: "keep" | "purge";
}

/** What purging would take, as far as it is there. */
export function purgedPaths(layout: ServiceLayout): string[] {
  const paths = [layout.data, layout.etc, layout.logs, layout.state];
  return paths.filter((path) => existsSync(path));
}

/** Also finishes an uninstallation that was interrupted: every step finds its work done. */
export function uninstallService(
  context: ServiceContext,
  { data }: UninstallOptions,
): Promise<ServiceResult> {
  const { layout } = context;
  return withService(context, async (recovered) => {
    const began = Date.now();
    const state = await readUnit(layout.unit);
    const from = recovered?.keep ?? null;
    if (!existsSync(layout.opt) && state.LoadState !== "loaded" && data === "keep") requireInstalled(layout);
    const installed = existsSync(layout.current) ? requireInstalled(layout).generation : from;
    await runProgram("systemctl", ["disable", "--now", layout.unit, ...recoveryUnits(layout)]);
    const removed = removeUnits(layout);
    await reloadUnits();
    await runProgram("systemctl", ["reset-failed", layout.unit]);
    for (const path of [layout.opt, layout.cache]) {
      if (existsSync(path)) removed.push(path);
      rmSync(path, { recursive: true, force: true });
    }
    const record = { schema: 1, action: "install", from: installed, to: null, created: false } as const;
    const line = { ...record, running: false, step: "placing", began, who: context.who } as const;
    finishHistory(context, line, { outcome: "done", action: "uninstall" });
    const purged = data === "purge" ? purgedPaths(layout) : [];
    for (const path of purged) rmSync(path, { recursive: true, force: true });
    const kept = [layout.data, layout.env].filter((path) => existsSync(path));
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
      ],
      removed: [...removed, ...purged],
      next: kept.length === 0 ? [] : ["./gantry install, in a release, takes up where it was"],
      seconds: secondsSince(began),
    };
  });
}

/** Removes old generations, what dead runs left, and data that was set aside when an upgrade went back. */
export function cleanService(context: ServiceContext, keep: number): Promise<ServiceResult> {
  const { layout } = context;
  return withService(context, async () => {
    const began = Date.now();
    const { generation } = requireInstalled(layout);
    removeResidue(layout);
    const removed = await removeOld(context, keep);
    if (existsSync(layout.replaced)) removed.push(layout.replaced);
    rmSync(layout.replaced, { recursive: true, force: true });
    return {
      schema: 1,
      action: "clean",
      name: layout.name,
      outcome: removed.length === 0 ? "unchanged" : "done",
      from: generation,
      to: generation,
      facts: [removed.length === 0 ? "there is nothing to remove" : `${generation} stays in charge`],
      removed,
      next: [],
      seconds: secondsSince(began),
    };
  });
}
