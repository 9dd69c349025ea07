/** Where a test may keep what must not lie among temporary files: stores are refused there. */
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";

/** @throws when there is no such place that this user can write */
export function outsideTemporary(): string {
  const found = [homedir(), "/var/cache", "/dev/shm"].find(
    (path) => !/^\/(?:var\/)?tmp(?:\/|$)/.test(path) && isWritable(path),
  );
  if (found === undefined) throw new Error("no directory can be written that is not for temporary files");
  return found;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
