/** Reads the launcher's version: that of the gantry which made the release; `unknown` when the release is damaged. */
import { readRelease } from "../../modules/index.ts";

export function readVersion(root: string): string {
  try {
    return readRelease(root).manifest.gantry;
  } catch {
    return "unknown";
  }
}
