/**
 * Where each loader searches for libraries: the cache, ld.so.conf and the built-in directories of glibc's loader
 * (ld.so(8)), and musl's path file (its ldso/dynlink.c). Reads configuration only, and runs no ldconfig.
 */
import { posix } from "node:path";
import { known, unknown, type Fact, type LoaderSearch } from "../host-facts.ts";
import { lazily } from "../lazily.ts";
import { parseLdCache } from "./ld-cache.ts";
import type { HostRoot } from "../root.ts";

export interface LoaderEnvironment {
  readonly LD_LIBRARY_PATH?: string | undefined;
  readonly LD_PRELOAD?: string | undefined;
}

const CACHE = "/etc/ld.so.cache";
const CONF = "/etc/ld.so.conf";
/** musl's default when /etc/ld-musl-ARCH.path is missing (ldso/dynlink.c). */
const MUSL_DEFAULT = ["/lib", "/usr/local/lib", "/usr/lib"];

export function readLoaderSearch(
  root: HostRoot,
  env: LoaderEnvironment,
  loaders: () => readonly string[],
  arch: () => string | undefined,
): LoaderSearch {
  return lazily<LoaderSearch>({
    libraryPath: () => splitPath(env.LD_LIBRARY_PATH),
    preload: () => (env.LD_PRELOAD ?? "").split(/[\s:]+/).filter((name) => name !== ""),
    cache: () => readCache(root, arch()),
    conf: () => readConf(root),
    systemDirs: () => readSystemDirs(root, loaders()),
    muslPath: () => readMuslPath(root, loaders()),
  });
}

/** Splits at colons and semicolons. An empty entry would be the current directory and is left out. */
function splitPath(text: string | undefined): string[] {
  return (text ?? "").split(/[:;]/).filter((directory) => directory !== "");
}

function readCache(root: HostRoot, arch: string | undefined): LoaderSearch["cache"] {
  const bytes = root.readBytes(CACHE);
  if (bytes === undefined) return unknown(`${CACHE} is missing or cannot be read`);
  if (arch === undefined) return unknown("the machine is not known");
  const entries = parseLdCache(bytes, arch);
  return entries === undefined ? unknown(`${CACHE} is in no known format`) : known(entries, CACHE);
}

function readConf(root: HostRoot): Fact<readonly string[]> {
  if (root.resolve(CONF) === undefined) return unknown(`${CONF} is missing`);
  const seen = new Set<string>();
  const directories: string[] = [];
  const read = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const { includes, directories: found } = parseLdConf(root.readText(path) ?? "");
    directories.push(...found);
    for (const pattern of includes) for (const file of expand(root, pattern)) read(file);
  };
  read(CONF);
  return known(directories, CONF);
}

/** Parses ld.so.conf: directories (which an obsolete `=type` may follow), `include` patterns, comments. */
export function parseLdConf(text: string): {
  readonly includes: readonly string[];
  readonly directories: readonly string[];
} {
  const includes: string[] = [];
  const directories: string[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.replace(/#.*/, "").trim();
    const include = /^include\s+(.*)$/.exec(line)?.[1];
    if (include !== undefined) includes.push(...include.split(/\s+/));
    else if (line !== "" && !line.startsWith("hwcap")) {
      directories.push(...line.split(/[\s,:]+/).map((entry) => entry.replace(/=.*/, "")));
    }
  }
  return { includes, directories: directories.filter((directory) => directory.startsWith("/")) };
}

/** Expands a pattern with stars in its last part, as distributions use it: ld.so.conf.d/*.conf. */
function expand(root: HostRoot, pattern: string): string[] {
  const full = pattern.startsWith("/") ? pattern : posix.join("/etc", pattern);
  const directory = posix.dirname(full);
  const source = posix
    .basename(full)
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*");
  const matcher = new RegExp(`^${source}$`);
  return root
    .list(directory)
    .filter((name) => matcher.test(name))
    .map((name) => posix.join(directory, name));
}

function readSystemDirs(root: HostRoot, loaders: readonly string[]): Fact<readonly string[]> {
  for (const loader of loaders) {
    // musl has no such array.
    if (MUSL_LOADER.test(loader)) continue;
    const directories = parseSystemDirs(root.readBytes(loader) ?? new Uint8Array());
    if (directories !== undefined) return known(directories, loader);
  }
  return unknown("no glibc loader was found");
}

const MUSL_LOADER = /\/ld-musl-[^/]*$/;

/**
 * The array system_dirs of glibc's elf/dl-load.c: NUL-separated strings that begin and end with a slash, for
 * example /lib64/ and /usr/lib64/. Found by the slash, NUL, slash between two of them.
 */
export function parseSystemDirs(loader: Uint8Array): string[] | undefined {
  const bytes = Buffer.from(loader.buffer, loader.byteOffset, loader.length);
  for (let at = bytes.indexOf("/\0/"); at >= 0; at = bytes.indexOf("/\0/", at + 1)) {
    const start = bytes.lastIndexOf(0, at - 1) + 1;
    const text = bytes.toString("latin1", start, at + 512);
    const match = /^(?:\/[\w./+-]+\/\0){2,8}/.exec(text)?.[0];
    if (match !== undefined) return match.split("\0").filter(Boolean).map(withoutSlash);
  }
  return undefined;
}

function withoutSlash(directory: string): string {
  return directory.replace(/\/$/, "");
}

function readMuslPath(root: HostRoot, loaders: readonly string[]): Fact<readonly string[]> {
  const loader = loaders.find((path) => MUSL_LOADER.test(path));
  if (loader === undefined) return unknown("no musl loader was found");
  // ld-musl-x86_64.so.1 reads ld-musl-x86_64.path in etc beside its own lib directory.
  const file = posix.join("/etc", posix.basename(loader).replace(/\.so.*$/, ".path"));
  const text = root.readText(file);
  if (text === undefined) return known(MUSL_DEFAULT, "built into musl");
  return known(
    text.split(/[:\n]/).filter((directory) => directory !== ""),
    file,
  );
}
