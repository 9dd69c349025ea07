/**
 * Installs a frozen lock with the package manager inside a Bun executable. Build and host use this same call, so that
 * what the build hashed is what a host gets: hoisted, copied (never linked into a cache), and with no script run.
 */
import { join } from "node:path";
import { GantryError, type Finding } from "../errors.ts";
import type { Target } from "../release/targets.ts";
import { run, toolEnvironment, type Environment, type RunResult } from "./invoke.ts";

export interface InstallOptions {
  /** A Bun executable, or any program compiled with one. */
  readonly executable: string;
  /** Holds package.json and bun.lock; node_modules appears in it. */
  readonly directory: string;
  /** Bun's download cache; private, because its integrity is only checked on download. */
  readonly cache: string;
  readonly target: Target;
  readonly environment: Environment;
  /** Replaces every configured registry when given. */
  readonly registry?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Seconds without a byte from the registry after which a request counts as failed, and how often it is tried again. */
const NETWORK_LIMITS = { BUN_CONFIG_HTTP_IDLE_TIMEOUT: "30", BUN_CONFIG_HTTP_RETRY_COUNT: "2" } as const;

/** The command line of a frozen installation for a target. */
export function installArguments(options: InstallOptions): string[] {
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
    ...(options.registry === undefined ? [] : [`--registry=${options.registry}`]),
  ];
}

/**
 * Runs the installation.
 * @throws GantryError NETWORK_FAILED, DIGEST_MISMATCH (tampered tarball), MANIFEST_INVALID (lock out of step),
 *   DISK_FULL, STORE_UNWRITABLE, EXEC_FAILED; MODULE_UNAVAILABLE when the registry has no such package
 */
export async function installFrozen(options: InstallOptions): Promise<void> {
  const environment = toolEnvironment(options.environment, { ...NETWORK_LIMITS, BUN_BE_BUN: "1" });
  let result: RunResult;
  try {
    result = await run(options.executable, installArguments(options), {
      cwd: options.directory,
      environment,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    const what = `the package manager could not be started: ${error instanceof Error ? error.message : String(error)}`;
    throw new GantryError({ code: "EXEC_FAILED", what, where: options.executable });
  }
  const failure = parseInstallFailure(result, join(options.directory, "bun.lock"));
  if (failure !== undefined) throw new GantryError(failure);
}

interface FailureRule {
  readonly pattern: RegExp;
  readonly finding: Pick<Finding, "code" | "what"> & Partial<Finding>;
}

/** What Bun's package manager prints, most telling first; seen on Bun 1.3.7 and 1.4.5. */
const FAILURES: readonly FailureRule[] = [
  {
    pattern: /integrity check failed|IntegrityCheckFailed/i,
    finding: {
      code: "DIGEST_MISMATCH",
      what: "the registry served a package that is not the one the release was built with",
      fix: "use another registry (GANTRY_REGISTRY), and tell its operator",
    },
  },
  {
    pattern: /lockfile (?:had changes|is frozen)|lockfile version|failed to parse lockfile|InvalidLockfile/i,
    finding: { code: "MANIFEST_INVALID", what: "bun.lock and package.json do not belong together" },
  },
  { pattern: /ENOSPC|No space left/i, finding: { code: "DISK_FULL", what: "no space left for the modules" } },
  {
    pattern: /EROFS|Read-only file system/i,
    finding: { code: "STORE_UNWRITABLE", what: "the file system is read-only" },
  },
  {
    pattern: /\b404\b|package .* not found|No version matching/i,
    finding: {
      code: "MODULE_UNAVAILABLE",
      what: "the registry does not have a package that the release needs",
      fix: "use a registry that has it (GANTRY_REGISTRY)",
    },
  },
];

/**
 * What a finished installation means, or undefined when it succeeded.
 * Everything unknown is the network's: that is what is left once the release's own files are right.
 */
export function parseInstallFailure(result: RunResult, lockfile: string): Finding | undefined {
  if (result.code === 0) return undefined;
  const lines = result.stderr.split("\n").map((line) => line.trim());
  const detail = lines.filter((line) => /^(?:error|warn)\b/i.test(line)).slice(0, 5);
  if (result.signal !== null) {
    return { code: "LOAD_CRASHED", what: `the package manager was ended by ${result.signal}`, detail };
  }
  const rule = FAILURES.find(({ pattern }) => pattern.test(result.stderr));
  if (rule !== undefined) return { where: lockfile, detail, ...rule.finding };
  return {
    code: "NETWORK_FAILED",
    what: "the package registry could not be used",
    detail,
    fix: "check the network, name another registry with GANTRY_REGISTRY=URL, then start again",
  };
}
