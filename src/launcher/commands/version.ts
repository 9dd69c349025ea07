/** Reads the version of the gantry that made the release and its launcher. `unknown` when the release is damaged. */
import { readRelease } from "../../modules/index.ts";

export function readVersion(root: string): string {
  try {
    return readRelease(root).manifest.gantry;
  } catch {
    return "unknown";
  }
}
