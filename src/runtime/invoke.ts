/**
 * Uses a compiled Bun program as a tool. With BUN_BE_BUN=1 any compiled program is the whole bun command line, so that a
 * host needs no other runtime. With the arguments here it obeys nothing in the current directory: no bunfig.toml, no
 * .env, no automatic installation of missing imports (measured on Bun 1.2.16 to 1.4.5).
 */
import type { Environment } from "../base/environment.ts";
import { isKept } from "../release/index.ts";

/**
 * Variables that change what a Bun process loads or runs, and those that systemd sets for the app: a tool or a probe that
 * reads these could send messages in the service's name, or take its sockets.
 */
const UNSAFE =
  /^(?:GANTRY_.*|NOTIFY_SOCKET|LISTEN_.*|WATCHDOG_.*|BUN_BE_BUN|BUN_OPTIONS|BUN_INSPECT.*|BUN_JSC_.*|NODE_OPTIONS|NODE_PATH|NODE_V8_COVERAGE|NODE_COMPILE_CACHE)$/;

/** Turns off the cache below HOME in which Bun keeps compiled scripts of more than 50 KB. */
const NO_CACHE = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } as const;

/** Makes any program compiled with Bun the bun command line; the bun executable ignores it. */
export const BE_BUN = { BUN_BE_BUN: "1" } as const;

/** The environment without the variables of UNSAFE, plus `extra`. */
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
 * The environment of a load probe or a package manager: the variables that the launcher keeps from its caller, see
 * isKept, plus `extra`.
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
 * Arguments that run a script safely; its path must be absolute. Without --tsconfig-override Bun obeys the `paths` of a
 * tsconfig.json or jsconfig.json in the current directory and its parents. With it, Bun 1.3.7 prints a line about an
 * internal error, and runs the script.
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
