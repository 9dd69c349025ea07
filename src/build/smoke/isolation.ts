/**
 * Finds how this machine can run a program without any network but its own loopback: in a network namespace that
 * `unshare` (util-linux) or `bwrap` (bubblewrap) makes. Each way is tried with a program that does nothing, because
 * containers and distributions allow different ones.
 */
import { readOwnUser, readProgramPath, run, UNIT_PATH } from "../../base/process/index.ts";

export interface Isolation {
  readonly network: "loopback" | "open";
  /** The command with what runs it in isolation before it. */
  readonly wrap: (command: readonly string[]) => readonly [string, ...string[]];
}

/** Switches on the loopback of a new network namespace, which is down at first, and becomes the command. */
const LOOPBACK = `(
  PATH=${UNIT_PATH}
  ip link set lo up || ifconfig lo up || busybox ip link set lo up
) >/dev/null 2>&1 && exec "$@"`;
const WITH_LOOPBACK = ["/bin/sh", "-c", LOOPBACK, "sh"];

interface Candidate {
  readonly program: "unshare" | "bwrap";
  readonly args: readonly string[];
}

/**
 * The ways, best first. In a user namespace with only one user, the app keeps its user id where the program can do
 * that; the capabilities are those of the namespace. Root needs no user namespace.
 */
const FOR_ROOT: Candidate = { program: "unshare", args: ["--net", "--", ...WITH_LOOPBACK] };
const FOR_ALL: readonly Candidate[] = [
  {
    program: "bwrap",
    args: ["--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--"],
  },
  {
    program: "unshare",
    args: ["--user", "--map-current-user", "--keep-caps", "--net", "--", ...WITH_LOOPBACK],
  },
  { program: "unshare", args: ["--user", "--map-root-user", "--net", "--", ...WITH_LOOPBACK] },
];

/** Used where nothing else works, and where there are no namespaces. */
const OPEN: Isolation = {
  network: "open",
  wrap: ([file = "", ...args]) => [file, ...args],
};

/** Milliseconds that a try may take. */
const LIMIT = 5000;

/** Finds the isolation of a build when its first release is started, and keeps it for the others. */
export function isolationOnce(): () => Promise<Isolation> {
  let found: Promise<Isolation> | undefined;
  return () => (found ??= findIsolation());
}

/** Finds the first way that works here. */
export async function findIsolation(uid = readOwnUser().uid): Promise<Isolation> {
  const environment = { PATH: UNIT_PATH };
  for (const { program, args } of uid === 0 ? [FOR_ROOT, ...FOR_ALL] : FOR_ALL) {
    const path = readProgramPath(program, environment);
    if (path === undefined) continue;
    const tried = await run(path, [...args, "true"], { cwd: "/", environment, timeout: LIMIT });
    if (tried.code === 0) return { network: "loopback", wrap: (command) => [path, ...args, ...command] };
  }
  return OPEN;
}
