/**
 * An x64 machine that runs arm64 programs by qemu-user. Its binfmt registration lives in a user namespace of its own
 * (binfmt_misc does that since Linux 6.7) and ends with it; nothing of this machine changes.
 */
import { spawn, spawnSync } from "node:child_process";
import { readlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const MAGIC =
  "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00" +
  ":\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff";
export const ARM64 = `:gantry-arm64:M::${MAGIC}:/usr/bin/qemu-aarch64-static:FP`;

/**
 * Lines of sh that register an emulator in the user namespace that they run in.
 * @param registration which programs run in which emulator, as binfmt_misc takes it (kernel documentation)
 */
export const register = (registration: string): readonly string[] => [
  "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc",
  `printf '%s' '${registration}' >/proc/sys/fs/binfmt_misc/register`,
];

/** A user namespace for one command that root is enough for. */
export const UNSHARE = ["--user", "--map-root-user", "--mount", "--propagation=private"];

/** Why arm64 programs cannot be run here, or undefined. */
export function arm64Obstacle(): string | undefined {
  const script = `set -e; ${register(ARM64).join("; ")}`;
  const tried = spawnSync("unshare", [...UNSHARE, "sh", "-c", script], { encoding: "utf8" });
  return tried.status === 0 ? undefined : `no binfmt_misc in a user namespace: ${tried.stderr.trim()}`;
}

export interface Arm64Machine {
  /** What a command line begins with to be run there. */
  readonly inside: readonly string[];
  dispose(): void;
}

/**
 * One with every user and group, as builders and containers need them, that lasts until it is disposed of. The map leaves
 * out the last id: one that is whole looks to runc as if there were no user namespace, and it would make device files.
 */
export async function openArm64Machine(): Promise<Arm64Machine> {
  const lines = ["set -e", ...register(ARM64), "echo ready", "exec cat"].join("\n");
  // Capabilities are root's, whom the namespace knows once its map is written: therefore the second exec.
  const script = 'read -r _; exec unshare --mount --propagation=private sh -c "$0"';
  const holder = spawn("unshare", ["--user", "sh", "-c", script, lines], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { pid } = holder;
  if (pid === undefined) throw new Error("unshare could not be started");
  const own = readlinkSync("/proc/self/ns/user");
  while (readlinkSync(`/proc/${pid}/ns/user`) === own) await sleep(5);
  for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${pid}/${map}`, "0 0 4294967294\n");
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("exit", (code) => reject(new Error(`no machine for arm64: exit ${code}`)));
    holder.stdin.write("go\n");
  });
  return {
    inside: ["nsenter", `--target=${pid}`, "--user", "--mount", "--"],
    dispose: () => holder.stdin.end(),
  };
}
