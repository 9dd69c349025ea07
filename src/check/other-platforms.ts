/**
 * Skips builds of a module for other platforms. In a directory they lie beside the one for this platform, because that
 * is how prebuilds are shipped. They are skipped when the same package, or another of the same npm scope, has a file
 * that loads. A file that is named on the command line is never skipped.
 */
import type { CompatFinding, FileVerdict } from "../compat/index.ts";

export interface JudgedFile {
  readonly walked: boolean;
  readonly verdict: FileVerdict;
}

export function passOverOthers(files: readonly JudgedFile[]): FileVerdict[] {
  const served = new Set<string>();
  for (const { verdict } of files) {
    if (verdict.verdict !== "ok" && verdict.verdict !== "warn") continue;
    for (const key of packageKeys(verdict.path)) served.add(key);
  }
  return files.map(({ walked, verdict }) => {
    if (!walked || verdict.verdict !== "fail" || !isForOthers(verdict.findings)) return verdict;
    const passedOver = packageKeys(verdict.path).some((key) => served.has(key));
    return passedOver ? { ...verdict, verdict: "skip" } : verdict;
  });
}

/**
 * Is the first error that the file was made for something else: another machine, C library or Node ABI? Broken files
 * and files that need newer libraries do not count.
 */
function isForOthers(findings: readonly CompatFinding[]): boolean {
  const [first] = findings;
  return first !== undefined && ["HOST_UNSUPPORTED", "LIBC_MISMATCH", "ABI_MISMATCH"].includes(first.code);
}

/**
 * The package's directory, and that of its scope, because platform packages share a scope (@img/sharp-linux-x64 …).
 */
function packageKeys(path: string): string[] {
  const match = /^(.*node_modules\/)(@[^/]+\/)?([^/]+)\//.exec(path);
  if (match === null) return [];
  const [, base = "", scope, name = ""] = match;
  return scope === undefined ? [base + name] : [`${base}${scope}${name}`, base + scope];
}
