/**
 * The claim that a release's script makes before it runs the launcher, so that of many starts at once one goes on and
 * the others wait in their shell, where waiting costs next to nothing. It decides nothing: scripts wait a second at
 * most, and whoever gets past it takes the lock. The launcher removes it, because a script that becomes the app cannot.
 */
import { rmSync } from "node:fs";
import { errorCode } from "../../base/errors.ts";
import { readRegularText } from "../../base/files/index.ts";

/**
 * Removes the claim of the script that started this process, or of one that is no more.
 * @param parent the process id of whoever started this process
 */
export function removeStartGate(path: string, parent: number): void {
  try {
    const owner = Number(readRegularText(path));
    if (owner === parent || !isAlive(owner)) rmSync(path, { force: true });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== "ESRCH";
  }
}
