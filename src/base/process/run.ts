/** Runs a program to its end, with limits, and collects what it prints. Nothing else in gantry starts a process. */
import { spawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import type { Environment } from "../environment.ts";

export interface RunOptions {
  readonly cwd: string;
  readonly environment: Environment;
  /** Milliseconds after which the process is killed; none when left out. */
  readonly timeout?: number;
  /** Aborting it ends the process with SIGTERM, and with SIGKILL if that does not help; the result is still awaited. */
  readonly signal?: AbortSignal;
  /** Milliseconds that SIGTERM is given to help; 500 when left out. `forever`: nothing kills the process. */
  readonly grace?: number | "forever";
  /** `group` ends what the process has started too, which then gets no signals of the terminal; see setsid(2). */
  readonly ends?: "process" | "group";
  /** Told the process id once it runs. */
  readonly started?: (pid: number) => void;
  /** Told each whole line of standard error as it comes. */
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
    const tell = byLine(options.heard);
    for (const name of ["stdout", "stderr"] as const) {
      // Bun gives no streams to a process for which it had no descriptors left (EMFILE), whatever the types say.
      const stream: Readable | null | undefined = child[name];
      stream?.setEncoding("utf8");
      stream?.on("data", (chunk: string) => {
        text[name] = (text[name] + chunk).slice(-KEEP);
        if (name === "stderr") tell(chunk);
      });
    }
    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    const later = (delay: number, action: () => void) => timers.push(setTimeout(action, delay));
    const end = () => {
      kill("SIGTERM");
      if (options.grace !== "forever") later(options.grace ?? GRACE, () => kill("SIGKILL"));
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

/** Takes text in whatever pieces it comes, and hands it on line by line; what no line break ends is left out. */
function byLine(heard: RunOptions["heard"]): (chunk: string) => void {
  let begun = "";
  return (chunk) => {
    const lines = `${begun}${chunk}`.split("\n");
    begun = lines.pop() ?? "";
    for (const line of lines) heard?.(line);
  };
}

/**
 * The same at once, for programs that end at once and callers that cannot wait.
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
