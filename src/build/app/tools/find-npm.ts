/** Finds npm: the one that comes with the Node that runs gantry, else one on the PATH. */
import { SELF } from "../../../base/process/index.ts";
import { existsSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import type { Environment } from "../../../base/environment.ts";

/**
 * Paths of the npms on this machine. The one beside the running Node comes first, then those on the PATH. Relative
 * entries of the PATH depend on the current directory and are skipped.
 */
export function findNpms(environment: Environment): string[] {
  const folders = [dirname(SELF.executable), ...(environment["PATH"] ?? "").split(delimiter)];
  return folders
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, "npm"))
    .filter((file) => existsSync(file));
}
