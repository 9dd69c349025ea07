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
  /** A new step began, as one sentence. */
  readonly step: (text: string) => void;
  readonly progress: (progress: Progress) => void;
  /** A problem that stops nothing. */
  readonly warn: (text: string) => void;
  readonly debug: (text: string) => void;
}
