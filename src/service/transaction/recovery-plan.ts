/**
 * From an interrupted change and what lies on the disk to what has to be done, so that exactly one whole generation is
 * left. Pure: the effects are in undo.ts and recover.ts. Every plan may itself be interrupted and made again.
 */
import type { ChangeRecord } from "./record.ts";

/** What is there. */
export interface RecoveryFacts {
  /** Where the link `current` leads; null when there is none. */
  readonly current: string | null;
  /** Names of the generations in releases/; each is whole, because it was renamed into place. */
  readonly generations: readonly string[];
  /** A copy of the data that is whole. */
  readonly snapshot: boolean;
}

export interface RecoveryPlan {
  /** The new one is in charge, on trial, and may have been told things: wait for its health, and only then decide. */
  readonly resume: boolean;
  /** The generation that is left in charge; null when a first installation is undone. */
  readonly keep: string | null;
  /** Put the copied data back: what wrote to the data since is given up. */
  readonly restoreData: boolean;
  /** Make the links and units those of `keep`. */
  readonly switch: boolean;
  /** A generation that nobody ever used. */
  readonly remove: string | null;
}

/**
 * A change that was not confirmed is undone: an unproven release is not left in charge because the power failed at the
 * right moment. Two exceptions. With nothing to go back to, a first installation that had come to its switch stays.
 * And where going back means putting data back, a new one that may have stored something is first given its chance:
 * what it acknowledged would be lost.
 * @param intent `undo` when it is known that the new one will not do
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
    // Units may have been replaced before the link was: only the step tells, not the link alone.
    switch: switched || facts.current !== keep,
    remove: record.created && there(to) && to !== keep ? to : null,
  };
}
