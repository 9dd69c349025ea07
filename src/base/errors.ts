/** Findings and the error that carries them: how they are made, spelled out and printed. The table is their codes. */
import { ERRORS, type ErrorCode } from "./error-table.ts";
import { printable } from "./text.ts";

export { ERRORS, type ErrorCode };

/** One thing that is wrong. */
export interface Finding {
  readonly code: ErrorCode;
  /** What is wrong, one sentence without a full stop. */
  readonly what: string;
  /** The file, key or address it is about. */
  readonly where?: string;
  /** The exact thing to do; the table's fix when left out. */
  readonly fix?: string;
  /** Quoted lines: a loader's message, a registry's response. */
  readonly detail?: readonly string[];
}

/**
 * Marks instances of GantryError. Several of gantry's files are bundles, each with its own copy of the class, so that
 * the usual instanceof would fail between them.
 */
const MARK = Symbol.for("gantry.error");

/** An expected failure: one or more findings, which are printed without a stack trace. */
export class GantryError extends Error {
  readonly [MARK] = true;
  readonly findings: readonly [Finding, ...Finding[]];

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && MARK in value;
  }

  constructor(first: Finding, ...rest: Finding[]) {
    super([first, ...rest].map((finding) => `${finding.code}: ${finding.what}`).join("\n"));
    this.name = "GantryError";
    this.findings = [first, ...rest];
  }

  /** The exit status of the first finding. */
  get exit(): number {
    return ERRORS[this.findings[0].code].exit;
  }
}

/**
 * A finding as lines for people: its code and what is wrong, then file, detail and fix, indented. Control characters
 * are replaced, because in text from elsewhere they could change what a terminal shows.
 */
export function formatFinding(finding: Finding): string[] {
  const lines = [`${finding.code}: ${printable(finding.what)}`];
  if (finding.where !== undefined) lines.push(`  file  ${printable(finding.where)}`);
  for (const line of finding.detail ?? []) lines.push(`        ${printable(line)}`);
  lines.push(`  fix   ${printable(finding.fix ?? ERRORS[finding.code].fix)}`);
  return lines;
}

/** A finding with exit status and fix filled in, for programs that do not have the table. */
export interface SpelledFinding extends Finding {
  readonly exit: number;
  readonly fix: string;
}

/** Adds the exit status from the table, and the default fix when the finding has none. */
export function spellFinding(finding: Finding): SpelledFinding {
  const { code, what, where, detail, fix = ERRORS[code].fix } = finding;
  return {
    exit: ERRORS[code].exit,
    code,
    what,
    ...(where === undefined ? {} : { where }),
    ...(detail === undefined ? {} : { detail }),
    fix,
  };
}

/**
 * Turns anything thrown into a GantryError. A file system error gets a matching code, a missing module file (.mjs) of
 * lib/ RELEASE_FILE_MISSING, and any other error INTERNAL.
 */
export function toGantryError(error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  if (isSystemError(error)) return new GantryError(systemFinding(error));
  const part =
    error instanceof Error
      ? /Cannot find module '(?:[^']*\/)?([\w-]+\.mjs)'/.exec(error.message)?.[1]
      : undefined;
  if (part !== undefined) {
    const what = `lib/${part} is not there`;
    return new GantryError({ code: "RELEASE_FILE_MISSING", what, where: `lib/${part}` });
  }
  const detail =
    error instanceof Error && error.stack !== undefined ? error.stack.split("\n").slice(1, 6) : [];
  const what = error instanceof Error ? error.message : String(error);
  return new GantryError({ code: "INTERNAL", what, detail: detail.map((line) => line.trim()) });
}

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
}

function isSystemError(error: unknown): error is SystemError {
  return /^E[A-Z0-9]+$/.test(errorCode(error) ?? "");
}

/**
 * Whether this is a file system error that says that the file does not exist (ENOENT), or that a part of its path is no
 * directory (ENOTDIR).
 */
export function isMissing(error: unknown): boolean {
  return errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR";
}

/** The `code` of an error of the system or of Node, such as `ENOENT`; undefined when it has none. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function systemFinding(error: SystemError): Finding {
  const where = error.path === undefined ? {} : { where: error.path };
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return { code: "DISK_FULL", what: `no space left (${error.code})`, ...where };
    case "EROFS":
      return { code: "STORE_UNWRITABLE", what: "the file system is read-only (EROFS)", ...where };
    case "EACCES":
    case "EPERM":
      return { code: "PERMISSION_DENIED", what: `not permitted (${error.code})`, ...where };
    case "EMFILE":
    case "ENFILE": {
      const fix = "allow more open files: ulimit -n 1024 in a shell, LimitNOFILE=1024 in a unit";
      return { code: "IO_FAILED", what: `too many open files (${error.code})`, ...where, fix };
    }
    case "EEXIST":
    case "EISDIR":
    case "ENOTDIR": {
      const fix = "something of another kind has this name: move it away, or name another place";
      return { code: "IO_FAILED", what: error.message, ...where, fix };
    }
    default:
      return { code: "IO_FAILED", what: error.message, ...where };
  }
}
