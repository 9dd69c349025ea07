/**
 * Carries out a recovery plan: restores links, units and data of one complete generation, starts the service, and adds
 * the outcome of the change to the history. Used when a change fails, by the next command after a crash, and at boot.
 */
import { join } from "node:path";
import { forgetActivated } from "./activate.ts";
import { readCandidate } from "../releases/candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import {
  readGenerations,
  readLink,
  removeGeneration,
  removeResidue,
  switchLink,
} from "../releases/generations.ts";
import { removeDurably } from "../../base/files/index.ts";
import { endOneshots } from "../systemd/oneshot.ts";
import { appendHistory, type HistoryEntry } from "./history.ts";
import { removeRecord, type ChangeRecord } from "./record.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { planRecovery, type RecoveryFacts, type RecoveryPlan } from "./recovery-plan.ts";
import { dropSnapshot, hasSnapshot, restoreSnapshot } from "../data/snapshot.ts";
import { isUp, readUnit, reloadUnits, runningGeneration, startUnit, stopUnit } from "../systemd/systemctl.ts";
import { ensureUnits, readSystemdVersion } from "../systemd/installed-units.ts";
import { waitHealthy, type Health } from "../health/watch.ts";

export interface Undone {
  /** The generation in charge. Null when there is none. */
  readonly keep: string | null;
  /** The health of the service after it was started again. Undefined when it did not have to be started. */
  readonly health: Health | undefined;
  readonly restored: boolean;
}

/** The outcome of a change for the history. An `action` replaces the one in the record. */
export type Ending = Pick<HistoryEntry, "outcome"> & Partial<Pick<HistoryEntry, "code" | "action">>;

export function readRecoveryFacts(layout: ServiceLayout): RecoveryFacts {
  return {
    current: readLink(layout.current),
    generations: readGenerations(layout),
    snapshot: hasSnapshot(layout),
  };
}

/**
 * Ends a change as planRecovery plans it. The record is removed last, so after an interruption this is done again.
 * @param ending the outcome for the history, unless the new generation stays: then it is `done`
 */
export async function undoChange(
  context: ServiceContext,
  record: ChangeRecord,
  ending: Ending,
): Promise<Undone> {
  const { layout, requireLock } = context;
  requireLock();
  const plan = planRecovery(record, readRecoveryFacts(layout), "undo");
  const running = context.host === "running";
  if (running) await endOneshots(layout);
  if (plan.restoreData) {
    if (running) await stopUnit(context);
    requireLock();
    if (record.to !== null) await forgetActivated(layout, record.to);
    await restoreSnapshot(context);
  }
  await applyLinks(context, plan);
  const health = running && record.running ? await ensureRunning(context, plan.keep) : undefined;
  requireLock();
  if (plan.remove !== null) await removeGeneration(layout, plan.remove);
  await dropSnapshot(layout);
  requireLock();
  removeResidue(layout);
  finishHistory(
    context,
    record,
    plan.keep === record.to && plan.keep !== null ? { outcome: "done" } : ending,
  );
  await removeRecord(layout);
  return { keep: plan.keep, health, restored: plan.restoreData };
}

async function applyLinks(context: ServiceContext, plan: RecoveryPlan): Promise<void> {
  const { layout } = context;
  if (!plan.switch) return;
  context.requireLock();
  if (plan.keep === null) {
    await removeDurably(layout.current);
    return;
  }
  await putInCharge(context, plan.keep);
  context.requireLock();
  await switchLink(layout, layout.fallback, plan.keep);
}

/** Makes the link `current` and the units those of a generation. */
export async function putInCharge(context: ServiceContext, generation: string): Promise<void> {
  const { layout, host, requireLock } = context;
  const candidate = readCandidate(join(layout.releases, generation));
  requireLock();
  await switchLink(layout, layout.current, generation);
  const changed = await ensureUnits(context, candidate, await readSystemdVersion());
  // At boot systemd has just read these files, so it reads them again only when they have changed.
  if (changed || host === "running") await reloadUnits();
}

/**
 * Starts the generation that stays, unless it is running already, and waits for its health.
 * @returns undefined when nothing was started
 */
async function ensureRunning(context: ServiceContext, keep: string | null): Promise<Health | undefined> {
  if (keep === null) return undefined;
  const { layout } = context;
  const state = await readUnit(layout.unit);
  if (isUp(state) && runningGeneration(layout, state) === keep) return undefined;
  const { service } = readCandidate(join(layout.releases, keep));
  if (service === undefined) return undefined;
  await startUnit(context, "restart");
  return waitHealthy(context, service, state.InvocationID);
}

export function finishHistory(
  { layout }: Pick<ServiceContext, "layout">,
  record: ChangeRecord,
  ending: Ending,
): void {
  appendHistory(layout, {
    schema: 1,
    at: new Date(record.began).toISOString(),
    action: record.action,
    from: record.from,
    to: record.to,
    ...ending,
    // 0 when the clock was set back.
    seconds: Math.max(0, Math.round(Date.now() - record.began) / 1000),
    who: record.who,
  });
}
