/** The living processes of a user, in every unit and session. */
import { killProcess } from "../../base/process/index.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { readNames } from "../../base/files/index.ts";
import { printable } from "../../base/text.ts";
import { readFact } from "../../base/proc/index.ts";

export interface UserProcess {
  readonly pid: number;
  readonly name: string;
}

/** PATIENCE: milliseconds to wait until all killed processes are gone. LOOK: milliseconds between two looks. */
const PATIENCE = 5000;
const LOOK = 50;

/** Processes whose real, effective, saved or file system user id is `uid` (proc(5), status). */
export function readProcessesOf(uid: number): UserProcess[] {
  const processes: UserProcess[] = [];
  for (const entry of readNames("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const found = parseProcess(Number(entry), readFact(Number(entry), "status"));
    if (found?.uids.includes(uid) === true) processes.push({ pid: found.pid, name: found.name });
  }
  return processes;
}

/**
 * Parses the text of /proc/PID/status. Undefined for a process that has ended, also when it is still a zombie.
 * @param status the text; empty when the process has ended
 */
export function parseProcess(
  pid: number,
  status: string,
): (UserProcess & { readonly uids: readonly number[] }) | undefined {
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1] ?? "";
  if (field("Uid") === "" || /^[ZX]/.test(field("State"))) return undefined;
  return { pid, name: printable(field("Name")), uids: field("Uid").split(/\s+/).map(Number) };
}

/**
 * Kills all processes of a user, also those that start meanwhile. Waits until they are gone, at most PATIENCE.
 * @returns the processes that still live; empty when all are gone
 */
export async function endProcessesOf(uid: number): Promise<readonly UserProcess[]> {
  for (const limit = performance.now() + PATIENCE; ; await sleep(LOOK)) {
    const alive = readProcessesOf(uid);
    if (alive.length === 0 || performance.now() > limit) return alive;
    for (const { pid } of alive) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    killProcess(pid);
  } catch {
    // The process has ended meanwhile.
  }
}

/** The first five processes as text: `1234 (bash), 1240 (sleep)`. */
export function nameProcesses(processes: readonly UserProcess[]): string {
  const named = processes.slice(0, 5).map(({ pid, name }) => `${pid} (${name})`);
  return [...named, ...(processes.length > named.length ? ["…"] : [])].join(", ");
}
