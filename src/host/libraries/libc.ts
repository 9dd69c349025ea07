/**
 * Which dynamic loaders a host has, of which C library and version, read from the loaders' bytes. The path of a file
 * proves nothing: Debian has a musl package, and gcompat puts an ld-linux on Alpine. Nothing is executed.
 */
import { readNativeFile } from "../../elf/index.ts";
import {
  known,
  unknown,
  type Fact,
  type HostFacts,
  type LibcFamily,
  type LoaderFacts,
} from "../host-facts.ts";
import type { HostRoot } from "../root.ts";

/** Paths of dynamic loaders (ELF interpreters): glibc's, which the psABIs fix, and musl's. */
const LOADERS: readonly string[] = [
  "/lib64/ld-linux-x86-64.so.2",
  "/lib/ld-linux-aarch64.so.1",
  "/lib64/ld64.so.2",
  "/lib/ld64.so.1",
  "/lib/ld-linux-armhf.so.3",
  "/lib/ld-linux-riscv64-lp64d.so.1",
  "/lib64/ld-linux-loongarch-lp64d.so.1",
  "/lib/ld-linux.so.2",
  "/lib/ld-musl-x86_64.so.1",
  "/lib/ld-musl-aarch64.so.1",
  "/lib/ld-musl-armhf.so.1",
  "/lib/ld-musl-i386.so.1",
  "/lib/ld-musl-riscv64.so.1",
];

export function readLoaders(root: HostRoot): LoaderFacts[] {
  return existingLoaders(root).flatMap((path) => readLoader(root, path) ?? []);
}

/** The paths of the loaders that exist. The files are not read. */
export function existingLoaders(root: HostRoot): string[] {
  return LOADERS.filter((path) => root.resolve(path) !== undefined);
}

/** Limit in bytes. The loaders of both libraries are much smaller. */
const MAX_LOADER = 4_194_304;

/** The loader at an interpreter path; undefined when there is no ELF file. */
function readLoader(root: HostRoot, path: string): LoaderFacts | undefined {
  const source = root.open(path);
  if (source === undefined) return undefined;
  try {
    const file = readNativeFile(source);
    if (file.kind !== "elf") return undefined;
    const bytes = Buffer.from(source.read(0, Math.min(source.size, MAX_LOADER)));
    const family: LibcFamily = bytes.includes("\0musl libc") ? "musl" : "glibc";
    const version = family === "musl" ? muslVersion(bytes, path) : glibcVersion(root, bytes, path);
    return { path, family, version, arch: file.arch };
  } finally {
    source.close();
  }
}

/** The version in the bytes of musl's loader, which prints it with "Version %s": a string of its own between NULs. */
function muslVersion(loader: Buffer, path: string): Fact<string> {
  const version = find(loader, "\x001.", 24, /^\0(1\.\d+\.\d+)(?:-git-[\w-]+)?\0/);
  return version === undefined ? unknown(`${path} names no version`) : known(version, path);
}

/** glibc 2.33 and newer have their banner in the loader too. Older ones have it only in libc.so.6. */
function glibcVersion(root: HostRoot, loader: Buffer, path: string): Fact<string> {
  const own = banner(loader);
  if (own !== undefined) return known(own, path);
  // The loader and libc.so.6 come from one package and are in one directory.
  const directory = (root.resolve(path) ?? path).replace(/\/[^/]*$/, "");
  const libc = `${directory}/libc.so.6`;
  const version = banner(Buffer.from(root.readBytes(libc) ?? []));
  return version === undefined
    ? unknown(`neither ${path} nor ${libc} names a version`)
    : known(version, libc);
}

function banner(bytes: Buffer): string | undefined {
  return find(bytes, "stable release version ", 40, /version (\d+\.\d+)/);
}

/**
 * The first group of a pattern around any occurrence of a literal. Searching bytes is much faster than decoding the
 * file.
 */
function find(bytes: Buffer, literal: string, length: number, pattern: RegExp): string | undefined {
  for (let at = bytes.indexOf(literal); at >= 0; at = bytes.indexOf(literal, at + 1)) {
    const match = pattern.exec(bytes.toString("latin1", at, at + length));
    if (match !== null) return match[1];
  }
  return undefined;
}

/**
 * The C library of the host's own programs: that of the running process when its memory map is given, else the one
 * that /bin/sh needs, else the only one that exists.
 * @param maps text of /proc/self/maps of the running process, when it runs on that host
 */
export function chooseLibc(
  root: HostRoot,
  loaders: readonly LoaderFacts[],
  maps: string | undefined,
): HostFacts["libc"] {
  const mapped = maps === undefined ? undefined : mappedLibc(maps);
  const ofProcess = loaders.find(({ family }) => family === mapped?.family);
  if (mapped !== undefined && ofProcess !== undefined) {
    return describe(ofProcess, `${mapped.path} in /proc/self/maps`);
  }
  const shell = interpreterOf(root, "/bin/sh");
  const ofShell = loaders.find(({ path }) => path === shell);
  if (ofShell !== undefined) return describe(ofShell, "the loader of /bin/sh");
  const [only, another] = loaders;
  if (only === undefined) return unknown("no dynamic loader was found");
  if (another === undefined) return describe(only, only.path);
  return unknown("there are several loaders and no program that says which one counts");
}

function describe(loader: LoaderFacts, from: string): HostFacts["libc"] {
  if (!loader.version.known) return unknown(loader.version.why);
  return known({ family: loader.family, version: loader.version.value }, from);
}

function mappedLibc(maps: string): { readonly family: LibcFamily; readonly path: string } | undefined {
  const glibc = /\s(\/\S*\/libc(?:\.so\.6|-2\.\d+\.so))$/m.exec(maps)?.[1];
  if (glibc !== undefined) return { family: "glibc", path: glibc };
  const musl = /\s(\/\S*\/(?:ld-musl-\S+\.so\.1|libc\.musl-\S+\.so\.1))$/m.exec(maps)?.[1];
  return musl === undefined ? undefined : { family: "musl", path: musl };
}

function interpreterOf(root: HostRoot, path: string): string | undefined {
  const source = root.open(path);
  if (source === undefined) return undefined;
  try {
    const file = readNativeFile(source);
    return file.kind === "elf" ? file.interpreter : undefined;
  } finally {
    source.close();
  }
}
