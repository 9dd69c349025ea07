/** Runs a program to its end, with what it says as it says it. */
import { spawn } from "node:child_process";

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of the shell that runs the tests, least of all npm's settings; and a home that nobody can make. */
export function bareEnvironment(): Record<string, string> {
  return { PATH: "/usr/bin:/bin", HOME: "/proc/nonexistent" };
}

export interface Watch {
  readonly started?: (pid: number) => void;
  /** Told what arrives on standard error, as it arrives. */
  readonly heard?: (text: string, pid: number) => void;
}

interface ProgramOptions extends Watch {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs a program to its end with nothing on its standard input. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const text = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (text.stdout += chunk));
    child.stderr.on("data", (chunk) => {
      text.stderr += chunk;
      options.heard?.(String(chunk), child.pid ?? 0);
    });
    child.once("error", reject);
    child.once("spawn", () => options.started?.(child.pid ?? 0));
    child.once("close", (code, signal) => resolve({ code, signal, ...text }));
  });
}
