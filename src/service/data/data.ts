/**
 * Copies between the service's data and its snapshot. A process of the service's own user copies, so root opens no file
 * in these directories. The process sees them without what is mounted inside them (systemd.exec(5), BindPaths=,
 * norbind).
 */
import { readFileSync, rmSync, statSync } from "node:fs";
import { GantryError, type Finding } from "../../base/errors.ts";
import type { ServiceContext } from "../service-context.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { readMounts } from "./mounts.ts";
import { runOneshot } from "../systemd/oneshot.ts";
import { nameProcesses, readProcessesOf } from "./processes.ts";
import { runOrThrow } from "../../base/process/index.ts";
import { escapeWord } from "../systemd/installed-units.ts";

/**
 * The user of a service by uid and gid. Numbers are used, because the name may belong to another user by the time the
 * data is restored.
 */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user and group of the unit, as systemd has loaded it with the host's drop-ins. Root when the unit names no user.
 * @throws GantryError EXEC_FAILED for a user that does not exist
 */
export async function readServiceAccount({ unit }: ServiceLayout): Promise<Account> {
  const text = await runOrThrow("systemctl", ["show", unit, "-pUser", "-pGroup"]);
  const user = /^User=(.*)$/m.exec(text)?.[1] ?? "";
  const group = /^Group=(.*)$/m.exec(text)?.[1] ?? "";
  if (user === "") return { uid: 0, gid: 0 };
  const uid = Number(await runOrThrow("id", ["-u", "--", user]));
  return {
    uid,
    gid: group === "" ? Number(await runOrThrow("id", ["-g", "--", user])) : await groupId(group),
  };
}

async function groupId(group: string): Promise<number> {
  const [, , gid] = (await runOrThrow("getent", ["group", "--", group])).split(":");
  return Number(gid);
}

/** The owner of a directory. A link in the path is followed. */
export function ownerOf(path: string): Account {
  const { uid, gid } = statSync(path);
  return { uid, gid };
}

/**
 * Sets $@ to the names in the current directory, without lost+found, which ext4 makes for itself. Used only in a
 * directory with lost+found, because the names may be more than a command line can hold.
 */
const ENTRIES = `set --
for name in .[!.]* ..?* *; do
  [ "$name" = lost+found ] && continue
  if [ -e "./$name" ] || [ -L "./$name" ]; then set -- "$@" "./$name"; fi
done`;
const COPY = `cd /run/from
if [ -e lost+found ]; then ${ENTRIES}
  [ $# = 0 ] || cp -a --reflink=auto -- "$@" /run/to/
else cp -a --reflink=auto ./. /run/to/; fi`;
/**
 * Makes every file readable and removable for its owner. A release that was given up may have left files that even
 * their owner cannot read.
 */
const OPEN = `for name in .[!.]* ..?* *; do
  [ "$name" = lost+found ] || [ -L "./$name" ] || [ ! -e "./$name" ] || chmod -R u+rwX -- "./$name"
done`;
const EMPTY = `for name in .[!.]* ..?* *; do
  [ "$name" = lost+found ] || rm -rf -- "./$name"
done`;

/**
 * `fill` copies. `set-aside` makes everything in `from` readable, then copies. `replace` removes everything in `to`,
 * then copies.
 */
type How = "fill" | "set-aside" | "replace";
const SCRIPTS: Readonly<Record<How, readonly string[]>> = {
  fill: [COPY],
  "set-aside": ["cd /run/from", OPEN, COPY],
  replace: ["cd /run/to", OPEN, EMPTY, COPY],
};

export interface DataCopy {
  readonly from: string;
  readonly to: string;
  readonly how: How;
  readonly account: Account;
}

/**
 * Copies the contents of a directory into another one that exists, as the user of the service. Attributes and links are
 * kept as far as that user may keep them (cp -a). Blocks are shared where the file system can share them.
 * @throws GantryError DISK_FULL or IO_FAILED with what the commands printed; the signal's reason
 */
export async function copyData(context: ServiceContext, copy: DataCopy): Promise<void> {
  const { layout } = context;
  rmSync(layout.copyLog, { force: true });
  try {
    const text = formatCopyUnit(layout, copy);
    const { failed } = await runOneshot(context, {
      name: "data",
      text,
      dropIns: new Map(),
      timeout: "infinity",
    });
    if (failed !== undefined) throw copyFailure(layout, copy, readFileSync(layout.copyLog, "utf8"));
  } finally {
    rmSync(layout.copyLog, { force: true });
  }
}

function formatCopyUnit(layout: ServiceLayout, { from, to, how, account }: DataCopy): string {
  const script = ["set -e", ...SCRIPTS[how]].join("\n");
  return `# Copies data of ${layout.name} as the user that it belongs to. Made by gantry, for the time of one command.
[Unit]
Description=Copy the data of ${layout.name}

[Service]
Type=oneshot
User=${account.uid}
Group=${account.gid}
Environment=LC_ALL=C.UTF-8
TemporaryFileSystem=/run:ro
BindPaths=${from}:/run/from:norbind ${to}:/run/to:norbind
NoNewPrivileges=yes
${account.uid === 0 ? "" : "CapabilityBoundingSet=\n"}ExecStart=/bin/sh -c "${escapeWord(script).replaceAll("\n", "\\n")}"
StandardOutput=null
StandardError=file:${layout.copyLog}
`;
}

function copyFailure(layout: ServiceLayout, { from, account }: DataCopy, said: string): GantryError {
  const detail = said
    .split("\n")
    .filter((line) => line !== "")
    .slice(0, 10)
    .map((line) => line.replaceAll("/run/from", from));
  // ENOSPC and EDQUOT as strerror(3) writes them.
  const full = /No space left on device|Disk quota exceeded/.test(said);
  return new GantryError({
    code: full ? "DISK_FULL" : "IO_FAILED",
    what: `the data of ${layout.name} could not be copied by its user (uid ${account.uid})`,
    where: from,
    detail,
    fix: full
      ? `free some space where ${layout.state} is, then start again`
      : `see what it says above; what its user may not read becomes readable with: chown -R ${account.uid}:${account.gid} ${from} && chmod -R u+rX ${from}`,
  });
}

/**
 * Why the data cannot be copied now, or undefined. Called before the service is stopped, and again after.
 * @param moment `running`: the processes of the unit are accepted. `stopped`: no process of the user is accepted
 */
export function checkData(
  layout: ServiceLayout,
  { uid }: Account,
  moment: "running" | "stopped",
): Finding | undefined {
  const { below } = readMounts(layout.data);
  if (below.length > 0) {
    return {
      code: "CONFIG_INVALID",
      what: `the data of ${layout.name} cannot be copied whole: something is mounted inside it, at ${below.join(", ")}`,
      where: layout.data,
      fix: `umount ${below[0]} while the upgrade runs, or mount it outside of ${layout.data}`,
    };
  }
  const others = uid === 0 ? [] : foreignProcesses(layout, uid, moment);
  if (others.length === 0) return undefined;
  return {
    code: "LOCK_TIMEOUT",
    what: `processes of the service's user (uid ${uid}) could change the data while it is copied: ${nameProcesses(others)}`,
    where: layout.data,
    fix: `end them, then start again: kill ${others.map(({ pid }) => pid).join(" ")}`,
  };
}

/** Processes of the user that do not belong to the unit. When the unit is stopped: all processes of the user. */
function foreignProcesses({ unit }: ServiceLayout, uid: number, moment: "running" | "stopped") {
  const all = readProcessesOf(uid);
  return moment === "stopped" ? all : all.filter(({ pid }) => !inUnit(pid, unit));
}

/**
 * Whether a process belongs to the unit. /proc/PID/cgroup has lines such as `1:name=systemd:/system.slice/NAME.service`
 * (cgroups(7), both versions). True for a process that has ended.
 */
function inUnit(pid: number, unit: string): boolean {
  try {
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
    return groups.some((line) => line.split(":").slice(2).join(":").split("/").includes(unit));
  } catch {
    return true;
  }
}
