/**
 * Finds which packages are made for one platform, and whether that platform is the target. The fields `os`, `cpu` and
 * `libc` of package.json decide where they are set. A `libc` is often missing: @libsql's packages declare none, and a
 * bun.lock before version 2 does not record it. Without a field, the words of the package's name decide. Last come the
 * other names in the same optionalDependencies: beside `x-linuxmusl-x64`, `x-linux-x64` is for glibc.
 */
import { acceptsTarget, type Libc, type Target } from "../../release/index.ts";

export interface PlatformFields {
  readonly os?: readonly string[] | undefined;
  readonly cpu?: readonly string[] | undefined;
  readonly libc?: readonly string[] | undefined;
}

export interface NamedPlatform {
  readonly os: string | undefined;
  readonly cpu: string | undefined;
  readonly libc: Libc | undefined;
}

type Words = Readonly<Record<string, string>>;

/** Systems as package names spell them, and as process.platform spells them. `wasm` stands for WebAssembly. */
const SYSTEMS: Words = {
  linux: "linux",
  linuxmusl: "linux",
  linuxglibc: "linux",
  darwin: "darwin",
  macos: "darwin",
  osx: "darwin",
  win32: "win32",
  windows: "win32",
  freebsd: "freebsd",
  openbsd: "openbsd",
  netbsd: "netbsd",
  sunos: "sunos",
  android: "android",
  openharmony: "openharmony",
  aix: "aix",
  wasm32: "wasm",
  wasi: "wasm",
};
/** Processors as package names spell them, and as process.arch spells them. */
const PROCESSORS: Words = {
  x64: "x64",
  amd64: "x64",
  arm64: "arm64",
  aarch64: "arm64",
  arm: "arm",
  armv6: "arm",
  armv7: "arm",
  armv7l: "arm",
  armhf: "arm",
  ia32: "ia32",
  x86: "ia32",
  i686: "ia32",
  ppc64: "ppc64",
  ppc64le: "ppc64",
  s390x: "s390x",
  riscv64: "riscv64",
  loong64: "loong64",
  mips64el: "mips64el",
  wasm32: "wasm32",
};
const LIBRARIES: Readonly<Record<string, Libc>> = {
  gnu: "gnu",
  glibc: "gnu",
  linuxglibc: "gnu",
  gnueabihf: "gnu",
  gnueabi: "gnu",
  musl: "musl",
  linuxmusl: "musl",
  musleabihf: "musl",
  musleabi: "musl",
};

/** The system, the processor and the C library that the words of a package's name stand for. */
export function platformOfName(name: string): NamedPlatform {
  const words = nameWords(name);
  const first = <T>(table: Readonly<Record<string, T>>): T | undefined =>
    words
      .map((word) => (Object.hasOwn(table, word) ? table[word] : undefined))
      .find((value) => value !== undefined);
  return { os: first(SYSTEMS), cpu: first(PROCESSORS), libc: first(LIBRARIES) };
}

function nameWords(name: string): string[] {
  return name
    .toLowerCase()
    .replaceAll("x86_64", "x64")
    .split(/[^a-z0-9]+/);
}

/**
 * Says whether a package is made for one platform: its fields name one system and one processor, or its name contains
 * both. A restriction of the system alone is not enough (fsevents: `os`).
 */
export function isPlatformPackage(name: string, fields: PlatformFields): boolean {
  if ((fields.os?.length ?? 0) === 1 && (fields.cpu?.length ?? 0) === 1) return true;
  const { os, cpu } = platformOfName(name);
  return os !== undefined && cpu !== undefined;
}

/**
 * Why a package is not for the target, as the end of the sentence "it is …". Undefined when it may be for the target.
 * @param name the name by which the package is imported
 * @param fields `os`, `cpu` and `libc` of its package.json
 * @param siblings all names in the optionalDependencies that list the package
 */
export function platformRefusal(
  name: string,
  fields: PlatformFields,
  target: Target,
  siblings: readonly string[] = [],
): string | undefined {
  const declared = [fields.os, fields.cpu, fields.libc].flatMap((list) => list ?? []).join(" ");
  if (!acceptsTarget(fields, target)) return `made for ${declared}, by its own os, cpu and libc fields`;
  const named = platformOfName(name);
  // One word alone is no platform: `win32` is a package of plain JavaScript.
  const whole = (named.os ?? fields.os?.[0]) !== undefined && (named.cpu ?? fields.cpu?.[0]) !== undefined;
  if (!whole) return undefined;
  if ((fields.os ?? []).length === 0 && named.os !== undefined && named.os !== target.os) {
    return `made for ${named.os}, by its name`;
  }
  if ((fields.cpu ?? []).length === 0 && named.cpu !== undefined && named.cpu !== target.arch) {
    return `made for ${named.cpu}, by its name`;
  }
  if ((fields.libc ?? []).length > 0 || target.libc === undefined) return undefined;
  const libc = named.libc ?? libcBesideSiblings(name, siblings);
  if (libc === undefined || libc === target.libc) return undefined;
  return named.libc === undefined
    ? "made for glibc: its musl variant stands beside it"
    : `made for ${libc === "gnu" ? "glibc" : "musl"}, by its name (it declares no libc)`;
}

function libcBesideSiblings(name: string, siblings: readonly string[]): Libc | undefined {
  const own = stem(name);
  return siblings.some((sibling) => platformOfName(sibling).libc === "musl" && stem(sibling) === own)
    ? "gnu"
    : undefined;
}

/** A name without the words that stand for a C library. Variants of one platform have the same result. */
function stem(name: string): string {
  return nameWords(name)
    .map((word) => (word === "linuxmusl" || word === "linuxglibc" ? "linux" : word))
    .filter((word) => !Object.hasOwn(LIBRARIES, word))
    .join("-");
}
