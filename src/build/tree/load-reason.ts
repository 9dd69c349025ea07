/**
 * Finds why a native file ends the process that loads it, from its bytes. After a crash at the build it applies the
 * rules of `gantry check`. They explain the crash and never change its result.
 */
import { createJudge, type CompatFinding } from "../../compat/index.ts";
import { readHost, readRuntime, withNativeFile } from "../../host/index.ts";
import type { Environment } from "../../base/environment.ts";

/**
 * @param files absolute paths
 * @param executable the program that loaded them
 * @returns the first error; undefined when the rules find none, or cannot read what they need
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
    // Programs of some systems are not ELF files. Then only the crash is reported.
    return undefined;
  }
}
