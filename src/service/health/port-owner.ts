/**
 * Finds out who owns a listening socket. The service owns it when a process of its control group or its .socket unit
 * has the socket. Otherwise the process that has it is named.
 */
import { readOwnUser } from "../../base/process/index.ts";
import { readProcess } from "../../modules/index.ts";
import { printable } from "../../base/text.ts";
import { readSocketUnits, type UnitState } from "../systemd/systemctl.ts";
import { formatAddress, type Listener, readFact, readSockets } from "../../base/proc/index.ts";
import { parseListen } from "./listeners.ts";
import { findSocketProcess, readGroup, readUid } from "./sockets.ts";

/** Characters of a command line that are quoted. */
const EXCERPT = 80;

/** Whether a listener is the service's, as far as this user can see. */
export type IsOwn = (listener: Listener) => boolean;

/** Which processes of the unit's control group count. */
export type Membership =
  /** All of them. */
  | "any start"
  /** All but those that are left over from an earlier start (systemd.kill(5), KillMode=process). */
  | "this start";

/**
 * Reads which listeners are the service's now. Where this user may not see the sockets of the service's processes,
 * every listener with the user id of its main process counts.
 */
export async function readOwner(state: UnitState, membership: Membership): Promise<IsOwn> {
  const members = readGroup(state.ControlGroup).filter(
    (pid) => membership === "any start" || !isLeftOver(pid, state),
  );
  const inodes = new Set<string>();
  let blind = false;
  for (const pid of members) {
    const sockets = readSockets(pid);
    blind ||= sockets === undefined;
    for (const inode of sockets ?? []) inodes.add(inode);
  }
  const uid = blind ? readUid(Number(state.MainPID)) : undefined;
  const activated = await readActivated(state);
  return (listener) =>
    inodes.has(listener.inode) || (uid !== undefined && uid === listener.uid) || activated(listener);
}

/** Types of a unit whose main process is the first process of a start (systemd.service(5), Type=). */
const MAIN_IS_FIRST: ReadonlySet<string> = new Set(["simple", "exec", "notify", "notify-reload"]);

/**
 * Whether a process is left over from an earlier start. systemd gives each start of a unit an id that its processes
 * inherit (systemd.exec(5), $INVOCATION_ID). A process in which this variable cannot be read is left over when it is
 * older than the main process, for unit types in MAIN_IS_FIRST.
 */
function isLeftOver(pid: number, { InvocationID, MainPID, Type }: UnitState): boolean {
  const told = /(?:^|\0)INVOCATION_ID=([^\0]*)/.exec(readFact(pid, "environ"))?.[1];
  if (told !== undefined) return told !== InvocationID;
  const [its, first] = [readStart(pid), readStart(Number(MainPID))];
  if (its === undefined || first === undefined || !MAIN_IS_FIRST.has(Type)) return false;
  return Number(its) < Number(first);
}

/** Reads which listeners systemd has opened for this service (socket activation). */
async function readActivated({ TriggeredBy }: UnitState): Promise<IsOwn> {
  const names = TriggeredBy.split(" ").filter((name) => name.endsWith(".socket"));
  const units = await readSocketUnits(names);
  if (units.size === 0) return () => false;
  const addresses = addressesOf([...units.values()].flat());
  const held = readSockets(1);
  return (listener) =>
    addresses.has(formatAddress(listener)) && (held?.has(listener.inode) ?? listener.uid === 0);
}

function addressesOf(listens: readonly string[]): Set<string> {
  return new Set(
    listens.flatMap((text) => {
      const address = parseListen(text);
      return address === undefined ? [] : [formatAddress(address)];
    }),
  );
}

/** `who`: the process that has a listener, as part of a sentence. `stop`: what frees the port, as part of a fix. */
export interface PortOwner {
  readonly who: string;
  readonly stop: string;
}

/** The fix when root finds no process. Root sees all processes of its pid namespace, so this one is elsewhere. */
const ELSEWHERE = "stop it in the container that shares this host's network, or in the kernel's own settings";

/**
 * Names the process that has a listener.
 * @param unit the service's own unit: a process of it is described as left over from an earlier start
 */
export async function describePortOwner(listener: Listener, unit: string): Promise<PortOwner> {
  const pid = findSocketProcess(listener.inode);
  if (pid === undefined) {
    const who = `a process of user ${listener.uid} that cannot be seen from here`;
    return { who, stop: readOwnUser().uid === 0 ? ELSEWHERE : "run this as root to see it" };
  }
  if (pid === 1) {
    const socket = await findSocketUnit(listener);
    if (socket !== undefined) return { who: `systemd for ${socket}`, stop: `systemctl stop ${socket}` };
  }
  const group = unitOf(readFact(pid, "cgroup"));
  const parts = [readCommand(pid), ...(group === undefined ? [] : [group])];
  const since = group === unit ? ", left over from an earlier start" : "";
  return {
    who: `process ${pid} (${parts.join(", ")}${since})`,
    stop: `stop process ${pid} (systemctl status ${pid} says what it belongs to)`,
  };
}

async function findSocketUnit(listener: Listener): Promise<string | undefined> {
  const address = formatAddress(listener);
  for (const [name, listens] of await readSocketUnits(["*.socket"])) {
    if (addressesOf(listens).has(address)) return name;
  }
  return undefined;
}

/**
 * The command line of a process. Control characters are replaced, because the user who runs it can choose every byte.
 */
function readCommand(pid: number): string {
  const words = readFact(pid, "cmdline").split("\0").join(" ").trim();
  const text = printable(words === "" ? readFact(pid, "comm").trim() : words);
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT - 1)}…` : text;
}

/** The innermost unit of /proc/PID/cgroup (cgroups(7)): in systemd's own hierarchy of version 1, else in version 2. */
export function unitOf(text: string): string | undefined {
  const path = /^\d+:name=systemd:(.*)$/m.exec(text)?.[1] ?? /^0::(.*)$/m.exec(text)?.[1] ?? "";
  return path.split("/").findLast((name) => /\.(?:service|scope|slice|socket)$/.test(name));
}

/**
 * The start time of a process, by which two processes with the same number can be distinguished. Undefined for a
 * process that has ended or is a zombie.
 */
export function readStart(pid: number): string | undefined {
  const facts = readProcess(pid);
  return facts === undefined || facts.zombie ? undefined : facts.started;
}

/** Whether a process has ended. False where this user cannot see processes of others (proc(5), hidepid=). */
export function hasEnded(pid: number): boolean {
  return readStart(pid) === undefined && readStart(1) !== undefined;
}
