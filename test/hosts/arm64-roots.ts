/**
 * arm64 hosts on an x64 machine: Debian's packages unpacked, programs run by qemu-user. Its binfmt registration lives in
 * a user namespace of its own (binfmt_misc does that since Linux 6.7) and ends with it; nothing of this machine changes.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureRoot, hostsCache, type EnteredResult } from "./roots.ts";

/** Packages of Debian 12 for arm64, unpacked; no maintainer script is run, so that making it needs no qemu. */
function unpackedRoot(name: string, packages: string): string {
  return ensureRoot(name, (directory) => {
    const options = ["--quiet", "--variant=extract", "--mode=root", "--arch=arm64", `--include=${packages}`];
    execFileSync("mmdebstrap", [...options, "bookworm", directory], { stdio: "inherit" });
    for (const path of ["proc", "opt"]) mkdirSync(join(directory, path), { recursive: true });
  });
}

/** Debian 12 with glibc, dash and coreutils. */
export function arm64Root(): string {
  return unpackedRoot("arm64", "libc6,libgcc-s1,libstdc++6,dash,coreutils,base-files");
}

/** What Debian's libstdc++ and libgcc call and musl does not have; enough to start and to load. */
const SHIM = `
extern long getrandom(void *, unsigned long, unsigned);
extern unsigned long getauxval(unsigned long);
char __libc_single_threaded = 0;
unsigned arc4random(void) { unsigned value = 0; getrandom(&value, sizeof value, 0); return value; }
int __cxa_thread_atexit_impl(void (*f)(void *), void *object, void *handle) { return 0; }
int _dl_find_object(void *address, void *result) { return -1; }
unsigned long __getauxval(unsigned long type) { return getauxval(type); }
unsigned long __strftime_l(char *s, unsigned long n, const char *f, const void *t, void *locale) { return 0; }
`;

/** Where the shim is: Debian's arm64 libstdc++ asks for no library that could be it, so the loader is told of it. */
export const ARM64_MUSL = { LD_PRELOAD: "/usr/lib/shim.so" };

/** Busybox and musl with a C++ library, so that Bun's musl build starts; arm64's tcc makes the shim. */
export function arm64MuslRoot(): string {
  const parts = unpackedRoot("arm64-parts", "libc6,dash,tcc,libgcc-s1,libstdc++6,musl,busybox-static");
  return ensureRoot("arm64-musl", (directory) => {
    for (const path of ["bin", "dev", "etc", "lib", "opt", "proc", "tmp", "usr/bin", "usr/lib"])
      mkdirSync(join(directory, path), { recursive: true });
    copyFileSync(join(parts, "bin/busybox"), join(directory, "bin/busybox"));
    for (const name of ["sh", "uname", "cat", "od", "readlink", "sleep", "wc"])
      symlinkSync("busybox", join(directory, "bin", name));
    const loader = "/lib/ld-musl-aarch64.so.1";
    copyFileSync(join(parts, "lib/aarch64-linux-musl/libc.so"), join(directory, loader));
    const libraries = ["usr/lib/aarch64-linux-gnu/libstdc++.so.6", "lib/aarch64-linux-gnu/libgcc_s.so.1"];
    for (const path of libraries) execFileSync("cp", ["-L", join(parts, path), join(directory, "usr/lib")]);
    // musl's ldd: packages that choose between libcs read it.
    writeFileSync(join(directory, "usr/bin/ldd"), `#!/bin/sh\nexec ${loader} --list -- "$@"\n`);
    for (const path of ["usr/bin/ldd", loader]) chmodSync(join(directory, path), 0o755);
    writeFileSync(join(directory, "etc/os-release"), "ID=musllab\n");
    writeFileSync(join(directory, "usr/lib/shim.c"), SHIM);
    const compile = ["tcc", "-nostdlib", "-shared", "-o", "/made/shim.so", "/made/shim.c"];
    const made = enterEmulated(parts, compile, { mounts: { "/made": join(directory, "usr/lib") } });
    if (made.code !== 0) throw new Error(`tcc: ${made.stderr}`);
  });
}

const MAGIC =
  "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00" +
  ":\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff";
const ARM64 = `:gantry-arm64:M::${MAGIC}:/usr/bin/qemu-aarch64-static:FP`;
const register = (registration: string) => [
  "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc",
  `printf '%s' '${registration}' >/proc/sys/fs/binfmt_misc/register`,
];
const UNSHARE = ["--user", "--map-root-user", "--mount", "--net", "--propagation=private", "sh", "-c"];

/** Why arm64 programs cannot be run here, or undefined. */
export function arm64Obstacle(): string | undefined {
  const script = `set -e; ${register(ARM64).join("; ")}`;
  const tried = spawnSync("unshare", [...UNSHARE, script], { encoding: "utf8" });
  return tried.status === 0 ? undefined : `no binfmt_misc in a user namespace: ${tried.stderr.trim()}`;
}

interface EmulatedOptions {
  /** Directories of this machine, by the place where they appear in the root. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Which programs run in which emulator, as binfmt_misc takes it (kernel documentation); arm64's when left out. */
  readonly registration?: string;
}

/** Runs a command in a root, on an overlay that is thrown away, without any network. */
export function enterEmulated(
  root: string,
  command: readonly string[],
  options: EmulatedOptions,
): EnteredResult {
  const scratch = mkdtempSync(join(hostsCache, "enter-"));
  try {
    const lines = [
      "set -e",
      ...register(options.registration ?? ARM64),
      `mount -t tmpfs none ${scratch}`,
      `mkdir ${scratch}/up ${scratch}/work ${scratch}/root`,
      `mount -t overlay none -o lowerdir=${root},upperdir=${scratch}/up,workdir=${scratch}/work ${scratch}/root`,
      `mount --rbind /proc ${scratch}/root/proc`,
      `mount --rbind /dev ${scratch}/root/dev`,
    ];
    for (const [to, from] of Object.entries(options.mounts))
      lines.push(`mkdir -p '${scratch}/root${to}'`, `mount --bind '${from}' '${scratch}/root${to}'`);
    // Set inside, by the root's own sh: this machine's loader must not see an LD_PRELOAD.
    const variables = Object.entries({ PATH: "/usr/bin:/bin", HOME: "/tmp", ...options.env });
    const exports = variables.map(([name, value]) => `export ${name}='${value}'`).join("; ");
    lines.push(`exec chroot ${scratch}/root /bin/sh -c "${exports}; exec \\"\\$@\\"" sh "$@"`);
    const words = [...UNSHARE, lines.join("\n"), "sh", ...command];
    const result = spawnSync("unshare", words, {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    return { code: result.status, stdout: result.stdout, stderr: result.stderr };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
