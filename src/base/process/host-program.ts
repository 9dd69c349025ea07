/**
 * Runs the host's own programs. By default they are found on a fixed PATH, and get none of this process's environment
 * variables. Their stdin is empty.
 */
import { GantryError } from "../errors.ts";
import type { Environment } from "../environment.ts";
import { outputLines } from "./output-lines.ts";
import { run, type RunOptions } from "./run.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** The PATH that systemd sets for system services (systemd.exec(5), $PATH), with /sbin and /bin for older systems. */
export const UNIT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CLEAN: Environment = { PATH, LC_ALL: "C.UTF-8", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" };

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** When left out, `environment` is the clean one and `cwd` is /. Aborting `signal` sends SIGTERM and never SIGKILL. */
export type ProgramOptions = Partial<Pick<RunOptions, "environment" | "cwd" | "signal" | "heard">>;

/**
 * Runs a program to its end. Any exit status is a result and no error; a program that a signal ended has 128.
 * @throws GantryError EXEC_FAILED when it cannot be started
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { environment = CLEAN, cwd = "/", ...options }: ProgramOptions = {},
): Promise<ProgramResult> {
  let result;
  try {
    // Never SIGKILL, because the program may be changing the host.
    result = await run(file, args, { ...options, environment, cwd, grace: "forever" });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = `${file} cannot be started: ${error.message}`;
    throw new GantryError({ code: "EXEC_FAILED", what, where: file });
  }
  return { code: result.code ?? 128, stdout: result.stdout, stderr: result.stderr };
}

/**
 * Runs a program that has to succeed.
 * @returns its stdout
 * @throws GantryError DISK_FULL or EXEC_FAILED, with the program's own lines
 */
export async function runOrThrow(file: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(file, args);
  if (code === 0) return stdout;
  const detail = outputLines(stderr);
  const what = `${file} ${args.join(" ")} failed with exit status ${code}`;
  // The C library's message for ENOSPC, which is English in the clean environment.
  if (stderr.includes("No space left on device")) throw new GantryError({ code: "DISK_FULL", what, detail });
  throw new GantryError({
    code: "EXEC_FAILED",
    what,
    detail: detail.slice(0, 10),
    fix: "see what it says above",
  });
}
