/**
 * The entry of the launcher, which every release contains. Only this file of the launcher uses the process's arguments,
 * environment, output, signals and exit status. A compiled app, lib/NAME, runs it (src/build/compile/prelude/launch.ts); in
 * other releases Node runs lib/launcher.mjs. The root of the release is the parent of that lib/.
 */
import { fstatSync, realpathSync, writeSync } from "node:fs";
import { dirname, isAbsolute, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode, formatFinding, GantryError, toGantryError } from "../base/errors.ts";
import { createLog, logFormat, type Log } from "../base/log.ts";
import { DIRECTORY_VARIABLE, LIBRARY_PATH_VARIABLE } from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import { adviseFindings } from "./advice.ts";
import { openServiceStatus } from "./notify.ts";
import { createProgress } from "./progress.ts";
import type { Session } from "./session.ts";
import { parseSettings, type Settings } from "./settings.ts";
import { start } from "./commands/start.ts";
import { printableLines } from "../base/text.ts";

/** Signals that stop the work. The work cleans up, and then the process ends itself with the same signal. */
const STOPPING = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Writes the whole text. A pipe takes 64 KiB at a time, and a non-blocking one fails with EAGAIN while it is full. Any
 * other error, such as a closed terminal, is ignored, so that the work can still clean up.
 */
function write(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if (errorCode(error) !== "EAGAIN") return;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}

async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(printableLines(question, "plain"), { signal })).trim();
  } finally {
    lines.close();
  }
}

function openLog(level: Settings["logLevel"]) {
  const format = logFormat(
    { isTTY: process.stderr.isTTY, ...readIdentity(2) },
    process.env["JOURNAL_STREAM"],
  );
  return { format, log: createLog({ format, level, write: (text) => write(2, text) }) };
}

/** Device and inode of a stream, for $JOURNAL_STREAM (systemd.exec(5)). A closed stderr is not the journal. */
function readIdentity(descriptor: number): { readonly dev: number; readonly ino: number } {
  try {
    return fstatSync(descriptor);
  } catch {
    return { dev: -1, ino: -1 };
  }
}

function fail(error: unknown, log: Log, settings: Settings | undefined): void {
  const failure = toGantryError(error);
  for (const finding of adviseFindings(failure.findings, settings, process.env)) {
    log.error(formatFinding(finding).join("\n"));
  }
  process.exitCode = failure.exit;
}

/** The path of the running launcher: a file in the release's lib/. */
function ownPath(): string {
  return process.versions.bun === undefined ? fileURLToPath(import.meta.url) : process.execPath;
}

/**
 * The caller's current directory. It comes from a variable, because the stub (the release's start script) has changed
 * to another directory. The caller's directory may have been removed meanwhile.
 */
function callerDirectory(environment: Environment): string {
  const told = environment[DIRECTORY_VARIABLE] ?? "";
  return isAbsolute(told) ? told : process.cwd();
}

/** The environment with the caller's LD_LIBRARY_PATH. The app will have it, so verdicts and load probes need it. */
function callerEnvironment(environment: Environment): Environment {
  const path = environment[LIBRARY_PATH_VARIABLE];
  return path === undefined ? environment : { ...environment, LD_LIBRARY_PATH: path };
}

async function main(args: readonly string[]): Promise<void> {
  let settings: Settings;
  try {
    settings = parseSettings(process.env);
  } catch (error) {
    fail(error, openLog("info").log, undefined);
    return;
  }
  const { log, format } = openLog(settings.logLevel);
  const environment = callerEnvironment(process.env);
  const stop = new AbortController();
  let stopped: NodeJS.Signals | undefined;
  for (const signal of STOPPING) {
    process.once(signal, () => {
      stopped = signal;
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  const columns = process.stderr.columns || 80;
  const progress = createProgress({ log, format, columns, write: (text) => write(2, text) });
  const status = openServiceStatus(progress, process.env);
  const session: Session = {
    root: dirname(dirname(realpathSync(ownPath()))),
    directory: callerDirectory(process.env),
    settings,
    environment,
    log,
    reporter: status.reporter,
    signal: stop.signal,
    parent: process.ppid,
    columns: process.stdout.columns || 80,
    colour: process.stdout.isTTY,
    self: {
      os: process.platform,
      ...(process.geteuid === undefined ? {} : { uid: process.geteuid() }),
      path: process.execPath,
      arch: process.arch,
      versions: process.versions,
    },
    setUmask: (mask) => process.umask(mask),
    print: (text) => write(1, `${printableLines(text, process.stdout.isTTY ? "coloured" : "plain")}\n`),
    ask: (question) => ask(question, stop.signal),
  };
  try {
    for (const warning of settings.warnings) log.warn(warning);
    await dispatch(session, args);
    await status.close("");
  } catch (error) {
    progress.close();
    if (stopped !== undefined) return die(stopped, log);
    fail(error, log, settings);
    await status.close(formatFinding(toGantryError(error).findings[0])[0] ?? "");
  } finally {
    progress.close();
  }
}

async function dispatch(session: Session, args: readonly string[]): Promise<void> {
  if (args[0] === "recover" && (args.length === 1 || args[1] === "--boot")) {
    const { recover } = await import("./commands/service-commands.ts");
    return recover(session, args[1] === "--boot" ? "booting" : "running");
  }
  if (args[0] === "start") {
    if (args.length <= 2 && (args[1] ?? "/").startsWith("/")) {
      process.exitCode = await start({ ...session, calledAs: sameDirectory(args[1], session.root) });
      return;
    }
    throw new GantryError({
      code: "USAGE",
      what: "start is for the release's own script",
      fix: "run ./gantry --help",
    });
  }
  const { runCommands } = await import("./commands/commands.ts");
  await runCommands(session, args);
}

/** The path as it was given, if it is absolute, normalized, and leads to the release. Undefined otherwise. */
function sameDirectory(path: string | undefined, root: string): string | undefined {
  if (path === undefined || !path.startsWith("/") || normalize(path) !== path) return undefined;
  try {
    return realpathSync(path) === root ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends the process with the signal that stopped it, after the work has cleaned up. The exit status of 128 and the
 * signal's number counts only if the signal does not end the process.
 */
function die(signal: NodeJS.Signals, log: Log): void {
  log.info(`stopped by ${signal}; nothing is left behind`);
  process.exitCode = signal === "SIGTERM" ? 143 : signal === "SIGINT" ? 130 : 129;
  for (const name of STOPPING) process.removeAllListeners(name);
  process.kill(process.pid, signal);
}

await main(process.argv.slice(2));
