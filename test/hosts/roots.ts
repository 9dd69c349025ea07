/**
 * Root file systems of other hosts, made from Debian's packages and kept in a cache outside the repository
 * ($GANTRY_HOSTS_CACHE, else ~/.cache/gantry-hosts). Programs run in them by chroot, with bind mounts in a mount
 * namespace of their own, so that nothing stays mounted when a test ends, however it ends.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env["GANTRY_HOSTS_CACHE"] ?? join(homedir(), ".cache/gantry-hosts");

/** Makes a root once: built beside its final name and renamed, so that an interrupted run leaves nothing half made. */
function ensureRoot(name: string, make: (directory: string) => void): string {
  const root = join(cache, name);
  if (existsSync(root)) return root;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, `${name}.making-`));
  try {
    make(work);
    renameSync(work, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return root;
}

/** Debian 12 with nothing but the essential packages and the certificates. */
export function slimRoot(): string {
  return ensureRoot("bookworm-slim", (directory) => {
    const options = ["--variant=minbase", "--mode=root", "--include=ca-certificates"];
    execFileSync("mmdebstrap", ["--quiet", ...options, "bookworm", directory], { stdio: "inherit" });
  });
}

/** A host without any glibc: busybox, and musl as its only C library. */
export function muslRoot(): string {
  return ensureRoot("musl", (directory) => {
    for (const path of ["bin", "etc", "lib", "proc", "dev", "tmp", "opt"]) mkdirSync(join(directory, path));
    copyFileSync("/usr/bin/busybox", join(directory, "bin/busybox"));
    const applets = execFileSync("busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
    for (const applet of applets) {
      if (applet !== "busybox") symlinkSync("busybox", join(directory, "bin", applet));
    }
    copyFileSync("/usr/lib/x86_64-linux-musl/libc.so", join(directory, "lib/ld-musl-x86_64.so.1"));
    writeFileSync(join(directory, "etc/os-release"), "ID=musllab\n");
  });
}

export interface EnteredResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface EnterOptions {
  /** Directories of this machine, by the place where they appear in the root. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Extra mount(8) options for the mounts: `ro`, `noexec`. */
  readonly options?: string;
  /** Becomes this user and group before the command runs. */
  readonly user?: number;
}

/** Runs a command in a root, on top of an overlay that is thrown away. */
export function enter(root: string, command: readonly string[], options: EnterOptions): EnteredResult {
  const scratch = mkdtempSync(join(cache, "enter-"));
  try {
    const lines = [
      "set -e",
      `mount -t tmpfs none ${scratch}`,
      `mkdir ${scratch}/up ${scratch}/work ${scratch}/root`,
      `mount -t overlay none -o lowerdir=${root},upperdir=${scratch}/up,workdir=${scratch}/work ${scratch}/root`,
      `mount -t proc none ${scratch}/root/proc`,
      `mount --rbind /dev ${scratch}/root/dev`,
      `cp -L /etc/resolv.conf /etc/hosts ${scratch}/root/etc/`,
    ];
    for (const [to, from] of Object.entries(options.mounts)) {
      lines.push(`mkdir -p '${scratch}/root${to}'`, `mount --bind '${from}' '${scratch}/root${to}'`);
      if (options.options !== undefined)
        lines.push(`mount -o remount,bind,${options.options} '${scratch}/root${to}'`);
    }
    const user = options.user === undefined ? [] : [`--userspec=${options.user}:${options.user}`];
    lines.push(`exec chroot ${user.join(" ")} ${scratch}/root "$@"`);
    const result = spawnSync(
      "unshare",
      ["--mount", "--propagation=private", "sh", "-c", lines.join("\n"), "sh", ...command],
      {
        encoding: "utf8",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/tmp", ...options.env },
      },
    );
    return { code: result.status, stdout: result.stdout, stderr: result.stderr };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
