/** The living processes of a user, whichever unit or session they belong to. */
import { setTimeout as sleep } from "node:timers/promises";
import { readNames } from "../../base/files/index.ts";
import { printable } from "../../base/text.ts";
import { readFact } from "../health/sockets.ts";

export interface UserProcess {
  readonly pid: number;
  readonly name: string;
}

/** Milliseconds in which a process that was killed is gone. */
const PATIENCE = 5000;
const LOOK = 50;

/** Real, effective, saved or file system user id of a living process is `uid` (proc(5), status). */
export function readProcessesOf(uid: number): UserProcess[] {
  const processes: UserProcess[] = [];
  for (const entry of readNames("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const found = parseProcess(Number(entry), readFact(Number(entry), "status"));
    if (found?.uids.includes(uid) === true) processes.push({ pid: found.pid, name: found.name });
  }
  return processes;
}

/** undefined for a process that has ended and waits for its parent. */
export function parseProcess(
  pid: number,
  status: string,
): (UserProcess & { readonly uids: readonly number[] }) | undefined {
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1] ?? "";
  if (field("Uid") === "" || /^[ZX]/.test(field("State"))) return undefined;
  return { pid, name: printable(field("Name")), uids: field("Uid").split(/\s+/).map(Number) };
}

/** Ends them all, and waits until they are gone; those that came up meanwhile too. */
export async function endProcessesOf(uid: number): Promise<readonly UserProcess[]> {
  for (const limit = performance.now() + PATIENCE; ; await sleep(LOOK)) {
    const alive = readProcessesOf(uid);
    if (alive.length === 0 || performance.now() > limit) return alive;
    for (const { pid } of alive) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** `1234 (bash), 1240 (sleep)`, the first few. */
export function nameProcesses(processes: readonly UserProcess[]): string {
  const named = processes.slice(0, 5).map(({ pid, name }) => `${pid} (${name})`);
  return [...named, ...(processes.length > named.length ? ["…"] : [])].join(", ");
}
