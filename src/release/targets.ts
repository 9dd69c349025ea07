/**
 * The targets: platforms that a release can be made for, with their names in Bun, in npm and in a POSIX shell. A target is
 * `OS-ARCH[-LIBC][-baseline]`. Only the table below has the spellings.
 */
import { GantryError } from "../base/errors.ts";
import { compareDotted } from "../base/versions.ts";

export type Libc = "gnu" | "musl";

export interface Target {
  /** The name people type and releases carry, for example `linux-x64-gnu`. */
  readonly name: string;
  readonly os: "linux" | "darwin";
  readonly arch: "x64" | "arm64";
  /** Absent on systems with one C library. */
  readonly libc?: Libc;
  /** The value for Bun's `compile.target`. */
  readonly bun: string;
  /** What `uname -m` prints on such machines. */
  readonly machines: readonly string[];
  /** The loader that programs for this target name (ELF gABI PT_INTERP; Mach-O LC_LOAD_DYLINKER). */
  readonly interpreter: string;
}

const GLIBC_X64 = { interpreter: "/lib64/ld-linux-x86-64.so.2" } as const;
const GLIBC_ARM64 = { interpreter: "/lib/ld-linux-aarch64.so.1" } as const;
const MUSL_X64 = { interpreter: "/lib/ld-musl-x86_64.so.1" } as const;
const MUSL_ARM64 = { interpreter: "/lib/ld-musl-aarch64.so.1" } as const;
const DYLD = { interpreter: "/usr/lib/dyld" } as const;
const X64 = { arch: "x64", machines: ["x86_64"] } as const;
const ARM64 = { arch: "arm64", machines: ["aarch64", "arm64"] } as const;

export const TARGETS: readonly Target[] = [
  { name: "linux-x64-gnu", os: "linux", libc: "gnu", bun: "bun-linux-x64", ...X64, ...GLIBC_X64 },
  {
    name: "linux-x64-gnu-baseline",
    os: "linux",
    libc: "gnu",
    bun: "bun-linux-x64-baseline",
    ...X64,
    ...GLIBC_X64,
  },
  { name: "linux-x64-musl", os: "linux", libc: "musl", bun: "bun-linux-x64-musl", ...X64, ...MUSL_X64 },
  {
    name: "linux-x64-musl-baseline",
    os: "linux",
    libc: "musl",
    bun: "bun-linux-x64-musl-baseline",
    ...X64,
    ...MUSL_X64,
  },
  { name: "linux-arm64-gnu", os: "linux", libc: "gnu", bun: "bun-linux-arm64", ...ARM64, ...GLIBC_ARM64 },
  {
    name: "linux-arm64-musl",
    os: "linux",
    libc: "musl",
    bun: "bun-linux-arm64-musl",
    ...ARM64,
    ...MUSL_ARM64,
  },
  { name: "darwin-arm64", os: "darwin", bun: "bun-darwin-arm64", ...ARM64, ...DYLD },
  { name: "darwin-x64", os: "darwin", bun: "bun-darwin-x64", ...X64, ...DYLD },
];

/**
 * Finds a target by name.
 * @throws GantryError USAGE that lists the names when there is no such target
 */
export function parseTarget(name: string): Target {
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target !== undefined) return target;
  throw new GantryError({
    code: "USAGE",
    what: `there is no target "${name}"`,
    fix: `use one of ${TARGETS.map((candidate) => candidate.name).join(", ")}`,
  });
}

/**
 * The target of a machine, by process.platform, process.arch and its C library.
 * @param libc the C library of the running process; ignored on darwin
 * @throws GantryError HOST_UNSUPPORTED for a system that gantry makes no releases for
 */
export function targetOfHost(platform: string, arch: string, libc: Libc): Target {
  const name = platform === "linux" ? `${platform}-${arch}-${libc}` : `${platform}-${arch}`;
  const target = TARGETS.find((candidate) => candidate.name === name);
  if (target !== undefined) return target;
  throw new GantryError({
    code: "HOST_UNSUPPORTED",
    what: `gantry makes no releases for ${platform} on ${arch}`,
    fix: `name the target: ${TARGETS.map((candidate) => `--target ${candidate.name}`).join(", ")}`,
  });
}

/** Whether a program for `target` runs on a machine of `host`. A baseline build runs wherever the full one does. */
export function runsOn(target: Target, host: Target): boolean {
  return target.os === host.os && target.arch === host.arch && target.libc === host.libc;
}

/**
 * The newest processor feature that Bun's build for a target needs, as /proc/cpuinfo spells it. Measured with qemu's
 * processor models on the registry's packages: 1.2.16 and 1.3.14 end with SIGILL without AVX2, and their baseline builds
 * without SSE4.2. Since 1.4.0 both are the same file, which needs SSE4.2. The builds for arm64 run on the first ARMv8.
 * @param version Bun's, such as `1.3.14`
 */
export function cpuFlagOfBun(target: Target, version: string): "avx2" | "sse4_2" | undefined {
  if (target.os !== "linux" || target.arch !== "x64") return undefined;
  const oneBuild = compareDotted(version, "1.4.0") >= 0;
  return oneBuild || target.name.endsWith("-baseline") ? "sse4_2" : "avx2";
}

/**
 * The NODE_MODULE_VERSION that a Bun has (process.versions.modules), by which loaders choose a file. Measured on 1.2.18,
 * 1.3.14 and 1.4.5. Undefined for versions that nobody has measured.
 * @param version Bun's, such as `1.3.14`
 */
export function abiOfBun(version: string): number | undefined {
  if (version.startsWith("1.4.")) return 147;
  return compareDotted(version, "1.2.18") >= 0 && compareDotted(version, "1.4.0") < 0 ? 137 : undefined;
}

/** The platform in a release's name, without `-gnu`, which is the usual case. */
export function targetSuffix(target: Target): string {
  return target.name.replace("-gnu", "");
}

/** Whether a package with these fields of package.json (npm's os, cpu and libc) may be installed for the target. */
export function acceptsTarget(
  fields: {
    readonly os?: readonly string[] | undefined;
    readonly cpu?: readonly string[] | undefined;
    readonly libc?: readonly string[] | undefined;
  },
  target: Target,
): boolean {
  return (
    listAccepts(fields.os, target.os) &&
    listAccepts(fields.cpu, target.arch) &&
    (target.libc === undefined || listAccepts(fields.libc, target.libc === "gnu" ? "glibc" : "musl"))
  );
}

function listAccepts(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined || list.length === 0) return true;
  if (list.includes(`!${value}`)) return false;
  const positive = list.filter((entry) => !entry.startsWith("!"));
  return positive.length === 0 || positive.includes(value) || positive.includes("any");
}
