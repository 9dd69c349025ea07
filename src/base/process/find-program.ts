/** Finds a program on the PATH. Entries that are not absolute are skipped, because they depend on the current directory. */
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Environment } from "../environment.ts";

/**
 * The path of the first executable file with this name; undefined when there is none.
 * @param name the program's file name, without a slash
 */
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
