/**
 * Runs the host's own programs: found on a fixed path, with an environment that nobody else had a hand in, and never
 * with a terminal.
 */
import { spawn } from "node:child_process";
import { GantryError } from "../errors.ts";
import type { Environment } from "../environment.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** What systemd gives the services of the system (systemd.exec(5), $PATH), and /sbin and /bin where those are apart. */
export const UNIT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CLEAN: Environment = { PATH, LC_ALL: "C.UTF-8", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" };

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  /** Replaces the clean one. */
  readonly environment?: Environment;
  readonly cwd?: string;
  /** Ends the program by SIGTERM. */
  readonly signal?: AbortSignal;
  /** Told each line of standard error as it comes. */
  readonly heard?: (line: string) => void;
}

/**
 * Runs a program to its end, whatever its exit status. Killed by a signal counts as 128 and its number, or 128.
 * @throws GantryError EXEC_FAILED when it cannot be started
 */
export function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd ?? "/",
      env: options.environment ?? CLEAN,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const text = { stdout: "", stderr: "" };
    let line = "";
    const end = () => child.kill("SIGTERM");
    options.signal?.addEventListener("abort", end);
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      text.stderr += chunk;
      const lines = `${line}${chunk}`.split("\n");
      line = lines.pop() ?? "";
      for (const whole of lines) options.heard?.(whole);
    });
    child.once("error", (error) => {
      const what = `${file} cannot be started: ${error.message}`;
      reject(new GantryError({ code: "EXEC_FAILED", what, where: file }));
    });
    child.once("close", (code) => {
      options.signal?.removeEventListener("abort", end);
      resolve({ code: code ?? 128, ...text });
    });
  });
}

/**
 * The same, for programs whose failure is a failure.
 * @throws GantryError DISK_FULL or EXEC_FAILED, with what the program said
 */
export async function runOrThrow(file: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(file, args);
  if (code === 0) return stdout;
  const detail = stderr.split("\n").filter((line) => line !== "");
  const what = `${file} ${args.join(" ")} failed with exit status ${code}`;
  // ENOSPC in the C library's words; the clean environment keeps them English.
  if (stderr.includes("No space left on device")) throw new GantryError({ code: "DISK_FULL", what, detail });
  throw new GantryError({
    code: "EXEC_FAILED",
    what,
    detail: detail.slice(0, 10),
    fix: "see what it says above",
  });
}
