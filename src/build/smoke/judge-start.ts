/** Decides what a start of a finished release means: it starts, or this is the build's error. Pure. */
import { ERRORS, type ErrorCode, type Finding } from "../../base/errors.ts";
import { findUnresolved, lastLine, lastWords, type OutputContext, type Unresolved } from "./last-words.ts";
import type { StartOutcome } from "./start-outcome.ts";

/** What was seen of one start. */
export interface SeenStart {
  /** `itself`: the app ended. `stopped`: the build told it to end. */
  readonly end: "itself" | "stopped";
  /** Exit status, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The first socket that listened, with the seconds until then. */
  readonly listening?: { readonly address: string; readonly seconds: number };
  /** Seconds until its end, or until it was told to end. */
  readonly seconds: number;
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the app's settings say of a start (`gantry.smoke`). */
export interface StartRules {
  /** Exit statuses that are allowed. Every one is when left out, unless the output tells of a missing module or file. */
  readonly exit?: readonly number[] | undefined;
  /** `true`: it has to listen. `false`: a socket does not end the start. */
  readonly listens?: boolean | undefined;
  /** Seconds that a start may take until it listens or ends. */
  readonly timeout: number;
}

/** Names of the signals of a crash, by their numbers on Linux (signal(7)). A shell adds 128 to them. */
const CRASHES: Readonly<Record<number, string>> = {
  132: "SIGILL",
  133: "SIGTRAP",
  134: "SIGABRT",
  135: "SIGBUS",
  136: "SIGFPE",
  139: "SIGSEGV",
};

/** A start that is right, or what is wrong. The finding does not say yet which release and way it was. */
export type StartVerdict = { readonly outcome: Omit<StartOutcome, "way"> } | { readonly failure: Finding };

/**
 * Judges a start.
 * @param context the release, and what it can start without
 */
export function judgeStart(seen: SeenStart, rules: StartRules, context: OutputContext): StartVerdict {
  const { listening, seconds } = seen;
  if (seen.end === "stopped") {
    const killed = seen.killed ? { killed: true as const } : {};
    if (listening !== undefined) return { outcome: { outcome: "listening", ...listening, ...killed } };
    if (rules.listens !== true) return { outcome: { outcome: "running", seconds, ...killed } };
    return fail(seen, `does not listen within ${rules.timeout} s`, SILENT_FIX);
  }
  const code = seen.code ?? 0;
  const allowed = rules.exit?.includes(code) === true;
  const signal = seen.signal ?? (allowed ? undefined : CRASHES[code]);
  if (signal !== undefined) return fail(seen, `was ended by ${signal}`, CRASH_FIX);
  const refusal = allowed ? undefined : refusalOf(seen.stderr, code);
  if (refusal !== undefined) return fail(seen, `${ended(code)}: ${refusal}`, REFUSED_FIX);
  const unresolved = allowed ? undefined : findUnresolved(seen, context);
  if (unresolved !== undefined) {
    return fail(seen, `${ended(code)}: ${describeUnresolved(unresolved)}`, unresolvedFix(unresolved));
  }
  if (rules.exit !== undefined && !allowed) {
    return fail(seen, `${ended(code)}, and "gantry.smoke.exit" allows ${rules.exit.join(", ")}`, EXIT_FIX);
  }
  if (listening !== undefined && code === 0) return { outcome: { outcome: "listening", ...listening } };
  if (rules.listens === true && listening === undefined)
    return fail(seen, `${ended(code)} and did not listen`, SILENT_FIX);
  const said = code === 0 ? undefined : lastLine(seen);
  return { outcome: { outcome: "exited", seconds, exit: code, ...(said === undefined ? {} : { said }) } };
}

const ended = (code: number): string => `ended with exit status ${code}`;

/** What the release's own scripts said, when they and not the app ended with this status. */
function refusalOf(stderr: string, code: number): string | undefined {
  const [, found = "", what] = /^(?:<\d>)?gantry: ([A-Z_]+): (.*)$/m.exec(stderr) ?? [];
  return found in ERRORS && ERRORS[found as ErrorCode].exit === code ? `${found}: ${what}` : undefined;
}

const REFUSED_FIX = "do what the lines above say";
const EXIT_FIX = 'give it what it needs in "gantry.smoke.env", or allow the status in "gantry.smoke.exit"';
const SILENT_FIX =
  'give it what it needs in "gantry.smoke.arguments" and "gantry.smoke.env", or more time in "gantry.smoke.timeout"';
const CRASH_FIX =
  'run the app in this way where its sources are; if it crashes only here, "npx gantry check" on its native files says why';

function fail(seen: SeenStart, what: string, fix: string): StartVerdict {
  const detail = lastWords(seen);
  return {
    failure: {
      code: "SMOKE_FAILED",
      what,
      fix,
      detail: detail.length === 0 ? ["(it printed nothing)"] : detail,
    },
  };
}

function describeUnresolved({ kind, name }: Unresolved): string {
  if (kind === "native") return `${name} could not be loaded`;
  if (kind === "current")
    return `it looks for ${name} in the current directory, which is not the app's when a release runs`;
  return `${kind === "module" ? "the module" : "the file"} ${name} is not in the release`;
}

function unresolvedFix({ kind, name }: Unresolved): string {
  if (kind === "file") {
    return 'import it with { type: "file" }, or put it into the release with "gantry.include" and read it from there';
  }
  if (kind === "current") {
    return `name it by the place of the code that reads it: new URL("./${name}", import.meta.url), or join(__dirname, "${name}"); if every start is in a directory that has it, allow the status in "gantry.smoke.exit"`;
  }
  if (kind === "native") return '"npx gantry check FILE" on the app\'s own copy of it says what it lacks';
  if (/^[./]|^file:/.test(name)) {
    return "import it by a path that is written out, so that the build finds it";
  }
  return `make ${name} one of the app's dependencies; if its name is computed, list it in "gantry.externals"`;
}
