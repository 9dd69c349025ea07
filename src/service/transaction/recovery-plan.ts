/**
 * Plans how to end a change that failed or was interrupted, from its record and from what is on the disk. Afterwards
 * one complete generation is in charge, or none after an undone first installation. Pure: undo.ts and recover.ts carry
 * out the plan. When that is interrupted too, a new plan is made.
 */
import type { ChangeRecord } from "./record.ts";

/** What is on the disk. */
export interface RecoveryFacts {
  /** The generation that the link `current` leads to. Null when there is no link. */
  readonly current: string | null;
  /** Names of the generations in releases/. Each is complete, because it was renamed into place. */
  readonly generations: readonly string[];
  /** Whether there is a complete snapshot of the data. */
  readonly snapshot: boolean;
}

export interface RecoveryPlan {
  /** True when the new generation is on trial: it is in charge and may have accepted writes. Its health decides. */
  readonly resume: boolean;
  /** The generation that stays in charge; null when a first installation is undone. */
  readonly keep: string | null;
  /** Whether the snapshot of the data has to be restored (restoreSnapshot). */
  readonly restoreData: boolean;
  /** Whether links and units have to be made those of `keep`. */
  readonly switch: boolean;
  /** The generation to remove: the one that this change made, when it does not stay. Null when there is none. */
  readonly remove: string | null;
}

/**
 * Plans the end of a change. A change that was not confirmed is undone, because an unproven release must not stay in
 * charge after a power cut. There are two exceptions. A first installation that had reached `switching` stays, because
 * there is nothing to go back to. A new generation that may have accepted writes stays if it becomes healthy, when
 * going back would restore older data: its writes would no longer be in the data.
 * @param intent `undo`: the new generation is known to fail, so the second exception does not apply. `recover`: both
 *   apply
 */
export function planRecovery(
  record: ChangeRecord,
  facts: RecoveryFacts,
  intent: "undo" | "recover",
): RecoveryPlan {
  const { from, to, step } = record;
  const there = (name: string | null): name is string => name !== null && facts.generations.includes(name);
  const switched = step === "switching" || step === "confirmed";
  const onTrial = step === "switching" && facts.snapshot && facts.current === to;
  if (intent === "recover" && onTrial && there(to)) {
    return { resume: true, keep: to, restoreData: false, switch: true, remove: null };
  }
  const forward = there(to) && (step === "confirmed" || (!there(from) && switched));
  if (forward) {
    return { resume: false, keep: to, restoreData: false, switch: facts.current !== to, remove: null };
  }
  const keep = there(from) ? from : null;
  const touched = step === "activating" || step === "switching";
  return {
    resume: false,
    keep,
    restoreData: facts.snapshot && touched,
    // Units may have been replaced before the link was. So the step counts too, and not only the link.
    switch: switched || facts.current !== keep,
    remove: record.created && there(to) && to !== keep ? to : null,
  };
}
