/**
 * The load probe's protocol: what the launcher asks of a compiled app through the environment, and the lines it
 * answers with. The app's side of it is src/build/compile/prelude.ts.
 */
import type { VariableName } from "../base/variables.ts";

/** Environment variable that asks a compiled app to load modules and report instead of starting. */
export const PROBE_VARIABLE = "GANTRY_PROBE" satisfies VariableName;

/** Environment variable by which the stub names the absolute `node_modules` directory to resolve externals from. */
export const MODULES_VARIABLE = "GANTRY_MODULES" satisfies VariableName;

/** The value of GANTRY_PROBE, as JSON. */
export interface ProbeRequest {
  /** Begins every answer, so that a module's own output is never taken for one. */
  readonly nonce: string;
  /** What to load, in this order: specifiers exactly as the app imports them. */
  readonly specifiers: readonly string[];
  /**
   * Native files by package, absolute. Some packages load theirs only when they are used (better-sqlite3), and then
   * an import proves nothing: of a package of which none is in memory after all imports, one has to load by itself.
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

/** Picks the answers out of everything that the process printed on its standard output. */
export function parseProbeOutput(output: string, nonce: string): ProbeResponse[] {
  const prefix = probePrefix(nonce);
  return output
    .split("\n")
    .filter((line) => line.startsWith(prefix))
    .map((line) => JSON.parse(line.slice(prefix.length)) as ProbeResponse);
}
