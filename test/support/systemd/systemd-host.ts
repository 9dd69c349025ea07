/**
 * Real hosts with systemd as process 1, booted by systemd-nspawn from a Debian root: each an overlay on the cached
 * root, in mount and network namespaces of its own. Nothing stays behind when the tests end, however they end: the
 * namespaces live as long as one process that waits for its standard input to end, and all others die with this one.
 * Needs root; works with and without a systemd outside.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  collect,
  forward,
  groupPaths,
  layCable,
  makeGroups,
  PATIENCE,
  readChild,
  removeGroup,
  startKeeper,
  untilEnded,
  type Forward,
} from "./machinery.ts";
import { hostsCache, systemdRoot, type EnteredResult, type Suite } from "../roots/roots.ts";

export interface HostOptions {
  readonly suite: Suite;
  /** `none`: loopback alone. `veth`: a cable to this machine, which has the address `gateway`. */
  readonly network?: "none" | "veth";
  /**
   * MemoryMax=, TasksMax= of the host's units are enforced. Without it nspawn keeps the control groups read-only
   * where this machine has the older hierarchy, and systemd ignores limits in silence.
   */
  readonly limits?: "enforced" | "as nspawn has them";
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export interface SystemdHost {
  /** The host's root directory, as this machine sees it; it can be read and written, up or down. */
  readonly root: string;
  /** This machine's address on the cable, for servers that the host shall reach; undefined without one. */
  readonly gateway: string | undefined;
  /** Boots, and waits until systemd has started everything; resolves with the milliseconds it took. */
  readonly up: () => Promise<number>;
  /** A clean shutdown, as the power button asks for. */
  readonly down: () => Promise<void>;
  /** Power lost: kill -9 of process 1, with which everything dies at once. What was not synced is kept, though. */
  readonly crash: () => Promise<void>;
  readonly reboot: () => Promise<void>;
  /** Ends everything and removes the host. Safe at any time, and more than once. */
  readonly remove: () => Promise<void>;
  /** Runs a command as the host's root, in all its namespaces; never throws for an exit code. */
  readonly run: (command: readonly string[], options?: RunOptions) => Promise<EnteredResult>;
  /** `run` of a shell script, and throws unless it exits with 0. Resolves with its standard output. */
  readonly shell: (script: string) => Promise<string>;
  /** Copies a file or directory of this machine into the host. */
  readonly put: (from: string, to: string) => void;
  /** Writes a file into the host. */
  readonly write: (to: string, text: string, mode?: number) => void;
  /** `journalctl ARGS` on the host's journal, also while the host is down. */
  readonly journal: (...args: string[]) => Promise<string>;
  /** A way from this machine to a port of the host's loopback; it outlives reboots. */
  readonly forward: (port: number) => Promise<Forward>;
}

const PREFIX = "systemd-host-";
const CLEAN_ENVIRONMENT = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"];

/** Makes a host that is not booted yet. The caller has to `remove` it. */
async function makeHost(options: HostOptions): Promise<SystemdHost> {
  const base = systemdRoot(options.suite);
  removeOrphans();
  const scratch = mkdtempSync(join(hostsCache, `${PREFIX}${process.pid}-`));
  const name = `gantry-${basename(scratch).slice(PREFIX.length).toLowerCase()}`;
  const keeper = await startKeeper(scratch, base);
  const root = `/proc/${keeper.pid}/root${scratch}/root`;
  // What systemd-firstboot would make: without it the first boot stops to ask, and the journal is not kept.
  writeFileSync(join(root, "etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
  writeFileSync(join(root, "etc/hostname"), `${name}\n`);
  mkdirSync(join(root, "var/log/journal"), { recursive: true });
  const groups = makeGroups(name);
  const gateway = options.network === "veth" ? layCable(keeper) : undefined;

  let nspawn: ChildProcess | undefined;
  const forwards = new Set<Forward>();
  const leader = () => (nspawn === undefined ? undefined : readChild(nspawn));

  const host: SystemdHost = {
    root,
    gateway,
    up: async () => {
      const began = performance.now();
      nspawn = startNspawn({ scratch, name, keeper, groups });
      await untilUp(host, nspawn, leader, join(scratch, "console"));
      if (options.limits === "enforced") await host.shell(ENFORCE_LIMITS);
      return performance.now() - began;
    },
    down: async () => {
      const process1 = leader();
      if (process1 === undefined) throw new Error("the host is not up");
      // systemd(1): SIGRTMIN+4 is poweroff.
      spawnSync("kill", ["-s", "RTMIN+4", String(process1)]);
      await untilEnded(nspawn, "shut down");
    },
    crash: async () => {
      const process1 = leader();
      if (process1 === undefined) throw new Error("the host is not up");
      process.kill(process1, "SIGKILL");
      await untilEnded(nspawn, "die");
    },
    reboot: async () => {
      await host.down();
      await host.up();
    },
    remove: async () => {
      const process1 = leader();
      if (process1 !== undefined) process.kill(process1, "SIGKILL");
      await untilEnded(nspawn, "die");
      for (const way of forwards) await way.close();
      forwards.clear();
      keeper.stdin?.end();
      await untilEnded(keeper, "let go");
      for (const group of groups) removeGroup(group);
      rmSync(scratch, { recursive: true, force: true });
    },
    run: (command, runOptions = {}) => {
      const process1 = leader();
      if (process1 === undefined) throw new Error(`the host is not up: ${command.join(" ")}`);
      const variables = Object.entries(runOptions.env ?? {}).map(([key, value]) => `${key}=${value}`);
      return collect(
        [
          "nsenter",
          "-t",
          String(process1),
          "-a",
          "--",
          "env",
          "-i",
          ...CLEAN_ENVIRONMENT,
          ...variables,
          ...command,
        ],
        runOptions.input,
      );
    },
    shell: async (script) => {
      const { code, stdout, stderr } = await host.run(["sh", "-c", script]);
      if (code !== 0) throw new Error(`${script}\nended with ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    put: (from, to) => {
      mkdirSync(dirname(join(root, to)), { recursive: true });
      cpSync(from, join(root, to), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    },
    write: (to, text, mode = 0o644) => {
      mkdirSync(dirname(join(root, to)), { recursive: true });
      writeFileSync(join(root, to), text, { mode });
    },
    journal: async (...args) => {
      const where = leader() === undefined ? ["-D", join(root, "var/log/journal")] : [];
      const command = ["journalctl", "--no-pager", "--quiet", ...where, ...args];
      const { stdout } = where.length > 0 ? await collect(command) : await host.run(command);
      return stdout;
    },
    forward: async (port) => {
      const way = await forward(join(scratch, `forward-${forwards.size}`), keeper, port);
      forwards.add(way);
      return way;
    },
  };
  return host;
}

/** Makes a host and boots it. */
export async function bootHost(options: HostOptions): Promise<SystemdHost> {
  const host = await makeHost(options);
  try {
    await host.up();
    return host;
  } catch (error) {
    await host.remove();
    throw error;
  }
}

/** Directories of hosts whose tests were killed: their processes and mounts died with them. */
function removeOrphans(): void {
  for (const entry of readdirSync(hostsCache)) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(entry)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    rmSync(join(hostsCache, entry), { recursive: true, force: true });
    for (const group of groupPaths(`gantry-${entry.slice(PREFIX.length).toLowerCase()}`)) removeGroup(group);
  }
}

interface NspawnParts {
  readonly scratch: string;
  readonly name: string;
  readonly keeper: ChildProcess;
  readonly groups: readonly string[];
}

function startNspawn({ scratch, name, keeper, groups }: NspawnParts): ChildProcess {
  const joining = groups.map((group) => `echo $$ > '${group}/cgroup.procs'`);
  const command = [
    // Dies with this process, and process 1 of the host with it (systemd-nspawn asks for the same).
    "exec setpriv --pdeathsig KILL",
    `nsenter -t ${keeper.pid} -m --`,
    `systemd-nspawn --quiet --directory='${scratch}/root' --machine=${name} --register=no`,
    groups.length > 0 ? "--keep-unit" : "",
    // As --private-network would: what is inside may make network namespaces of its own.
    `--network-namespace-path=/proc/${keeper.pid}/ns/net --capability=CAP_NET_ADMIN --console=pipe --link-journal=no`,
    "--boot systemd.unit=multi-user.target",
    `> '${scratch}/console' 2>&1`,
  ];
  return spawn("sh", ["-c", [...joining, command.join(" ")].join("\n")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const ENFORCE_LIMITS = `
  [ -e /sys/fs/cgroup/cgroup.procs ] && exit 0
  mount -o remount,rw /sys/fs/cgroup
  for group in /sys/fs/cgroup/*/; do mount -o remount,rw,bind "$group" 2>/dev/null; done
  systemctl daemon-reexec`;

async function untilUp(
  host: SystemdHost,
  nspawn: ChildProcess,
  leader: () => number | undefined,
  console_: string,
): Promise<void> {
  let state = "";
  for (const limit = performance.now() + PATIENCE; performance.now() < limit; await sleep(50)) {
    if (nspawn.exitCode !== null || nspawn.signalCode !== null) break;
    if (leader() === undefined) continue;
    state = (await host.run(["systemctl", "is-system-running"])).stdout.trim();
    if (state === "running" || state === "degraded") return;
  }
  throw new Error(`the host does not come up (${state}):\n${readFileSync(console_, "utf8").slice(-3000)}`);
}
