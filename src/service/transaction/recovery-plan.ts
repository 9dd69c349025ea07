/**
 * Plans what to do about an interrupted change, from its record and what is on the disk, so that exactly one complete
 * generation is left. Pure: the effects are in undo.ts and recover.ts. A plan may itself be interrupted and made
 * again.
 */
import type { ChangeRecord } from "./record.ts";

/** What is on the disk. */
export interface RecoveryFacts {
  /** Target of the link `current`; null when there is none. */
  readonly current: string | null;
  /** Names of the generations in releases/. Each is complete, because it was renamed into place. */
  readonly generations: readonly string[];
  /** There is a complete copy of the data. */
  readonly snapshot: boolean;
}

export interface RecoveryPlan {
  /** The new generation is in charge, on trial, and may have accepted writes: wait for its health, then decide. */
  readonly resume: boolean;
  /** The generation that stays in charge; null when a first installation is undone. */
  readonly keep: string | null;
  /** Restore the copied data. What was written since is moved away. */
  readonly restoreData: boolean;
  /** Make links and units those of `keep`. */
  readonly switch: boolean;
  /** A generation that was never used. */
  readonly remove: string | null;
}

/**
 * A change that was not confirmed is undone, because an unproven release must not stay in charge after a power cut.
 * There are two exceptions. A first installation that had reached its switch stays, because there is nothing to go
 * back to. And when going back means restoring data, a new generation that may have accepted writes is given the
 * chance to become healthy: its writes would be lost.
 * @param intent `undo` when it is known that the new generation fails
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
    // Units may have been replaced before the link was, so the step decides and not the link alone.
    switch: switched || facts.current !== keep,
    remove: record.created && there(to) && to !== keep ? to : null,
  };
}
