/**
 * What a failed installation says of itself, by the words of Bun 1.3.7 to 1.4.5 and of npm 10, and by what the disk still
 * takes.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode, type Finding } from "../base/errors.ts";
import { NAMES } from "../release/index.ts";
import { outputLines, type RunResult } from "../base/process/index.ts";

interface FailureRule {
  readonly pattern: RegExp;
  readonly finding: Pick<Finding, "code" | "what"> & Partial<Finding>;
}

const RETRY = "check the network, name another registry with GANTRY_REGISTRY=URL, then start again";

/**
 * Bun unpacks only a tarball that it has compared with the lockfile, and names no reason when it cannot write a file of
 * it in full (1.4.5: "Fail extracting tarball").
 */
const NO_SPACE = /\b(?:ENOSPC|EDQUOT|EFBIG)\b|No space left|quota exceeded|\bFail extracting tarball/i;

const FULL: Pick<Finding, "code" | "what" | "fix"> = {
  code: "DISK_FULL",
  what: "no space left for the modules",
  fix: "free some space, or raise the quota (or ulimit -f) of the user who starts this, then start again",
};

/** The first that matches a line counts. */
const FAILURES: readonly FailureRule[] = [
  {
    pattern: /integrity check failed|IntegrityCheckFailed|\bEINTEGRITY\b/i,
    finding: {
      code: "DIGEST_MISMATCH",
      what: "the registry served a package that is not the one the release was built with",
      fix: "use another registry (GANTRY_REGISTRY=URL), and tell the operator of this one",
    },
  },
  {
    pattern: /lockfile (?:had changes|is frozen)|lockfile version|failed to parse lockfile|\bEUSAGE\b/i,
    finding: {
      code: "MANIFEST_INVALID",
      what: "bun.lock cannot be used, or does not belong to package.json",
      fix: "unpack the release archive again, all of it, into an empty directory",
    },
  },
  { pattern: NO_SPACE, finding: FULL },
  {
    pattern: /EROFS|Read-only file system/i,
    finding: { code: "STORE_UNWRITABLE", what: "the file system is read-only" },
  },
  {
    pattern: /- 40[13]\b|\bE40[13]\b/,
    finding: {
      code: "NETWORK_FAILED",
      what: "the package registry wants credentials, or does not accept the ones it got",
      fix: "put the registry's token into ~/.npmrc of the user who starts this, then start again",
    },
  },
  {
    pattern: /- 404\b|\bE404\b|No version matching|\bETARGET\b/,
    finding: {
      code: "MODULE_UNAVAILABLE",
      what: "the registry does not have a package that the release needs",
      fix: "use a registry that has it (GANTRY_REGISTRY=URL)",
    },
  },
];

/**
 * The lines that are errors, and Bun's warnings. Bun's begin with `error`, with a name such as TypeError, or with the
 * system's code (`ENOSPC: copying file`), npm's with `npm error`; npm's warnings do not help.
 */
export function readComplaints(stderr: string): string[] {
  // A registry's address may hold a user and a password, and messages end up in logs.
  return outputLines(stderr)
    .map((line) => line.trim())
    .filter((line) => /^(?:error|warn:|npm error) ?\S|^\w+Error\b|^E[A-Z0-9]+: /.test(line));
}

/** Lines of the package manager that a finding quotes. */
const QUOTED = 5;

/**
 * The finding for a failed installation in a directory; undefined when it succeeded. Success without a package that found
 * no space is a failure too. What no rule knows counts as a failure of the network, because the release's own files have
 * been checked before, unless the disk takes no more.
 */
export function parseInstallFailure(result: RunResult, directory: string): Finding | undefined {
  const lines = readComplaints(result.stderr);
  const unwritten = lines.filter((line) => NO_SPACE.test(line));
  if (result.code === 0)
    return unwritten.length === 0 ? undefined : { ...FULL, detail: unwritten.slice(0, QUOTED) };
  const errors = lines.filter((line) => !line.startsWith("warn"));
  const blamed = errors.length === 0 ? lines : errors;
  const detail = blamed.slice(0, QUOTED);
  if (result.signal !== null) {
    const what = `the package manager was ended by ${result.signal}`;
    return { code: "LOAD_CRASHED", what, detail, fix: "look for an out-of-memory kill in the kernel log" };
  }
  const rule = FAILURES.find(({ pattern }) => blamed.some((line) => pattern.test(line)));
  if (rule !== undefined) {
    const about = rule.finding.code === "MANIFEST_INVALID" ? { where: join(directory, NAMES.lockfile) } : {};
    const telling = blamed.filter((line) => rule.pattern.test(line)).slice(0, QUOTED);
    return { ...about, detail: telling, ...rule.finding };
  }
  if (takesNoMore(directory)) return { ...FULL, where: directory, detail };
  return { code: "NETWORK_FAILED", what: "the package registry could not be used", detail, fix: RETRY };
}

/**
 * Whether the disk refuses another block or file of this user. Only a write tells: the free space that statfs(2) gives
 * leaves out quotas and what is kept for root.
 */
function takesNoMore(directory: string): boolean {
  const file = join(directory, ".gantry-space");
  try {
    writeFileSync(file, Buffer.alloc(1 << 16));
    return false;
  } catch (error) {
    return ["ENOSPC", "EDQUOT"].includes(errorCode(error) ?? "");
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * Whether a line about one package means a failure of the network, which may pass. A 404 means that there is no such
 * package.
 */
export function isNetworkComplaint(line: string): boolean {
  return !/- 404\b|\bE404\b/.test(line) && /^(?:warn|error|npm error)/.test(line);
}

/** The finding for a package manager that was ended because it showed no sign of work. */
export function hangFinding(hang: number): Finding {
  return {
    code: "NETWORK_FAILED",
    what: `the package registry did not send anything for ${Math.round(hang / 1000)} seconds`,
    fix: RETRY,
  };
}
