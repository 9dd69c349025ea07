/**
 * Finds why a native file ends the process that loads it, from the file's bytes. When a module crashes at the build,
 * the rules of `gantry check` are applied to its files. They may explain the crash. They never change the build's
 * result.
 */
import { SELF } from "../../base/process/index.ts";
import { createJudge, type CompatFinding } from "../../compat/index.ts";
import { readHost, readRuntime, withNativeFile } from "../../host/index.ts";
import type { Environment } from "../../base/environment.ts";

/**
 * Applies the rules to some files.
 * @param files absolute paths of native files
 * @param executable the program that loaded them
 * @returns the first error; undefined when the rules find none, or cannot read what they need
 */
export function readLoadReason(
  files: readonly string[],
  executable: string,
  environment: Environment,
): CompatFinding | undefined {
  try {
    const judge = createJudge(readHost({ env: environment, arch: SELF.arch }), readRuntime(executable));
    return files
      .flatMap((path) => withNativeFile(path, (file) => judge.judge({ path, file })).findings)
      .find(({ severity }) => severity === "error");
  } catch {
    // The programs of some systems are not ELF files. For them only the crash is reported.
    return undefined;
  }
}
