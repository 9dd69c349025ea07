/** The errors for an installation of an app's modules that failed. */
import { GantryError, type Finding } from "../../../base/errors.ts";

type InstallProblem = "tampered" | "absent" | "full" | "other";

/** What Bun's words mean. */
export function bunProblem(stderr: string): InstallProblem {
  if (/integrity check failed|IntegrityCheckFailed/i.test(stderr)) return "tampered";
  if (/\b404\b|No version matching/i.test(stderr)) return "absent";
  return /ENOSPC|No space left|Fail extracting tarball/i.test(stderr) ? "full" : "other";
}

const FINDINGS: Readonly<Record<InstallProblem, Pick<Finding, "code" | "what" | "fix">>> = {
  tampered: {
    code: "DIGEST_MISMATCH",
    what: "the registry served a package that is not the one in the lockfile",
    fix: "use another registry, and tell its operator",
  },
  absent: {
    code: "MODULE_UNAVAILABLE",
    what: "the registry does not have a package that the app needs",
    fix: "correct the version in package.json, or use a registry that has it",
  },
  full: { code: "DISK_FULL", what: "no space left for the app's modules" },
  other: {
    code: "NETWORK_FAILED",
    what: "the app's modules could not be installed",
    fix: "check the network and build again, or install them in the app first",
  },
};

/** The error for a failed installation. */
export function installFailure(
  problem: InstallProblem,
  detail: readonly string[],
  where: string,
): GantryError {
  return new GantryError({ ...FINDINGS[problem], where, detail });
}
