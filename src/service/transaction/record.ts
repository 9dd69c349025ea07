/**
 * The write-ahead record of a change of generations: which command it is (install, upgrade, rollback), which
 * generations it goes from and to, and the last step that began. The record is on the disk before the first effect of a
 * step, and is removed at the end. A process that finds the record knows what to undo or finish.
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
 * - The way from `placing` to `switching`: an upgrade with a snapshot goes by `copying` and `activating`. An upgrade
 *   without a snapshot, but with an `activate` command, and every installation go by `activating`. Other upgrades and
 *   every rollback go straight to `switching`.
 * - A change that fails before `confirmed`: giveUp (change.ts) calls undoChange (undo.ts). Afterwards `from` is in
 *   charge again, or nothing is installed when there is no `from`. The history has a line, and there is no record. A
 *   first installation that fails after `switching` began leaves its record instead.
 * - A change that is interrupted: recoverChange (recover.ts) runs at boot and before every command that takes the lock.
 *   planRecovery (recovery-plan.ts) decides. If the step is `switching`, there is a snapshot and `to` is in charge,
 *   then `to` is on trial: when it is healthy, the change goes on to `confirmed`. In every other case undoChange ends
 *   the change. `to` stays in charge if the step is `confirmed`, or if it is `switching` and there is no `from`.
 *   Otherwise `from` is in charge again, or nothing is installed when there is no `from`.
 */
import * as v from "valibot";
import { GantryError } from "../../base/errors.ts";
import { readOptionalText, removeDurably, writeDurably } from "../../base/files/index.ts";
import type { ServiceLayout } from "../service-layout.ts";

/**
 * The steps, in this order. `placing`: the new generation is made in a work directory and renamed into releases/, or a
 * rollback checks the modules of the old one. `copying`: the service is stopped and its data is copied (only with a
 * snapshot). `activating`: the app's own command may change the data. `switching`: links and units change, and the new
 * generation has to become healthy. `confirmed`: it is healthy, or it is a first installation; what is left over is
 * being removed.
 */
const STEPS = ["placing", "copying", "activating", "switching", "confirmed"] as const;
export type Step = (typeof STEPS)[number];

const Generation = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9.+-]*$/));
const RecordSchema = v.object({
  schema: v.literal(1),
  action: v.picklist(["install", "upgrade", "rollback"]),
  /** The generation that was current at the beginning; null for a first installation. */
  from: v.nullable(Generation),
  /** The generation that the change goes to. Null until its name is known. */
  to: v.nullable(Generation),
  /** True when this change made `to`, so that undoing removes it. */
  created: v.boolean(),
  /** True when the service was running at the beginning, or had failed. Always true for a first installation. */
  running: v.boolean(),
  step: v.picklist(STEPS),
  /** When the change began, in milliseconds since 1970. */
  began: v.number(),
  who: v.object({ user: v.string(), uid: v.number() }),
});

export type ChangeRecord = Readonly<v.InferOutput<typeof RecordSchema>>;
export type Who = ChangeRecord["who"];

/**
 * Reads the record. Undefined when there is none.
 * @throws GantryError IO_FAILED for a record that cannot be parsed, which gantry never writes
 */
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
