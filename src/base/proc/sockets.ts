/** Reads processes and their sockets from /proc. A process that ends meanwhile is no error. */
import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { errorCode, isMissing } from "../errors.ts";
import { readNames, readRegularText, unlessMissing, unlessRefused } from "../files/index.ts";
import {
  hasOthers,
  parseListeners,
  parseUnixListeners,
  type Listener,
  type UnixListener,
} from "./listeners.ts";

/** The listening TCP sockets of a process's network namespace. */
export function readListeners(pid: number | "self"): Listener[] {
  return ["tcp", "tcp6"].flatMap((name) => parseListeners(readHead(`/proc/${pid}/net/${name}`)));
}

/** The listening unix sockets of a process's network namespace. */
export function readUnixListeners(pid: number): UnixListener[] {
  return parseUnixListeners(readFact(pid, "net/unix"));
}

/** Bytes that are read at a time. On a busy server, megabytes of connections follow the listeners in the table. */
const CHUNK = 65_536;

/** Errors of opening a file of a process that has just ended. */
const GONE: ReadonlySet<string> = new Set(["ESRCH", "EINVAL", "ENXIO"]);

/**
 * The beginning of a table of sockets, which has all listeners. Empty where the kernel has no IPv6, and when the
 * process has ended.
 */
function readHead(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (isMissing(error) || GONE.has(errorCode(error) ?? "")) return "";
    throw error;
  }
  try {
    const buffer = Buffer.alloc(CHUNK);
    let text = "";
    for (;;) {
      const length = readSync(file, buffer);
      const chunk = buffer.toString("latin1", 0, length);
      text += chunk;
      if (length === 0 || hasOthers(chunk)) return text;
    }
  } finally {
    closeSync(file);
  }
}

/** Inodes of a process's sockets. Undefined when this user may not read them. */
export function readSockets(pid: number): Set<string> | undefined {
  const directory = `/proc/${pid}/fd`;
  const found = new Set<string>();
  try {
    for (const name of readNames(directory)) {
      const inode = /^socket:\[(\d+)\]$/.exec(
        unlessMissing(() => readlinkSync(join(directory, name))) ?? "",
      )?.[1];
      if (inode !== undefined) found.add(inode);
    }
  } catch (error) {
    if (errorCode(error) === "EACCES" || errorCode(error) === "EPERM") return undefined;
    // The process ended while it was read.
    if (errorCode(error) !== "ESRCH") throw error;
  }
  return found;
}

/** The text of a file in /proc/PID. Empty when the process has ended, or this user may not read it. */
export function readFact(pid: number, name: string): string {
  return unlessRefused(() => readRegularText(`/proc/${pid}/${name}`)) ?? "";
}

/** The identity of a process's network namespace, `net:[INODE]`. Empty when this user may not read it. */
export function readNetwork(pid: number | "self"): string {
  return unlessRefused(() => readlinkSync(`/proc/${pid}/ns/net`)) ?? "";
}

/** A process as /proc/PID/stat shows it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Process id of its session's leader (setsid(2)). */
  readonly session: number;
}

/** All processes that have not ended; none where there is no /proc. Zombies have ended (proc(5), stat field 3). */
export function readProcesses(): ProcessFacts[] {
  return readNames("/proc").flatMap((name) => {
    const text = /^\d+$/.test(name) ? readFact(Number(name), "stat") : "";
    // The second field is the program's name in parentheses, which may contain any character.
    const [state = "Z", parent, , session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (text === "" || state === "Z" || state === "X") return [];
    return [{ pid: Number(name), parent: Number(parent), session: Number(session) }];
  });
}
