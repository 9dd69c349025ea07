/**
 * A finding about a native file, and the verdict that follows from all findings. An error stops the load. A warning is
 * for a file that loads and may end the process later. A fact that is unknown gives no finding.
 */
import type { ErrorCode } from "../base/errors.ts";

type Severity = "error" | "warning";
export type Verdict = "ok" | "warn" | "fail" | "skip";

export interface CompatFinding {
  readonly code: ErrorCode;
  readonly severity: Severity;
  /** Path of the file that was judged. */
  readonly file: string;
  /** One sentence without a full stop. */
  readonly what: string;
  /** The symbol, version or library that proves it. */
  readonly evidence: string;
  /** All symbols that it is about; the texts name only the first few. */
  readonly symbols?: readonly string[];
  readonly fix: string;
  /** Set when GANTRY_SKIP turned an error into a warning. */
  readonly downgraded?: true;
}

/** Whether one file loads, and why not. */
export interface FileVerdict {
  readonly path: string;
  readonly verdict: Verdict;
  /** In the order in which a loader finds them. The first error is the one that stops the loader. */
  readonly findings: readonly CompatFinding[];
  /** Set when the file was made for another platform or runtime: the end of the sentence "it is …". */
  readonly foreign?: string;
}

/** A finding without file and severity, as the rules return it. */
export type Draft = Omit<CompatFinding, "file" | "severity" | "downgraded">;

export function verdictOf(findings: readonly CompatFinding[]): Verdict {
  if (findings.some(({ severity }) => severity === "error")) return "fail";
  return findings.length > 0 ? "warn" : "ok";
}

/** Joins names: "a", "a and b", "a, b and 3 more". */
export function listed(names: readonly string[], shown = 3): string {
  const head = names.slice(0, shown);
  const rest = names.length - head.length;
  if (rest > 0) return `${head.join(", ")} and ${rest} more`;
  const last = head.pop();
  return head.length === 0 ? (last ?? "") : `${head.join(", ")} and ${last ?? ""}`;
}
