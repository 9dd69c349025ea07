/** Reads the processes of control groups and the users of processes. A process that ends meanwhile is no error. */
import { join } from "node:path";
import { readNames, readOptionalText } from "../../base/files/index.ts";
import { readFact, readSockets } from "../../base/proc/index.ts";

/**
 * Where systemd mounts the control groups of units: version 1 and hybrid, version 2 in hybrid, version 2 (cgroups(7)).
 */
const HIERARCHIES = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/**
 * The processes of a unit.
 * @param group the unit's control group, as systemd names it; empty when the unit has none
 */
export function readGroup(group: string): number[] {
  if (group === "" || group === "/") return [];
  const found = new Set<number>();
  for (const hierarchy of HIERARCHIES) addProcesses(join(hierarchy, group), found);
  return [...found];
}

/** Adds the processes of a control group and of the groups inside it (systemd.resource-control(5), Delegate=). */
function addProcesses(directory: string, found: Set<number>): void {
  const text = readOptionalText(join(directory, "cgroup.procs"));
  if (text === undefined) return;
  for (const line of text.split("\n")) if (line !== "") found.add(Number(line));
  for (const name of readNames(directory)) addProcesses(join(directory, name), found);
}

/** The effective user id of a process (proc(5), status); undefined when it has ended. */
export function readUid(pid: number): number | undefined {
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(readFact(pid, "status"))?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/**
 * The process with the lowest number that has the socket open, which is usually the process that made it. Undefined
 * when this user sees none.
 */
export function findSocketProcess(inode: string): number | undefined {
  return readNames("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b)
    .find((pid) => readSockets(pid)?.has(inode));
}
