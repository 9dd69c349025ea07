/**
 * Starts a program and watches it until it listens, ends, or has used up its time. Then it is ended together with all
 * processes that it started. Sockets and processes are read from /proc; where there is none, only its end is seen.
 */
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  formatAddress,
  readFact,
  readListeners,
  readNetwork,
  readProcesses,
  readSockets,
  readUnixListeners,
} from "../../base/proc/index.ts";
import { isRunning, killProcess, run, SELF } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { SeenStart } from "./judge-start.ts";

export interface StartOptions {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly environment: Environment;
  /** A text that only this environment has. By it, processes are found that left the session. */
  readonly mark: string;
  /** Seconds until it is told to end. */
  readonly timeout: number;
  /** Whether it is told to end once it listens. */
  readonly until: "it listens" | "the time is up";
  readonly signal?: AbortSignal | undefined;
  /** Takes what ends all of it at once, for a build that is interrupted; returns what takes that back. */
  readonly guard: (end: () => void) => () => void;
}

/** A shell, and bwrap, report the end by a signal as an exit status of this plus its number. */
const SHELL = 128;
/** Milliseconds. */
const LOOK = 50;
/** From SIGTERM to SIGKILL. */
const GRACE = 3000;
/** An app that listened may still end because of what it loads next. */
const SETTLE = 300;

/**
 * Runs one start to its end.
 * @throws the system's error when it cannot be started; the signal's reason, after everything was ended
 */
export async function watchStart(options: StartOptions): Promise<SeenStart> {
  const { command, cwd, environment, mark, signal, guard } = options;
  const [file, ...args] = command;
  const stop = new AbortController();
  const began = performance.now();
  let leader = 0;
  const started = (pid: number): void => {
    leader = pid;
  };
  const running = run(file, args, {
    cwd,
    environment,
    signal: stop.signal,
    grace: GRACE,
    ends: "group",
    started,
  });
  let over = false;
  const ended = running.then(
    () => (over = true),
    () => (over = true),
  );
  const kill = (how: NodeJS.Signals): void => endAll(findMembers(leader, mark), how);
  const unguard = guard(() => kill("SIGKILL"));
  try {
    const watched = await watch(options, {
      began,
      isOver: () => over || signal?.aborted === true,
      members: () => findMembers(leader, mark),
    });
    const itself = over || !isRunning(leader);
    if (!over) {
      stop.abort();
      kill("SIGTERM");
      await Promise.race([ended, sleep(signal?.aborted === true ? 0 : GRACE)]);
    }
    kill("SIGKILL");
    const { code, signal: by, stdout, stderr } = await running;
    signal?.throwIfAborted();
    const killed = !itself && (by === "SIGKILL" || code === SHELL + constants.signals.SIGKILL);
    return { end: itself ? "itself" : "stopped", code, signal: by, ...watched, killed, stdout, stderr };
  } finally {
    stop.abort();
    kill("SIGKILL");
    unguard();
  }
}

interface Watched {
  readonly seconds: number;
  readonly listening?: { readonly address: string; readonly seconds: number };
}

/** Waits until the program listens, is over (or the build is aborted), or has used up its time. */
async function watch(
  { timeout, until }: StartOptions,
  at: { readonly began: number; readonly isOver: () => boolean; readonly members: () => number[] },
): Promise<Watched> {
  const passed = (): number => (performance.now() - at.began) / 1000;
  while (!at.isOver() && passed() < timeout) {
    const address = until === "it listens" ? findListener(at.members()) : undefined;
    if (address !== undefined) {
      const listening = { address, seconds: passed() };
      const settled = performance.now() + SETTLE;
      while (!at.isOver() && performance.now() < settled) await sleep(LOOK);
      return { seconds: passed(), listening };
    }
    await sleep(LOOK);
  }
  return { seconds: passed() };
}

/** The processes of a start: those of its session, their children, and those whose environment has the mark. */
function findMembers(leader: number, mark: string): number[] {
  if (leader === 0) return [];
  const members = new Set<number>();
  const isMember = (pid: number): boolean => readFact(pid, "environ").includes(mark);
  for (const { pid, parent, session } of readProcesses().toSorted((a, b) => a.pid - b.pid)) {
    if (session === leader || members.has(parent) || isMember(pid)) members.add(pid);
  }
  members.delete(SELF.pid);
  return [...members];
}

function endAll(members: readonly number[], how: NodeJS.Signals): void {
  for (const pid of members) {
    try {
      killProcess(pid, how);
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** The first listening socket of these processes: an IP address with a port, or the path of a unix socket. */
function findListener(members: readonly number[]): string | undefined {
  const seen = new Set<string>();
  const owned = new Set(members.flatMap((pid) => [...(readSockets(pid) ?? [])]));
  if (owned.size === 0) return undefined;
  const unix: string[] = [];
  for (const pid of members) {
    const network = readNetwork(pid);
    if (seen.has(network)) continue;
    seen.add(network);
    const found = readListeners(pid).find(({ inode }) => owned.has(inode));
    if (found !== undefined) return formatAddress(found);
    unix.push(...readUnixListeners(pid).flatMap(({ path, inode }) => (owned.has(inode) ? [path] : [])));
  }
  return unix[0];
}
