/**
 * Why a native file ends the process that loads it, as far as its bytes tell. After a crash at the build it applies the
 * rules of `gantry check`. They explain the crash, and never change its result.
 */
import { createJudge, type CompatFinding } from "../../compat/index.ts";
import { readHost, readRuntime, withNativeFile } from "../../host/index.ts";
import type { Environment } from "../../base/environment.ts";

/**
 * @param files absolute paths
 * @param executable what loaded them
 * @returns the first error; undefined where the rules see none, or cannot read what they need
 */
export function readLoadReason(
  files: readonly string[],
  executable: string,
  environment: Environment,
): CompatFinding | undefined {
  try {
    const judge = createJudge(readHost({ env: environment, arch: process.arch }), readRuntime(executable));
    return files
      .flatMap((path) => withNativeFile(path, (file) => judge.judge({ path, file })).findings)
      .find(({ severity }) => severity === "error");
  } catch {
    // Not every system's programs are ELF files. Then the crash itself is all that is reported.
    return undefined;
  }
}
