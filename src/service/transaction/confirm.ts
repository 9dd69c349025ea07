/**
 * Confirms a change: the new generation stays in charge, and becomes the one to go back to. It is healthy, or this is a
 * first installation, which is confirmed whatever its health is.
 */
import type { Candidate } from "../releases/candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import { removeResidue, switchLink } from "../releases/generations.ts";
import { removeRecord, writeRecord, type ChangeRecord } from "./record.ts";
import { dropSnapshot } from "../data/snapshot.ts";
import { rememberPins } from "../keys/memory.ts";
import { finishHistory, type Ending } from "./undo.ts";

export async function confirmChange(
  context: ServiceContext,
  record: ChangeRecord,
  to: Candidate,
  ending: Ending,
): Promise<void> {
  const { layout } = context;
  const { requireLock } = context;
  requireLock();
  // Before the step `confirmed`: after a crash in that step, only what is left over is removed.
  if (record.action !== "rollback") await rememberPins(layout, to);
  requireLock();
  await writeRecord(layout, { ...record, step: "confirmed" });
  requireLock();
  await switchLink(layout, layout.fallback, to.generation);
  requireLock();
  await dropSnapshot(layout);
  requireLock();
  removeResidue(layout);
  finishHistory(context, record, ending);
  await removeRecord(layout);
}
