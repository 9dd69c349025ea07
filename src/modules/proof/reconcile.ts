/**
 * Combines static verdict and load probe for one external. The probe decides, and the verdict explains. Where they
 * disagree both are reported. Pure.
 */
import type { CompatFinding, Explanation, FileVerdict } from "../../compat/index.ts";
import type { ErrorCode, Finding } from "../../base/errors.ts";

export interface Evidence {
  readonly name: string;
  /** Verdicts on the native files that the external needs, by path relative to node_modules. */
  readonly files: readonly (readonly [path: string, verdict: FileVerdict])[];
  /** What the probe found; undefined when the external loads. */
  readonly probe: Finding | undefined;
  readonly explain: (text: string) => readonly Explanation[];
  /** Codes that are warnings here (GANTRY_SKIP). */
  readonly skip: ReadonlySet<ErrorCode>;
}

export interface Outcome {
  /** What keeps the external from loading. */
  readonly failure?: Finding;
  /** A line for people; the external is used. */
  readonly warning?: string;
}

export function reconcile(evidence: Evidence): Outcome {
  const { name, files, probe, skip } = evidence;
  const reason = firstError(files);
  if (probe === undefined) {
    if (reason === undefined) return {};
    const what = `${name} loads, although its file says that it should not: ${reason.finding.what}`;
    return { warning: `${what} (${reason.finding.code} in node_modules/${reason.path})` };
  }
  const failure = explainFailure(probe, reason, evidence.explain);
  if (!skip.has(failure.code)) return { failure };
  return { warning: `${name}: ${failure.code}: ${failure.what} (skipped by GANTRY_SKIP)` };
}

interface Reason {
  readonly path: string;
  readonly finding: CompatFinding;
}

function firstError(files: Evidence["files"]): Reason | undefined {
  for (const [path, { findings }] of files) {
    const finding = findings.find(({ severity }) => severity === "error");
    if (finding !== undefined) return { path, finding };
  }
  return undefined;
}

/** Codes about the program or its mount, not about one module: no verdict on a file explains them. */
const NOT_THE_MODULE: ReadonlySet<ErrorCode> = new Set([
  "EXEC_FAILED",
  "RELEASE_FILE_MISSING",
  "STORE_NOEXEC",
]);

/** The probe's failure with the most precise explanation: the verdict's, a known message's, or the probe's own. */
function explainFailure(probe: Finding, reason: Reason | undefined, recognise: Evidence["explain"]): Finding {
  if (NOT_THE_MODULE.has(probe.code)) return probe;
  const said = probe.detail ?? [];
  if (reason !== undefined) {
    const { code, what, fix } = reason.finding;
    const where = `node_modules/${reason.path}`;
    if (probe.code === "LOAD_CRASHED") {
      return { ...probe, where, detail: [...said, `likely cause: ${code}: ${what}`], fix };
    }
    return { code, what, where, detail: said, fix };
  }
  const crashed = probe.code === "LOAD_CRASHED";
  // A process that a signal ended may have printed nothing; the signal is in the probe's own sentence.
  const [known] = recognise([...said, ...(crashed ? [probe.what] : [])].join("\n"));
  if (known === undefined) return probe;
  const code = crashed ? probe.code : known.code;
  return { ...probe, code, detail: [...said, `cause: ${known.cause}`], fix: known.fix };
}
