/**
 * Runs the host's own programs: found on a fixed path, with an environment that nobody else had a hand in, and never
 * with a terminal.
 */
import { GantryError } from "../errors.ts";
import type { Environment } from "../environment.ts";
import { run, type RunOptions } from "./run.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** What systemd gives the services of the system (systemd.exec(5), $PATH), and /sbin and /bin where those are apart. */
export const UNIT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CLEAN: Environment = { PATH, LC_ALL: "C.UTF-8", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" };

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is left out is the clean environment, and / as current directory; the signal ends the program by SIGTERM. */
export type ProgramOptions = Partial<Pick<RunOptions, "environment" | "cwd" | "signal" | "heard">>;

/**
 * Runs a program to its end, whatever its exit status. Killed by a signal counts as 128.
 * @throws GantryError EXEC_FAILED when it cannot be started
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { environment = CLEAN, cwd = "/", ...options }: ProgramOptions = {},
): Promise<ProgramResult> {
  let result;
  try {
    // A program that changes the host is never killed in the middle of it.
    result = await run(file, args, { ...options, environment, cwd, grace: "forever" });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = `${file} cannot be started: ${error.message}`;
    throw new GantryError({ code: "EXEC_FAILED", what, where: file });
  }
  return { code: result.code ?? 128, stdout: result.stdout, stderr: result.stderr };
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
