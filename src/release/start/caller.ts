/**
 * The variables that the launcher keeps from its caller's environment: those that it reads by src/base/variables.ts.
 * The stub removes all others before the launcher starts (templates/run-launcher.sh), and so does the prelude where
 * there is no shell. Variables that make a runtime, a loader or a shell load other code, such as NODE_OPTIONS,
 * LD_PRELOAD and ENV, are not among them.
 */
import { variablesWhere, type VariableName } from "../../base/variables.ts";

/**
 * Shell patterns, each a name or a prefix with `*`. All names that begin with GANTRY_ are kept, so that the launcher can
 * warn of a misspelled one.
 */
export const KEPT_VARIABLES: readonly string[] = [
  "GANTRY_*",
  ...variablesWhere(({ kind, readBy }) => kind === "foreign" && readBy.includes("launcher")),
];

/** The variables whose value is a path; a relative one starts from the caller's directory. */
export const KEPT_PATHS: readonly string[] = variablesWhere(({ path }) => path === true);

/** Tells the compiled app to be the launcher. */
export const LAUNCHER_VARIABLE = "GANTRY_LAUNCHER" satisfies VariableName;
/** The caller's current directory. */
export const DIRECTORY_VARIABLE = "GANTRY_DIRECTORY" satisfies VariableName;
/** The caller's LD_LIBRARY_PATH, for the load probe alone; not set for root. */
export const LIBRARY_PATH_VARIABLE = "GANTRY_LIBRARY_PATH" satisfies VariableName;

/** Settings of Bun for the launcher: no optimizing compiler, which costs 10 MB and time, and no cache below HOME. */
export const LAUNCHER_RUNTIME = { BUN_JSC_useDFGJIT: "0", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } as const;

/** Whether a variable matches KEPT_VARIABLES. */
export function isKept(name: string): boolean {
  return KEPT_VARIABLES.some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
