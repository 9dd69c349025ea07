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

/** `13.2 MB`; decimal units, as disks and networks are sold. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

/** `1 file`, `2 files`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
