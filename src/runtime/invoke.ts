/**
 * A compiled Bun program used as a tool. With BUN_BE_BUN=1 any compiled binary is the whole bun command line, so a
 * host needs no other runtime. The arguments here keep it from obeying what lies in the current directory:
 * no bunfig.toml, no .env, no automatic installation of missing imports (measured on Bun 1.2.16 to 1.4.5).
 */
import type { Environment } from "../base/environment.ts";
import { isKept } from "../release/index.ts";

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
