/**
 * What gantry knows about a host, as plain data for JSON: `doctor --json` writes it on a server and `check --host`
 * reads it on a build machine. Each fact says where it was read. A fact that cannot be read is unknown, which is never
 * a finding by itself.
 */

export type Fact<T> =
  | { readonly known: true; readonly value: T; readonly from: string }
  | { readonly known: false; readonly why: string };

export function known<T>(value: T, from: string): Fact<T> {
  return { known: true, value, from };
}

export function unknown(why: string): { readonly known: false; readonly why: string } {
  return { known: false, why };
}

export function valueOf<T>(fact: Fact<T>): T | undefined {
  return fact.known ? fact.value : undefined;
}

export type LibcFamily = "glibc" | "musl";

/** A dynamic loader that exists on the host. */
export interface LoaderFacts {
  /** As executables name it, for example /lib64/ld-linux-x86-64.so.2. */
  readonly path: string;
  readonly family: LibcFamily;
  /** For example 2.36 or 1.2.3. */
  readonly version: Fact<string>;
  /** npm-style name of the machine. */
  readonly arch: string;
}

/** One line of ld.so.cache. */
export interface CacheEntry {
  readonly name: string;
  readonly path: string;
}

export interface LoaderSearch {
  /** LD_LIBRARY_PATH and LD_PRELOAD of the environment in which the app will run. */
  readonly libraryPath: readonly string[];
  readonly preload: readonly string[];
  /** Entries for this machine, in the cache's order. */
  readonly cache: Fact<readonly CacheEntry[]>;
  /** Directories of ld.so.conf, which the next run of ldconfig would put into the cache. */
  readonly conf: Fact<readonly string[]>;
  /** Directories that are compiled into the glibc loader. */
  readonly systemDirs: Fact<readonly string[]>;
  /** musl's search path: its path file, or the built-in one. */
  readonly muslPath: Fact<readonly string[]>;
}

export interface CpuFacts {
  /** Names as the kernel prints them: sse4_2, avx2, asimd, atomics … */
  readonly features: readonly string[];
  /** x86-64-v1 to v4; undefined on other machines. */
  readonly level?: 1 | 2 | 3 | 4;
}

interface SystemName {
  /** ID and VERSION_ID of os-release. */
  readonly id: string;
  readonly version: string;
  readonly name: string;
}

/** Facts about one directory that gantry writes to or loads from. */
export interface DirectoryFacts {
  readonly path: string;
  readonly mountPoint: string;
  readonly fileSystem: string;
  readonly noexec: boolean;
  readonly readOnly: boolean;
  /** Bytes that an unprivileged process can still write. */
  readonly freeBytes: Fact<number>;
  readonly uid: Fact<number>;
  /** Permission bits, for example 0o755. */
  readonly mode: Fact<number>;
}

export interface HostFacts {
  readonly schema: 1;
  readonly arch: Fact<string>;
  readonly system: Fact<SystemName>;
  /** The C library of this host's own programs. */
  readonly libc: Fact<{ readonly family: LibcFamily; readonly version: string }>;
  readonly loaders: readonly LoaderFacts[];
  readonly search: LoaderSearch;
  readonly cpu: Fact<CpuFacts>;
  readonly kernel: Fact<string>;
  /** Bytes. */
  readonly pageSize: Fact<number>;
  readonly directories: readonly DirectoryFacts[];
}

export type RuntimeKind = "bun" | "node" | "unknown";

export interface RuntimeFacts {
  readonly kind: RuntimeKind;
  readonly path: string;
  readonly version: Fact<string>;
  /** NODE_MODULE_VERSION. */
  readonly abi: Fact<number>;
  /** The newest Node-API version that it supports. */
  readonly napi: Fact<number>;
}
