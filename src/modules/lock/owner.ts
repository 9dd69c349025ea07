/**
 * The lock owner: the record inside the lock file, and whether its process can still be alive. A process id is valid
 * only within one boot and one pid namespace. Where either differs (containers that share a volume, a network file
 * system) only the heartbeat counts.
 */
import { isRunning } from "../../base/process/index.ts";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface LockOwner {
  /** Random hexadecimal digits, new for each lock. */
  readonly nonce: string;
  readonly pid: number;
  /**
   * Start of the process in clock ticks after boot (proc(5), stat field 22); it differs when another process got the
   * same id later.
   */
  readonly started: string;
  /** Boot id and pid namespace, see readWorld; empty when /proc does not show them. */
  readonly world: string;
  readonly host: string;
  /** What it is doing, as shown to people. */
  readonly step: string;
  /** Grows while work is done. The unit depends on the step. */
  readonly progress: number;
  /** Number of heartbeats so far. */
  readonly beat: number;
}

/** The record of this process. */
export function readSelf(nonce: string, pid: number): LockOwner {
  const started = readProcess(pid)?.started ?? "";
  return { nonce, pid, started, world: readWorld(), host: hostname(), step: "", progress: 0, beat: 0 };
}

/** Identifies the space in which a process id is unique: boot id and pid namespace. Empty when it cannot be read. */
export function readWorld(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

export interface ProcessFacts {
  readonly started: string;
  readonly zombie: boolean;
}

/**
 * State and start time of a process, from /proc/PID/stat (proc(5)); undefined when it cannot be read. The second field is
 * a name of any characters in parentheses, so that fields are counted after the last `)`.
 */
export function readProcess(pid: number): ProcessFacts | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { zombie: fields[0] === "Z", started: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/** Whether the owner's process has certainly ended; false when that cannot be known. */
export function isDead(owner: LockOwner, world: string): boolean {
  if (owner.world === "" || owner.world !== world) return false;
  if (!isRunning(owner.pid)) return true;
  const facts = readProcess(owner.pid);
  if (facts === undefined) return false;
  return facts.zombie || (owner.started !== "" && facts.started !== owner.started);
}

/** Bytes of a record on disk. The size is fixed, so that one write overwrites the whole record. */
const RECORD_SIZE = 1024;

export function formatLockOwner(owner: LockOwner): string {
  return `${JSON.stringify(owner).padEnd(RECORD_SIZE - 1)}\n`;
}

/** Undefined for an incomplete record, and for any other text. */
export function parseLockOwner(text: string): LockOwner | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLockOwner(data) ? data : undefined;
}

function isLockOwner(data: unknown): data is LockOwner {
  if (typeof data !== "object" || data === null) return false;
  const record = data as Partial<Record<keyof LockOwner, unknown>>;
  const texts = [record.nonce, record.started, record.world, record.host, record.step];
  const numbers = [record.pid, record.progress, record.beat];
  return (
    texts.every((value) => typeof value === "string") &&
    numbers.every((value) => Number.isSafeInteger(value)) &&
    Number(record.pid) > 0
  );
}
