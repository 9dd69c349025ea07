/**
 * Formats the log. Its callers write it to stderr, because stdout is for the app and for --json. It has colour only on
 * a terminal, and `<N>` priorities (sd-daemon(3)) when stderr is the journal.
 */
import { createConsola, type ConsolaInstance, type LogObject } from "consola/basic";
import { printableLines } from "./text.ts";

/** The lowest level that is written; `silent` writes nothing. */
export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";
/**
 * `terminal` has colours, `plain` is for files, and `journal` has the priorities that the journal reads (sd-daemon(3)).
 */
export type LogFormat = "terminal" | "plain" | "journal";

export interface LogOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** Receives one or more whole lines, each with its line feed. */
  readonly write: (text: string) => void;
}

/** Receives messages, each at a level. */
export type Log = Pick<ConsolaInstance, "error" | "warn" | "info" | "debug">;

const LEVELS: Record<LogLevel, number> = { silent: -1, error: 0, warn: 1, info: 3, debug: 4 };
/** syslog(3) priorities by consola's level numbers: error, warning, notice, info, debug. */
const PRIORITIES = [3, 4, 5, 6, 7];
const RED = "\u001b[31m";
const YELLOW = "\u001b[33m";
const RESET = "\u001b[39m";

/** Makes a log that writes lines in one format. */
export function createLog(options: LogOptions): Log {
  return createConsola({
    level: LEVELS[options.level],
    throttle: 0,
    reporters: [{ log: (entry: LogObject) => options.write(formatEntry(entry, options.format)) }],
  });
}

/** One message as lines. The journal needs the priority on every line. */
function formatEntry(entry: LogObject, format: LogFormat): string {
  const lines = printableLines(entry.args.map(String).join(" "), "plain").split("\n");
  return lines.map((line, index) => `${formatLine(line, index, entry.level, format)}\n`).join("");
}

function formatLine(line: string, index: number, level: number, format: LogFormat): string {
  const text = index === 0 ? `gantry: ${line}` : line;
  if (format === "journal") return `<${PRIORITIES[level] ?? 6}>${text}`;
  if (format === "plain" || index > 0 || level > 1) return text;
  return `${level === 0 ? RED : YELLOW}${text}${RESET}`;
}

/**
 * Chooses the format for a stream: the journal's when JOURNAL_STREAM names it as `device:inode` (systemd.exec(5)).
 * @param stream whether it is a terminal, and its device and inode by fstat(2)
 */
export function logFormat(
  stream: { readonly isTTY: boolean; readonly dev: number; readonly ino: number },
  journalStream: string | undefined,
): LogFormat {
  if (journalStream === `${stream.dev}:${stream.ino}`) return "journal";
  return stream.isTTY ? "terminal" : "plain";
}
