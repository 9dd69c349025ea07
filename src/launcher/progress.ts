/**
 * Shows steps and progress: a line for each step, and on a terminal a bar below it. Work that reports no step shows
 * nothing.
 */
import type { Log, LogFormat } from "../base/log.ts";
import type { Progress, Reporter } from "../base/reporter.ts";
import { printable, formatBytes } from "../base/text.ts";

export interface ProgressOptions {
  readonly log: Log;
  readonly format: LogFormat;
  /** The terminal's width in columns. */
  readonly columns: number;
  /** Writes to standard error. */
  readonly write: (text: string) => void;
}

/** Moves to the line's start and clears the line (ECMA-48, EL). */
const CLEAR_LINE = "\r\u001b[K";
const BAR_WIDTH = 24;

export interface ShownProgress extends Reporter {
  /** Removes the bar. Call it before anything is printed without this reporter. */
  readonly close: () => void;
}

export function createProgress(options: ProgressOptions): ShownProgress {
  const { log } = options;
  let drawn = "";
  const clear = () => {
    if (drawn !== "") options.write(CLEAR_LINE);
    drawn = "";
  };
  const print = (say: (text: string) => void) => (text: string) => {
    clear();
    say(text);
  };
  return {
    step: print((text) => log.info(text)),
    warn: print((text) => log.warn(text)),
    debug: print((text) => log.debug(text)),
    progress: (progress) => {
      if (options.format !== "terminal") return;
      const line = formatProgress(progress, options.columns);
      if (line === drawn) return;
      options.write(`${CLEAR_LINE}${line}`);
      drawn = line;
    },
    close: clear,
  };
}

/** `[#####     ]  6.1 of 13.2 MB  libsql`, cut to the width, because a wrapped line cannot be redrawn. */
export function formatProgress({ bytes, total, current }: Progress, columns: number): string {
  const share = total === 0 ? 1 : Math.min(1, bytes / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `${"#".repeat(filled)}${" ".repeat(BAR_WIDTH - filled)}`;
  const line = `  [${bar}]  ${formatBytes(bytes)} of ${formatBytes(total)}  ${printable(current)}`.trimEnd();
  return line.slice(0, Math.max(0, columns - 1));
}
