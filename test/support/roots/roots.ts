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
import { PACKED, type SUITES } from "../../../scripts/pins.mjs";

/** Where roots and hosts are kept. */
export const hostsCache = process.env["GANTRY_HOSTS_CACHE"] ?? join(homedir(), ".cache/gantry-hosts");

/** Makes a root once: built beside its final name and renamed, so that an interrupted run leaves nothing half made. */
export function ensureRoot(name: string, make: (directory: string) => void): string {
  const root = join(hostsCache, name);
  if (existsSync(root)) return root;
  mkdirSync(hostsCache, { recursive: true });
  const work = mkdtempSync(join(hostsCache, `${name}.making-`));
  try {
    make(work);
    // Another run may have made the same root in the meantime.
    if (!existsSync(root)) renameSync(work, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return root;
}

export type Suite = (typeof SUITES)[number];

/** A Debian release with nothing but the essential packages and the certificates. */
export function debianRoot(suite: Suite): string {
  return ensureRoot(`${suite}-slim`, (directory) => {
    const options = ["--variant=minbase", "--mode=root", "--include=ca-certificates,libstdc++6"];
    execFileSync("mmdebstrap", ["--quiet", ...options, suite, directory], { stdio: "inherit" });
  });
}

/** A Debian release that boots: systemd, and nothing that a server has not. */
export function systemdRoot(suite: Suite): string {
  return ensureRoot(`${suite}-systemd`, (directory) => {
    const packages = "--include=systemd,systemd-sysv,dbus,ca-certificates";
    const lean = ["man", "doc", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    const options = ["--quiet", "--variant=minbase", "--mode=root", packages, ...lean];
    execFileSync("mmdebstrap", [...options, suite, directory], { stdio: "inherit" });
  });
}

/** Debian 12. */
export function slimRoot(): string {
  return debianRoot("bookworm");
}

/** Every name that Debian's busybox answers to, but its own. */
export function busyboxApplets(): string[] {
  const listed = execFileSync("busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
  return listed.filter((applet) => applet !== "busybox");
}

/** A host without any glibc: busybox, and musl as its only C library. */
export function muslRoot(): string {
  return ensureRoot("musl", (directory) => {
    for (const path of ["bin", "etc", "lib", "proc", "dev", "tmp", "opt"]) mkdirSync(join(directory, path));
    copyFileSync("/usr/bin/busybox", join(directory, "bin/busybox"));
    for (const applet of busyboxApplets()) symlinkSync("busybox", join(directory, "bin", applet));
    copyFileSync("/usr/lib/x86_64-linux-musl/libc.so", join(directory, "lib/ld-musl-x86_64.so.1"));
    writeFileSync(join(directory, "etc/os-release"), "ID=musllab\n");
  });
}

/** Functions of glibc that Debian's libstdc++ and libgcc call and musl does not have; enough to start and to load. */
export const CPP_ON_MUSL = `
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
char __libc_single_threaded = 0;
struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;
int __cpu_indicator_init(void) { return 0; }
uint32_t arc4random(void) { uint32_t value = 0; getrandom(&value, sizeof value, 0); return value; }
int __cxa_thread_atexit_impl(void (*f)(void *), void *object, void *handle) { return 0; }
int _dl_find_object(void *address, void *result) { return -1; }
unsigned long __strftime_l(char *s, unsigned long n, const char *f, const void *t, void *locale) { return 0; }
`;

/** The musl host with a C++ library, so that Bun's musl build starts: Debian's, with the few names it misses. */
export function muslCppRoot(): string {
  const base = muslRoot();
  return ensureRoot("musl-cpp", (directory) => {
    execFileSync("cp", ["-a", `${base}/.`, directory]);
    mkdirSync(join(directory, "usr/lib"), { recursive: true });
    for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
      execFileSync("cp", ["-L", join("/usr/lib/x86_64-linux-gnu", name), join(directory, "usr/lib")]);
    }
    const source = join(directory, "tmp/shim.c");
    writeFileSync(source, CPP_ON_MUSL);
    // libstdc++ asks for glibc's loader by name; on this host that name is the shim.
    const shim = join(directory, "usr/lib/ld-linux-x86-64.so.2");
    execFileSync("musl-gcc", ["-shared", "-fPIC", "-w", "-o", shim, source]);
  });
}

/** A package of the npm registry, unpacked; the same one every time. */
export function npmPackage(name: keyof typeof PACKED): string {
  const spec = PACKED[name];
  return ensureRoot(`npm-${spec.replaceAll("/", "+")}`, (directory) => {
    const packed = execFileSync("npm", ["pack", spec, "--silent", "--pack-destination", directory], {
      encoding: "utf8",
    });
    const archive = join(directory, packed.trim().split("\n").at(-1) ?? "");
    execFileSync("tar", ["-xzf", archive, "-C", directory, "--strip-components=1"]);
    rmSync(archive);
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
  /** This machine's, which is the default, or nothing but a loopback of its own. */
  readonly network?: "host" | "loopback";
}

/** Runs a command in a root, on top of an overlay that is thrown away. */
export function enter(root: string, command: readonly string[], options: EnterOptions): EnteredResult {
  const scratch = mkdtempSync(join(hostsCache, "enter-"));
  try {
    const lines = [
      "set -e",
      ...(options.network === "loopback" ? ["ip link set lo up"] : []),
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
    const spaces = options.network === "loopback" ? ["--mount", "--net"] : ["--mount"];
    const user = options.user === undefined ? [] : [`--userspec=${options.user}:${options.user}`];
    lines.push(`exec chroot ${user.join(" ")} ${scratch}/root "$@"`);
    const result = spawnSync(
      "unshare",
      [...spaces, "--propagation=private", "sh", "-c", lines.join("\n"), "sh", ...command],
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
