/** The result of a check, before it is formatted as a table or as JSON. */
import type { CompatFinding, FileVerdict } from "../compat/index.ts";
import type { HostFacts, RuntimeFacts } from "../host/index.ts";

/** What `check` found. */
export interface CheckReport {
  readonly host: HostFacts;
  readonly runtime: RuntimeFacts;
  /** Findings about the runtime itself, which apply to every file. */
  readonly runtimeFindings: readonly CompatFinding[];
  /** One verdict for each file, in the order in which they were found. */
  readonly files: readonly FileVerdict[];
}
