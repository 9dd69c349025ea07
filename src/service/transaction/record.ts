/**
 * The write-ahead record of a change of generations: its purpose, and the last step that began. It is on the disk
 * before the first effect of a step, and removed at the end. A process that finds it knows what to undo or finish.
 *
 * The files of this folder are one transaction:
 *
 *     beginChange (change.ts)
 *        |
 *     placing ----------+----------------------+--------------------.
 *        | upgrade with | upgrade with         | rollback, upgrade  | the same generation:
 *        | a snapshot   | `activate`; install  | with neither       | nothing changes
 *     copying           |                      |                    |
 *        |              |                      |                    |
 *     activating <------'                      |                    |
 *        |                                     |                    |
 *     switching <------------------------------'                    |
 *        | healthy; a first installation: whatever its health       |
 *     confirmed (confirm.ts)                                        |
 *        | adds a line to the history                               |
 *     no record <---------------------------------------------------'
 *
 * - Failed before `confirmed`: giveUp (change.ts) calls undoChange (undo.ts), which ends with `from` in charge, a line
 *   in the history and no record. A first installation that fails after `switching` began leaves its record instead.
 * - Interrupted: recoverChange (recover.ts) runs at boot and before every command. planRecovery (recovery-plan.ts)
 *   decides: `switching` with a snapshot and `to` in charge is on trial, and goes on to `confirmed` when it is healthy.
 *   In every other state, and when it is not healthy, undoChange ends the change: `to` stays after `confirmed`, and after
 *   `switching` where there is no `from`; `from` is in charge again otherwise.
 */
import * as v from "valibot";
import { GantryError } from "../../base/errors.ts";
import { readOptionalText, removeDurably, writeDurably } from "../../base/files/index.ts";
import type { ServiceLayout } from "../service-layout.ts";

/**
 * In this order. `placing`: the new generation is made in a work directory and renamed into releases/. `copying`: the
 * service is stopped and its data copied (only with a snapshot). `activating`: the app's own command may change the
 * data. `switching`: links and units change, and the new generation has to become healthy. `confirmed`: it is healthy,
 * and stale files are removed.
 */
const STEPS = ["placing", "copying", "activating", "switching", "confirmed"] as const;
export type Step = (typeof STEPS)[number];

const Generation = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9.+-]*$/));
const RecordSchema = v.object({
  schema: v.literal(1),
  action: v.picklist(["install", "upgrade", "rollback"]),
  /** The generation that was current at the beginning; null for a first installation. */
  from: v.nullable(Generation),
  /** Null until it is known. */
  to: v.nullable(Generation),
  /** True when this change made `to`, so that undoing removes it. */
  created: v.boolean(),
  /** True when the service was running, or meant to run, at the beginning. */
  running: v.boolean(),
  step: v.picklist(STEPS),
  /** Milliseconds since the epoch. */
  began: v.number(),
  who: v.object({ user: v.string(), uid: v.number() }),
});

export type ChangeRecord = Readonly<v.InferOutput<typeof RecordSchema>>;
export type Who = ChangeRecord["who"];

/** @throws GantryError IO_FAILED for a record that cannot be parsed: gantry never writes one */
export function readRecord(layout: ServiceLayout): ChangeRecord | undefined {
  const text = readOptionalText(layout.record);
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  if (record !== undefined) return record;
  throw new GantryError({
    code: "IO_FAILED",
    what: "the record of an interrupted upgrade cannot be read",
    where: layout.record,
    fix: `look where ${layout.current} points; if the service runs as it should, remove the record`,
  });
}

export function parseRecord(text: string): ChangeRecord | undefined {
  try {
    const result = v.safeParse(RecordSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export async function writeRecord(layout: ServiceLayout, record: ChangeRecord): Promise<void> {
  await writeDurably(layout.record, `${JSON.stringify(record)}\n`, 0o600);
}

export async function removeRecord(layout: ServiceLayout): Promise<void> {
  await removeDurably(layout.record);
}
