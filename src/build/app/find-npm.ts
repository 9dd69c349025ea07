/** The npm that comes with the Node that runs gantry, else the one on the PATH. */
import { existsSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import type { Environment } from "../../base/environment.ts";

/**
 * Paths of an npm, the likeliest first. Relative entries of the PATH depend on the current directory and are skipped.
 */
export function findNpms(environment: Environment): string[] {
  const folders = [dirname(process.execPath), ...(environment["PATH"] ?? "").split(delimiter)];
  return folders
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, "npm"))
    .filter((file) => existsSync(file));
}
