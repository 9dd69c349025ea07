/**
 * Installs the modules of a lockfile with the package manager inside a Bun executable. Build and host use the same call,
 * so that a host gets what the build hashed: hoisted, copied (never linked to a cache), and without install scripts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readNames, readRegularText, unlessRefused } from "../base/files/index.ts";
import { GantryError } from "../base/errors.ts";
import { NAMES, type Target } from "../release/index.ts";
import { hangFinding, parseInstallFailure, readComplaints } from "./install-failure.ts";
import { keptEnvironment } from "./invoke.ts";
import { run, type RunResult } from "../base/process/index.ts";
import type { Environment } from "../base/environment.ts";

export interface InstallLimits {
  /** Seconds without a byte after which a request counts as failed. Bun 1.3.13 and older ignore it. */
  readonly idle: number;
  /** How often a failed request is tried again. */
  readonly retries: number;
  /** Milliseconds without a sign of work after which the package manager is ended, see guardAgainstHanging. */
  readonly hang: number;
}

/** One try and two retries of 30 s each take less than the 120 s of `hang`. */
export const INSTALL_LIMITS: InstallLimits = { idle: 30, retries: 2, hang: 120_000 };

export interface InstallOptions {
  /** A Bun executable, or any program compiled with one. */
  readonly executable: string;
  /** Private; has package.json, whose name is removed, and bun.lock. node_modules is made in it. */
  readonly directory: string;
  /** Bun's download cache; private, because Bun checks integrity only when it downloads. */
  readonly cache: string;
  readonly target: Target;
  readonly environment: Environment;
  /** Replaces every configured registry when given. */
  readonly registry?: string | undefined;
  readonly limits?: InstallLimits;
  readonly signal?: AbortSignal | undefined;
}

/** The command line of a frozen installation for a target. */
function installArguments(options: InstallOptions): string[] {
  const { target } = options;
  return [
    "install",
    "--config=/dev/null",
    "--no-env-file",
    "--frozen-lockfile",
    "--production",
    "--ignore-scripts",
    "--backend=copyfile",
    "--linker=hoisted",
    "--no-progress",
    `--cache-dir=${options.cache}`,
    `--os=${target.os}`,
    `--cpu=${target.arch}`,
    // Bun 1.4 skips packages for another C library than its own. 1.3 does not, and ignores the unknown flag.
    ...(target.libc === undefined ? [] : [`--libc=${target.libc === "gnu" ? "glibc" : "musl"}`]),
    ...(options.registry === undefined ? [] : [`--registry=${options.registry}`]),
  ];
}

function installEnvironment(options: InstallOptions, limits: InstallLimits): Record<string, string> {
  return keptEnvironment(options.environment, {
    BUN_CONFIG_HTTP_IDLE_TIMEOUT: String(limits.idle),
    BUN_CONFIG_HTTP_RETRY_COUNT: String(limits.retries),
    BUN_TMPDIR: options.directory,
    BUN_BE_BUN: "1",
  });
}

/**
 * Runs the installation.
 * @returns warnings, line by line: a package manager succeeds without optional packages that it cannot fetch
 * @throws GantryError NETWORK_FAILED, DIGEST_MISMATCH (tampered tarball), MANIFEST_INVALID (lockfile disagrees),
 *   DISK_FULL, STORE_UNWRITABLE, EXEC_FAILED; MODULE_UNAVAILABLE when the registry has no such package
 */
export async function installFrozen(options: InstallOptions): Promise<readonly string[]> {
  const limits = options.limits ?? INSTALL_LIMITS;
  standAlone(join(options.directory, NAMES.packageJson));
  const command = {
    file: options.executable,
    args: installArguments(options),
    environment: installEnvironment(options, limits),
  };
  return runInstaller(command, options, limits.hang);
}

/**
 * Removes the name from a package.json. With a name, a package.json in a parent directory whose `workspaces` match this
 * directory would take over the installation (Bun 1.3.7 to 1.4.5).
 */
function standAlone(path: string): void {
  const { name: _, ...rest } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify(rest));
}

export interface InstallerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a package manager in `directory`.
 * @returns its errors and warnings, line by line, when it succeeded
 * @throws GantryError for its failure; the signal's reason
 * @param hang milliseconds without a sign of work after which it is ended
 */
export async function runInstaller(
  command: InstallerCommand,
  options: Pick<InstallOptions, "directory" | "cache" | "signal">,
  hang: number,
): Promise<readonly string[]> {
  const guard = guardAgainstHanging(options.cache, hang);
  let result: RunResult;
  try {
    result = await run(command.file, command.args, {
      cwd: options.directory,
      environment: command.environment,
      signal: options.signal === undefined ? guard.signal : AbortSignal.any([options.signal, guard.signal]),
      started: guard.watch,
    });
  } catch (error) {
    const what = `the package manager could not be started: ${error instanceof Error ? error.message : String(error)}`;
    throw new GantryError({ code: "EXEC_FAILED", what, where: command.file });
  } finally {
    guard.stop();
  }
  options.signal?.throwIfAborted();
  if (guard.signal.aborted) throw new GantryError(hangFinding(hang));
  const failure = parseInstallFailure(result, options.directory);
  if (failure !== undefined) throw new GantryError(failure);
  return readComplaints(result.stderr);
}

/**
 * Ends a package manager that neither stores anything nor uses processor time. Bun before 1.3.14 has an idle timeout of
 * five minutes for each request. It keeps a download in memory until it is complete, so that its processor time (proc(5),
 * stat fields 14 and 15) is the only sign of a slow one.
 */
function guardAgainstHanging(cache: string, hang: number) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const watch = (pid: number) => {
    let last = { mark: "", at: performance.now() };
    timer = setInterval(
      () => {
        const mark = `${readProcessorTime(pid)} ${readEntryCount(cache)}`;
        if (mark !== last.mark) last = { mark, at: performance.now() };
        else if (performance.now() - last.at > hang) controller.abort();
      },
      Math.min(1000, hang / 4),
    );
  };
  return { signal: controller.signal, watch, stop: () => clearInterval(timer) };
}

function readProcessorTime(pid: number): string {
  const text = unlessRefused(() => readRegularText(`/proc/${pid}/stat`)) ?? "";
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return `${fields[11]} ${fields[12]}`;
}

function readEntryCount(directory: string): number {
  return (unlessRefused(() => readNames(directory)) ?? []).length;
}
