/**
 * What a host of the tests is made of: namespaces, control groups, a cable, a way to its ports. Nothing here outlives
 * the tests: the namespaces go when the keeper's standard input ends, helpers die with this process.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EnteredResult } from "../roots/roots.ts";

/** Milliseconds until a boot or a shutdown counts as hung. */
export const PATIENCE = 60_000;

/** The process whose namespaces hold the host's root and network; it ends when its standard input does. */
export async function startKeeper(scratch: string, base: string): Promise<ChildProcess> {
  const script = [
    "set -e",
    `mkdir '${scratch}/up' '${scratch}/work' '${scratch}/root'`,
    `mount -t overlay none -o 'lowerdir=${base},upperdir=${scratch}/up,workdir=${scratch}/work' '${scratch}/root'`,
    "ip link set lo up",
    // A signal for the whole group of the tests must not end the one that cleans up after them.
    "trap '' TERM INT HUP",
    "echo ready",
    "cat",
    // Process 1 of the host survives nspawn; whatever runs in this network belongs to the host.
    "own=$(readlink /proc/self/ns/net)",
    "for process in /proc/[0-9]*; do",
    '  [ "$(readlink "$process/ns/net")" != "$own" ] || [ "$process" = "/proc/$$" ] || kill -9 "${process#/proc/}"',
    "done 2>/dev/null",
    "exit 0",
  ];
  const keeper = spawn(
    "unshare",
    ["--mount", "--net", "--propagation=private", "sh", "-c", script.join("\n")],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  await untilLine(keeper);
  return keeper;
}

/** A control group in each hierarchy of this machine; none where a systemd outside gives nspawn a scope of its own. */
export function makeGroups(name: string): readonly string[] {
  if (existsSync("/run/systemd/system")) return [];
  const made = groupPaths(name);
  for (const group of made) {
    mkdirSync(group, { recursive: true });
    // A new group of this controller takes no process before these are set (cpuset(7)).
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const own = join(group, file);
      const parent = join(dirname(group), file);
      if (existsSync(own) && existsSync(parent)) writeFileSync(own, readFileSync(parent));
    }
  }
  return made;
}

export function groupPaths(name: string): string[] {
  const top = "/sys/fs/cgroup";
  if (existsSync(join(top, "cgroup.procs"))) return [join(top, name)];
  return readdirSync(top)
    .filter((hierarchy) => existsSync(join(top, hierarchy, "cgroup.procs")))
    .map((hierarchy) => join(top, hierarchy, name));
}

/** Groups can be removed once they are empty, the innermost first. */
export function removeGroup(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(group, entry.name));
  }
  try {
    rmdirSync(group);
  } catch {
    // A process that is not reaped yet keeps it; it is empty and harms nobody.
  }
}

/** A veth pair: the 4 addresses of 10.213.0.0/16 that follow from the keeper's number, so that two hosts never share them. */
export function layCable(keeper: ChildProcess): string {
  const id = Number(keeper.pid) % 16_384;
  const address = (last: number) => `10.213.${id >> 6}.${(id & 63) * 4 + last}`;
  const [outside, inside] = [`gantry${id}`, "host0"];
  const within = ["nsenter", "-t", String(keeper.pid), "-n"];
  for (const command of [
    ["ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", String(keeper.pid)],
    ["ip", "address", "add", `${address(1)}/30`, "dev", outside],
    ["ip", "link", "set", outside, "up"],
    [...within, "ip", "address", "add", `${address(2)}/30`, "dev", inside],
    [...within, "ip", "link", "set", inside, "up"],
  ]) {
    const [program = "", ...args] = command;
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  }
  return address(1);
}

export async function untilEnded(child: ChildProcess | undefined, what: string): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<"ended">((resolve) => {
    child.once("exit", () => resolve("ended"));
  });
  const tired = new AbortController();
  const outcome = await Promise.race([ended, sleep(PATIENCE, "tired" as const, { signal: tired.signal })]);
  tired.abort();
  if (outcome === "ended") return;
  child.kill("SIGKILL");
  throw new Error(`the host does not ${what}`);
}

/** Resolves with a child's first line of output. */
function untilLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${child.spawnfile} ended with ${code}`)));
  });
}

/** Process 1 of the host, by its number out here: nspawn's one child. */
export function readChild(parent: ChildProcess): number | undefined {
  if (parent.exitCode !== null || parent.signalCode !== null) return undefined;
  const { pid } = parent;
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return child === undefined || child === "" ? undefined : Number(child);
  } catch {
    return undefined;
  }
}

export function collect(command: readonly string[], input = ""): Promise<EnteredResult> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // A command that ends without reading its input closes the pipe; that is its right.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...output }));
  });
}

export interface Forward {
  /** On this machine's loopback; ends at the port inside. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** @param socket a path for a unix socket, which is how the two namespaces reach each other */
export async function forward(socket: string, keeper: ChildProcess, port: number): Promise<Forward> {
  const script = fileURLToPath(new URL("forward.mjs", import.meta.url));
  const command = ["-t", String(keeper.pid), "-n", process.execPath, script, socket, String(port)];
  const helper = spawn("setpriv", ["--pdeathsig", "KILL", "nsenter", ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await untilLine(helper);
  const open = new Set<Socket>();
  const server = createServer((outside) => {
    const inside = connect(socket);
    open.add(outside);
    outside.once("close", () => open.delete(outside));
    for (const side of [outside, inside]) {
      side.on("error", () => {
        outside.destroy();
        inside.destroy();
      });
    }
    outside.pipe(inside).pipe(outside);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      helper.kill("SIGKILL");
      for (const connection of open) connection.destroy();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
