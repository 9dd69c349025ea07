/**
 * Facts about the running process that do not change while it runs, and what acts on processes by their id. Nothing else
 * in gantry, except the two programs (src/cli.ts, src/launcher/main.ts) and what runs inside of apps, uses `process`.
 */
import { errorCode } from "../errors.ts";

/** The running process: Node on the build side; on the host a compiled binary or the release's Node. */
export const SELF = {
  pid: process.pid,
  /** Absolute path of the program. */
  executable: process.execPath,
  /** As Node spells it: `linux`, `darwin`. */
  platform: process.platform,
  /** As Node spells it: `x64`, `arm64`. */
  arch: process.arch,
  /** Versions by component; `bun` is among them under Bun alone. */
  versions: process.versions,
} as const;

/** Effective user and group; -1 on a system that has none. */
export function readOwnUser(): { readonly uid: number; readonly gid: number } {
  return { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
}

/** The C library that the running Node uses. */
export function readOwnLibc(): "gnu" | "musl" {
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return report.header.glibcVersionRuntime === undefined ? "musl" : "gnu";
}

/** Whether there is a process with this id, of any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== "ESRCH";
  }
}

/**
 * Sends a signal; SIGKILL when none is named.
 * @throws the system's error: ESRCH when there is no such process, EPERM when it is another user's
 */
export function killProcess(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  process.kill(pid, signal);
}

/**
 * Loads a native file into this process.
 * @throws the loader's message; always for a file that is no addon
 */
export function loadNativeFile(path: string): void {
  process.dlopen({ exports: {} }, path);
}
