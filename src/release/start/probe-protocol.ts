/**
 * The protocol of the load probe: the launcher's request in the app's environment, and the lines that the app prints as
 * responses. The app's side is in src/build/preload and src/build/compile/prelude/prelude.ts.
 */
import type { VariableName } from "../../base/variables.ts";

/** Environment variable that asks a compiled app to load modules and report instead of starting. */
export const PROBE_VARIABLE = "GANTRY_PROBE" satisfies VariableName;

/** Environment variable by which the stub names the absolute `node_modules` directory to resolve externals from. */
export const MODULES_VARIABLE = "GANTRY_MODULES" satisfies VariableName;

/** The value of GANTRY_PROBE, as JSON. */
export interface ProbeRequest {
  /** Random text at the start of every response, so that a module's own output is not taken for one. */
  readonly nonce: string;
  /** What to load, in this order: specifiers exactly as the app imports them. */
  readonly specifiers: readonly string[];
  /**
   * Native files by package, as absolute paths. Some packages, such as better-sqlite3, load theirs only when they are
   * used. If no file of a package is in memory after all imports, the probe loads one of them itself.
   */
  readonly files?: readonly (readonly string[])[];
}

export type ProbeResponse =
  | { readonly specifier: string; readonly state: "loading" }
  | { readonly specifier: string; readonly state: "loaded" }
  | { readonly specifier: string; readonly state: "failed"; readonly name: string; readonly message: string };

/** The line prefix of an answer; JSON of one {@link ProbeResponse} follows. */
export function probePrefix(nonce: string): string {
  return `gantry-probe ${nonce} `;
}

/** Finds the responses in everything that the process printed on stdout. */
export function parseProbeOutput(output: string, nonce: string): ProbeResponse[] {
  const prefix = probePrefix(nonce);
  return output
    .split("\n")
    .filter((line) => line.startsWith(prefix))
    .map((line) => JSON.parse(line.slice(prefix.length)) as ProbeResponse);
}
