/** Runs a program to its end, with limits, and collects what it prints. */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

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
