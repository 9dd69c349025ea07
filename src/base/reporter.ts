/**
 * What provisioning tells whoever shows it. It never prints: a terminal, a journal and a test want different things.
 */

export interface Progress {
  /** Bytes that have arrived and bytes that will have. */
  readonly bytes: number;
  readonly total: number;
  /** The module that is awaited; empty when all have arrived. */
  readonly current: string;
}

export interface Reporter {
  /** A new step began, as one sentence. */
  readonly step: (text: string) => void;
  readonly progress: (progress: Progress) => void;
  /** Something worth knowing that stops nothing. */
  readonly warn: (text: string) => void;
  readonly debug: (text: string) => void;
}
