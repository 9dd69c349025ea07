/** Finds a program as a shell would; entries that are not absolute are skipped, because they depend on the cwd. */
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Environment } from "../runtime/invoke.ts";
import { readPrincipal, readUnsafe, type Unsafe } from "../trust/index.ts";

/** @param name of the program, without a slash */
export function readProgramPath(name: string, environment: Environment): string | undefined {
  for (const directory of (environment["PATH"] ?? "").split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

/** What others could change of programs that are about to be run, or of the way to them; the first of it. */
export function readUnsafeProgram(paths: readonly string[]): Unsafe | undefined {
  return readUnsafe({ directories: [], files: paths }, readPrincipal(process.geteuid?.() ?? -1))[0];
}
