/**
 * `upgrade` and `rollback`: put another generation in charge. After a failure the old generation is in charge again.
 */
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";
import { readCandidate, type Candidate } from "./releases/candidate.ts";
import { confirmChange } from "./transaction/confirm.ts";
import { beginChange, giveUp, switchTo, type Journal } from "./transaction/change.ts";
import type { ServiceContext } from "./service-context.ts";
import { removeGeneration } from "./releases/generations.ts";
import { newRecord, readRetentionFacts, requireInstalled, requireSettings } from "./installed-service.ts";
import { chooseRollback, planClean } from "./releases/retention.ts";
import { generationVersion } from "./service-layout.ts";
import { withService } from "./transaction/locked.ts";
import type { Source } from "./releases/import/release-source.ts";
import { ensureMarked } from "./names/system-names.ts";
import { importRelease } from "./releases/import-release.ts";
import { prepareRelease } from "./releases/prepare-release.ts";
import { removeRecord } from "./transaction/record.ts";
import type { ServiceResult } from "./result.ts";
import { readUnit } from "./systemd/systemctl.ts";
import { openTrust, type TrustOptions } from "./keys/trust.ts";
import type { Health } from "./health/watch.ts";

export interface UpgradeOptions extends TrustOptions {
  /** How many generations stay afterwards. */
  readonly keep: number;
}

/**
 * Makes a generation of a release and puts it in charge.
 * @throws GantryError SIGNATURE_INVALID, LIBC_MISMATCH and others for a release that is refused: the service is then as
 *   before; SERVICE_UNHEALTHY when the release fails: the old generation is then in charge again
 */
export function upgradeService(
  unlocked: ServiceContext,
  source: Source,
  options: UpgradeOptions,
): Promise<ServiceResult> {
  return withService(unlocked, async (context) => {
    const installed = requireInstalled(context.layout);
    context.requireLock();
    await ensureMarked(context.layout, installed.name);
    const journal = await beginChange(context, await newRecord(context, "upgrade"));
    return attempt(context, journal, async () => {
      const trust = openTrust(context.layout, installed, options);
      const { candidate } = await importRelease(context, source, trust, (to, created) =>
        journal.update({ to, created }),
      );
      if (candidate.generation === installed.generation) return unchanged(context, journal, candidate);
      const health = await switchTo(context, journal, candidate, requireSettings(candidate), {
        activate: "once",
      });
      return succeed(context, journal, candidate, { health, keep: options.keep });
    });
  });
}

/**
 * Puts an earlier generation in charge.
 * @param version a version or the name of a generation; undefined for the last healthy one other than the current one
 * @throws GantryError USAGE when there is no such generation; SERVICE_UNHEALTHY when it is not healthy: the current
 *   one is then in charge again
 */
export function rollbackService(
  unlocked: ServiceContext,
  version: string | undefined,
): Promise<ServiceResult> {
  return withService(unlocked, async (context) => {
    const installed = requireInstalled(context.layout);
    const generation = await chooseTarget(context, version);
    const journal = await beginChange(context, { ...(await newRecord(context, "rollback")), to: generation });
    return attempt(context, journal, async () => {
      const root = join(context.layout.releases, generation);
      const candidate = readCandidate(root);
      if (generation === installed.generation) return unchanged(context, journal, candidate);
      // The host's C library may have changed since the generation was proven.
      await prepareRelease(root, context);
      const settings = requireSettings(candidate);
      const health = await switchTo(context, journal, candidate, settings, { activate: "never" });
      return succeed(context, journal, candidate, { health, keep: undefined });
    });
  });
}

/**
 * Runs a change. After an error the change is undone (giveUp).
 * @throws GantryError with the findings of that error and what is in charge now
 */
export async function attempt<T>(
  context: ServiceContext,
  journal: Journal,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw await giveUp(context, journal, error);
  }
}

/**
 * Chooses the generation to go back to.
 * @param version see rollbackService
 * @throws GantryError USAGE when there is none
 */
export async function chooseTarget(
  { layout }: Pick<ServiceContext, "layout">,
  version: string | undefined,
): Promise<string> {
  const facts = readRetentionFacts(layout, await readUnit(layout.unit));
  const chosen = chooseRollback(facts, version, generationVersion);
  if (chosen !== undefined) return chosen;
  const others = facts.generations.filter((name) => name !== facts.current);
  const what =
    version === undefined
      ? "there is no earlier generation that was healthy"
      : `there is no generation ${version} beside the current one`;
  const fix =
    others.length === 0
      ? "only the current generation is here; upgrade to the archive of the version that you want, with --allow-downgrade"
      : `name one of ${others.join(", ")}, or upgrade to the archive of the version that you want, with --allow-downgrade`;
  throw new GantryError({ code: "USAGE", what, where: layout.releases, fix });
}

async function unchanged(
  { layout, requireLock }: ServiceContext,
  journal: Journal,
  { generation, version }: Candidate,
): Promise<ServiceResult> {
  requireLock();
  await removeRecord(layout);
  const { action, began } = journal.record();
  return {
    schema: 1,
    action,
    name: layout.name,
    outcome: "unchanged",
    from: generation,
    to: generation,
    facts: [`${layout.name} ${version} is in charge already (${generation})`],
    next: [],
    seconds: secondsSince(began),
  };
}

async function succeed(
  context: ServiceContext,
  journal: Journal,
  candidate: Candidate,
  { health, keep }: { readonly health: Health; readonly keep: number | undefined },
): Promise<ServiceResult> {
  const { layout } = context;
  await confirmChange(context, journal.record(), candidate, { outcome: "done" });
  const removed = keep === undefined ? [] : await removeOld(context, keep);
  const { action, from, began } = journal.record();
  const was = from === null ? "" : `, after ${generationVersion(from) ?? from}`;
  return {
    schema: 1,
    action,
    name: layout.name,
    outcome: "done",
    from,
    to: candidate.generation,
    facts: [`${layout.name} ${candidate.version} serves${was}`, `healthy: ${health.why}`],
    removed,
    next: [
      `sudo ${layout.current}/gantry rollback`,
      `${layout.current}/gantry status`,
      `journalctl -u ${layout.name}`,
    ],
    seconds: secondsSince(began),
  };
}

/**
 * Removes the generations that planClean names.
 * @param keep how many generations stay
 * @returns the names of the removed generations
 */
export async function removeOld({ layout, requireLock }: ServiceContext, keep: number): Promise<string[]> {
  const old = planClean(readRetentionFacts(layout, await readUnit(layout.unit)), keep);
  for (const generation of old) {
    requireLock();
    await removeGeneration(layout, generation);
  }
  return old;
}

export function secondsSince(began: number): number {
  return Math.max(0, Math.round((Date.now() - began) / 100) / 10);
}
