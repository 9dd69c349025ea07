/** What a check finds out, before it is laid out as a table or as JSON. */
import type { CompatFinding, FileVerdict } from "../compat/index.ts";
import type { HostFacts, RuntimeFacts } from "../host/index.ts";

export interface CheckReport {
  readonly host: HostFacts;
  readonly runtime: RuntimeFacts;
  /** What is wrong with the runtime itself, whatever it loads. */
  readonly runtimeFindings: readonly CompatFinding[];
  /** One verdict for each file, in the order in which they were found. */
  readonly files: readonly FileVerdict[];
}
