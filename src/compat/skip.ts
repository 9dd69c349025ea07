/**
 * GANTRY_SKIP: finding codes that the operator wants as warnings. Pure. The text of such a finding says that it was
 * skipped.
 */
import { ERRORS, GantryError, type ErrorCode } from "../base/errors.ts";
import { verdictOf, type CompatFinding, type FileVerdict } from "./compat-finding.ts";

/**
 * Codes from the comma-separated value of GANTRY_SKIP.
 * @throws GantryError CONFIG_INVALID for a code that does not exist, because a typing mistake would skip nothing
 */
export function parseSkip(text: string | undefined): ReadonlySet<ErrorCode> {
  const names = (text ?? "").split(",").map((name) => name.trim());
  return new Set(names.filter((name) => name !== "").map(toCode));
}

function toCode(name: string): ErrorCode {
  if (isCode(name)) return name;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `GANTRY_SKIP names ${name}, which is no finding code`,
    where: "GANTRY_SKIP",
    fix: "use codes as they are printed, for example GANTRY_SKIP=SYMBOL_MISSING,CPU_TOO_OLD",
  });
}

function isCode(name: string): name is ErrorCode {
  return Object.hasOwn(ERRORS, name);
}

export function downgrade(
  findings: readonly CompatFinding[],
  skip: ReadonlySet<ErrorCode>,
): readonly CompatFinding[] {
  return findings.map((finding) =>
    finding.severity === "error" && skip.has(finding.code)
      ? {
          ...finding,
          severity: "warning",
          downgraded: true,
          what: `${finding.what} (skipped by GANTRY_SKIP)`,
        }
      : finding,
  );
}

export function downgradeVerdict(verdict: FileVerdict, skip: ReadonlySet<ErrorCode>): FileVerdict {
  if (verdict.verdict !== "fail") return verdict;
  const findings = downgrade(verdict.findings, skip);
  return { ...verdict, findings, verdict: verdictOf(findings) };
}
