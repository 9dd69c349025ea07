/** Runs a program to its end, with limits, and collects what it prints. Nothing else in gantry starts a process. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import type { Environment } from "../environment.ts";

export interface RunOptions {
  readonly cwd: string;
  readonly environment: Environment;
  /** Milliseconds after which the process gets SIGKILL; there is no limit when left out. */
  readonly timeout?: number;
  /**
   * Aborting it sends SIGTERM to the process, and SIGKILL if it still runs after `grace`. The promise still waits for
   * the process's end.
   */
  readonly signal?: AbortSignal;
  /** Milliseconds from SIGTERM to SIGKILL; 500 when left out. `forever`: no SIGKILL is sent. */
  readonly grace?: number | "forever";
  /**
   * What gets the signals: the process alone, or with `group` also its children. For `group` the process is started in
   * its own session (setsid(2)), without a terminal.
   */
  readonly ends?: "process" | "group";
  /** Called with the process id once it runs. */
  readonly started?: (pid: number) => void;
  /** Called with each whole line of stderr as it arrives. */
  readonly heard?: (line: string) => void;
}

export interface RunResult {
  /** Exit status, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Only this many characters at the end of each stream are kept, which limits memory. */
const KEEP = 1 << 20;

/** Milliseconds from SIGTERM to SIGKILL, by default. */
const GRACE = 500;

/** The signal of the work that is going on, see `abortable`. */
const WORK = new AsyncLocalStorage<AbortSignal>();

/**
 * Does a piece of work that can be aborted. Every program that `run` starts for it runs in a group of its own. When the
 * signal is aborted, each such group gets SIGTERM, and SIGKILL half a second later; `run` then throws the signal's reason
 * and starts nothing more.
 * @throws the signal's reason, whatever the work itself throws, once it is aborted
 */
export async function abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return await work();
  try {
    signal.throwIfAborted();
    return await WORK.run(signal, work);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * Runs a program to its end and collects what it printed. Its stdin is empty. The promise settles only after the process
 * has ended, also when aborted, so that the caller can clean up.
 * @throws the system's error when it cannot be started (ENOENT, EACCES, ENOEXEC …); the reason of an aborted `abortable`
 */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const work = WORK.getStore();
  return new Promise((resolve, reject) => {
    work?.throwIfAborted();
    const group = options.ends === "group" || work !== undefined;
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: group,
    });
    const kill = (signal: NodeJS.Signals): void => {
      if (!group || child.pid === undefined) return void child.kill(signal);
      try {
        process.kill(-child.pid, signal);
      } catch {
        // The process, or its whole group, has ended already.
      }
    };
    child.once("error", (error) => settle(() => reject(error)));
    const text = collect(child, options.heard);
    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    const later = (delay: number, action: () => void) => timers.push(setTimeout(action, delay));
    const end = (grace: number | "forever", killed?: () => void) => {
      kill("SIGTERM");
      if (grace === "forever") return;
      later(grace, () => {
        kill("SIGKILL");
        killed?.();
      });
    };
    const endAsTold = () => end(options.grace ?? GRACE);
    // A process that left the group may hold the pipes open.
    const endWork = () => end(GRACE, () => [child.stdout, child.stderr].map((stream) => stream?.destroy()));
    const settle = (action: () => void) => {
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener("abort", endAsTold);
      work?.removeEventListener("abort", endWork);
      action();
    };
    child.once("spawn", () => {
      if (child.pid !== undefined) options.started?.(child.pid);
      if (options.signal?.aborted === true) endAsTold();
    });
    options.signal?.addEventListener("abort", endAsTold, { once: true });
    work?.addEventListener("abort", endWork, { once: true });
    if (options.timeout !== undefined) {
      later(options.timeout, () => {
        timedOut = true;
        kill("SIGKILL");
      });
    }
    child.once("close", (code, signal) => {
      const aborted = work?.aborted === true ? reasonOf(work) : undefined;
      settle(() => (aborted === undefined ? resolve({ code, signal, timedOut, ...text }) : reject(aborted)));
    });
  });
}

/** Collects what a child prints. The texts grow until it has ended. */
function collect(child: ChildProcess, heard: RunOptions["heard"]): Pick<RunResult, "stdout" | "stderr"> {
  const text = { stdout: "", stderr: "" };
  const tell = byLine(heard);
  for (const name of ["stdout", "stderr"] as const) {
    // When no descriptors are left (EMFILE), Bun sets no streams, although its types say that there always are some.
    const stream: Readable | null | undefined = child[name];
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      text[name] = (text[name] + chunk).slice(-KEEP);
      if (name === "stderr") tell(chunk);
    });
  }
  return text;
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** Takes text in pieces and calls `heard` with each whole line. A last line without a line feed is not passed on. */
function byLine(heard: RunOptions["heard"]): (chunk: string) => void {
  let begun = "";
  return (chunk) => {
    const lines = `${begun}${chunk}`.split("\n");
    begun = lines.pop() ?? "";
    for (const line of lines) heard?.(line);
  };
}

/**
 * Runs a program synchronously: for short programs, and callers that are not async.
 * @throws the system's error when it cannot be started
 */
export function runSync(
  file: string,
  args: readonly string[],
  { cwd, environment }: Pick<RunOptions, "cwd" | "environment">,
): Pick<RunResult, "code" | "stdout" | "stderr"> {
  const found = spawnSync(file, args, {
    cwd,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (found.error !== undefined) throw found.error;
  return { code: found.status, stdout: found.stdout, stderr: found.stderr };
}
