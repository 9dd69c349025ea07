/**
 * The start gate: a file that a release's script makes before it runs the launcher (templates/brain.sh). When many
 * starts come at once, one goes on and the others wait in their shell, which costs less than a launcher each. It is not
 * a lock: scripts wait a second at most, and every launcher takes the lock. The launcher removes the file when it ends.
 */
import { isRunning } from "../../base/process/index.ts";
import { rmSync } from "node:fs";
import { errorCode } from "../../base/errors.ts";
import { readRegularText } from "../../base/files/index.ts";

/**
 * Removes the start gate if it belongs to the script that started this process, or to a process that has ended.
 * @param path of the file, which holds a process id
 * @param parent the process id of the script that started this process
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
  return Number.isSafeInteger(pid) && pid > 0 && isRunning(pid);
}
