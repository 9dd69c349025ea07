/**
 * A compiled Bun program used as a tool. With BUN_BE_BUN=1 any compiled binary is the whole bun command line, so a
 * host needs no other runtime. The arguments here keep it from obeying what lies in the current directory:
 * no bunfig.toml, no .env, no automatic installation of missing imports (measured on Bun 1.2.16 to 1.4.5).
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { isKept } from "../release/caller.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables that change what a Bun process loads or runs, and those by which systemd talks with the app: a tool or a
 * probe that reads them would speak for a service that it is not, or take its sockets.
 */
const UNSAFE =
  /^(?:GANTRY_.*|NOTIFY_SOCKET|LISTEN_.*|WATCHDOG_.*|BUN_BE_BUN|BUN_OPTIONS|BUN_INSPECT.*|BUN_JSC_.*|NODE_OPTIONS|NODE_PATH|NODE_V8_COVERAGE|NODE_COMPILE_CACHE)$/;

/** Bun keeps what it makes of scripts above 50 KB in a cache below HOME; a tool or a probe leaves nothing behind. */
const NO_CACHE = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } as const;

/** Makes any program compiled with Bun the bun command line; a bun executable takes no notice of it. */
export const BE_BUN = { BUN_BE_BUN: "1" } as const;

/** The environment without anything that steers the runtime, plus `extra`. */
export function toolEnvironment(
  environment: Environment,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !UNSAFE.test(name)) clean[name] = value;
  }
  return { ...clean, ...NO_CACHE, ...extra };
}

/**
 * What a load probe or a package manager gets: of the environment only what the launcher itself keeps of its caller's,
 * plus `extra`.
 */
export function keptEnvironment(
  environment: Environment,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return toolEnvironment(
    Object.fromEntries(Object.entries(environment).filter(([name]) => isKept(name))),
    extra,
  );
}

/**
 * Arguments that run a script safely; the script's path must be absolute. Without the fourth Bun obeys the `paths` of a
 * tsconfig.json or jsconfig.json of the current directory and of all its parents. Bun 1.3.7 says something about an
 * internal error then, and goes on.
 */
export function scriptArguments(script: string, ...args: readonly string[]): string[] {
  return [
    "--config=/dev/null",
    "--env-file=/dev/null",
    "--no-install",
    "--tsconfig-override=/dev/null",
    script,
    ...args,
  ];
}

export interface RunOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds after which the process is killed; none when left out. */
  readonly timeout?: number;
  /** Aborting it ends the process with SIGTERM, and with SIGKILL if that does not help; the result is still awaited. */
  readonly signal?: AbortSignal;
  /** `group` ends what the process has started too, which then gets no signals of the terminal; see setsid(2). */
  readonly ends?: "process" | "group";
  /** Told the process id once it runs. */
  readonly started?: (pid: number) => void;
}

export interface RunResult {
  /** Exit status, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Keeps the memory of a chatty process bounded: only this much of each stream's end is kept, in characters. */
const KEEP = 1 << 20;

/** Milliseconds between asking a process to end and making it. */
const GRACE = 500;

/**
 * Runs a program to its end and collects what it printed. Standard input is empty. It settles only after the process
 * is gone, also when aborted, so that whoever cleans up afterwards does not race with it.
 * @throws the system's error when it cannot be started (ENOENT, EACCES, ENOEXEC …)
 */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: options.ends === "group",
    });
    const kill = (signal: NodeJS.Signals): void => {
      if (options.ends !== "group" || child.pid === undefined) return void child.kill(signal);
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It is gone already, and so is all that it started.
      }
    };
    child.once("error", (error) => settle(() => reject(error)));
    const text = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      // Bun gives no streams to a process for which it had no descriptors left (EMFILE), whatever the types say.
      const stream: Readable | null | undefined = child[name];
      stream?.setEncoding("utf8");
      stream?.on("data", (chunk: string) => {
        text[name] = (text[name] + chunk).slice(-KEEP);
      });
    }
    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    const later = (delay: number, action: () => void) => timers.push(setTimeout(action, delay));
    const end = () => {
      kill("SIGTERM");
      later(GRACE, () => kill("SIGKILL"));
    };
    const settle = (action: () => void) => {
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener("abort", end);
      action();
    };
    child.once("spawn", () => {
      if (child.pid !== undefined) options.started?.(child.pid);
      if (options.signal?.aborted === true) end();
    });
    options.signal?.addEventListener("abort", end, { once: true });
    if (options.timeout !== undefined) {
      later(options.timeout, () => {
        timedOut = true;
        kill("SIGKILL");
      });
    }
    child.once("close", (code, signal) => settle(() => resolve({ code, signal, timedOut, ...text })));
  });
}
