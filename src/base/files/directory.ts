/** Makes directories. */
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and its missing parents, all with exactly this mode, whatever the umask is (mkdir(2) subtracts it). A
 * directory that exists is not changed.
 */
export function ensureDirectory(path: string, mode: number): void {
  if (existsSync(path)) return;
  ensureDirectory(dirname(path), mode);
  // Another process may make it at the same time.
  if (mkdirSync(path, { recursive: true, mode }) !== undefined) chmodSync(path, mode);
}
