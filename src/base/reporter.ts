/**
 * Receives steps, progress and warnings while modules are made ready. Code that reports does not print, because a
 * terminal, the journal and a test need different output.
 */

export interface Progress {
  /** Bytes that have arrived, and bytes in all. */
  readonly bytes: number;
  readonly total: number;
  /** The module that arrives next; empty when all have arrived. */
  readonly current: string;
}

export interface Reporter {
  /** Called when a step begins, with one sentence for people. */
  readonly step: (text: string) => void;
  readonly progress: (progress: Progress) => void;
  /** Called for a problem that does not stop the work. */
  readonly warn: (text: string) => void;
  readonly debug: (text: string) => void;
}
