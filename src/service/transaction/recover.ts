/**
 * Ends an interrupted change, at boot and before every command that takes the lock. A confirmed change is finished. A
 * change whose new generation is on trial is confirmed when that generation is healthy. Every other one is undone,
 * unless there is no generation to go back to (planRecovery).
 */
import { join } from "node:path";
import { readCandidate, type Candidate } from "../releases/candidate.ts";
import { confirmChange } from "./confirm.ts";
import type { ServiceContext } from "../service-context.ts";
import { requireSettings } from "../installed-service.ts";
import { readRecord, type ChangeRecord } from "./record.ts";
import { planRecovery } from "./recovery-plan.ts";
import { isUp, readUnit, startUnit } from "../systemd/systemctl.ts";
import { putInCharge, readRecoveryFacts, undoChange } from "./undo.ts";
import { waitHealthy } from "../health/watch.ts";

/**
 * Ends the change that is on record, if there is one. The caller must hold the service's lock.
 * @returns `keep`: the generation in charge, null when there is none; undefined when nothing was on record
 */
export async function recoverChange(
  context: ServiceContext,
): Promise<{ readonly keep: string | null } | undefined> {
  const { layout, reporter } = context;
  const record = readRecord(layout);
  if (record === undefined) return undefined;
  const plan = planRecovery(record, readRecoveryFacts(layout), "recover");
  if (plan.resume && plan.keep !== null) {
    await putInCharge(context, plan.keep);
    // The recovery unit `confirm` decides about the trial after the service has started.
    if (context.host === "booting") return { keep: plan.keep };
    const candidate = readCandidate(join(layout.releases, plan.keep));
    if (await passesTrial(context, record, candidate)) return { keep: plan.keep };
  }
  const what = record.action === "install" ? "installation" : record.action;
  reporter.warn(`the last ${what} was interrupted (${record.step}); putting things in order`);
  const { keep } = await undoChange(context, record, { outcome: "interrupted" });
  reporter.warn(keep === null ? `${layout.name} is not installed` : `${layout.name} is at ${keep}`);
  return { keep };
}

/**
 * Waits until the new generation is healthy, as the interrupted command would have done, and confirms the change.
 * @returns false when it does not become healthy
 */
async function passesTrial(
  context: ServiceContext,
  record: ChangeRecord,
  candidate: Candidate,
): Promise<boolean> {
  const { layout, reporter } = context;
  reporter.warn(
    `the last ${record.action} was interrupted; waiting whether ${candidate.generation} is healthy`,
  );
  if (!isUp(await readUnit(layout.unit))) await startUnit(context, "start");
  const health = await waitHealthy(context, requireSettings(candidate), "");
  if (!health.healthy) return false;
  await confirmChange(context, record, candidate, { outcome: "done" });
  reporter.warn(`${layout.name} is at ${candidate.generation}, and healthy`);
  return true;
}
