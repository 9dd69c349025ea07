/** The errors for an installation of an app's modules that failed. */
import { GantryError } from "../../../base/errors.ts";

/** What Bun's words mean. */
export function bunProblem(stderr: string): "tampered" | "absent" | "full" | "other" {
  if (/integrity check failed|IntegrityCheckFailed/i.test(stderr)) return "tampered";
  if (/\b404\b|No version matching/i.test(stderr)) return "absent";
  return /ENOSPC|No space left|Fail extracting tarball/i.test(stderr) ? "full" : "other";
}

/** The error for a failed installation. Its code is NETWORK_FAILED unless the output names another cause. */
export function installFailure(
  problem: "tampered" | "absent" | "full" | "other",
  detail: readonly string[],
  where: string,
): GantryError {
  if (problem === "tampered") {
    const what = "the registry served a package that is not the one in the lockfile";
    return new GantryError({
      code: "DIGEST_MISMATCH",
      what,
      where,
      detail,
      fix: "use another registry, and tell its operator",
    });
  }
  if (problem === "absent") {
    const what = "the registry does not have a package that the app needs";
    return new GantryError({
      code: "MODULE_UNAVAILABLE",
      what,
      where,
      detail,
      fix: "correct the version in package.json, or use a registry that has it",
    });
  }
  if (problem === "full") {
    return new GantryError({ code: "DISK_FULL", what: "no space left for the app's modules", where, detail });
  }
  const what = "the app's modules could not be installed";
  return new GantryError({
    code: "NETWORK_FAILED",
    what,
    where,
    detail,
    fix: "check the network and build again, or install them in the app first",
  });
}
