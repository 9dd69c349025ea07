/**
 * What the launcher keeps of its caller's environment: the variables that src/base/variables.ts says it reads, and
 * nothing else. The stub drops all others before the launcher starts (templates/run-launcher.sh), and so does the prelude
 * where there is no shell. Nothing that a runtime, a loader or a shell obeys is kept.
 */
import { variablesWhere, type VariableName } from "../base/variables.ts";

/**
 * Shell patterns, each a name or a beginning with `*`. Of gantry's own names all are kept, so that the launcher can warn
 * of one that is misspelled.
 */
export const KEPT_VARIABLES: readonly string[] = [
  "GANTRY_*",
  ...variablesWhere(({ kind, readBy }) => kind === "foreign" && readBy.includes("launcher")),
];

/** Those of them that name a file: a relative path is meant from the caller's directory. */
export const KEPT_PATHS: readonly string[] = variablesWhere(({ path }) => path === true);

/** Tells the compiled app to be the launcher. */
export const LAUNCHER_VARIABLE = "GANTRY_LAUNCHER" satisfies VariableName;
/** The caller's current directory. */
export const DIRECTORY_VARIABLE = "GANTRY_DIRECTORY" satisfies VariableName;
/** The caller's LD_LIBRARY_PATH, which the load probe sees and the launcher does not; never root's. */
export const LIBRARY_PATH_VARIABLE = "GANTRY_LIBRARY_PATH" satisfies VariableName;

/** How a Bun program runs the launcher: without them it would spend 10 MB and more time on compiling what runs once. */
export const LAUNCHER_RUNTIME = { BUN_JSC_useDFGJIT: "0", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } as const;

/** Is it on the list? */
export function isKept(name: string): boolean {
  return KEPT_VARIABLES.some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
