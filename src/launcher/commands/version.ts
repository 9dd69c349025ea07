/** The launcher's version is that of the gantry that made the release; a damaged release has none to tell. */
import { readRelease } from "../../modules/index.ts";

export function readVersion(root: string): string {
  try {
    return readRelease(root).manifest.gantry;
  } catch {
    return "unknown";
  }
}
