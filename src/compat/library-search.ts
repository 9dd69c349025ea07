/**
 * How the two loaders search for a library: ld.so(8) with glibc's elf/dl-load.c, and musl's ldso/dynlink.c. Pure
 * except for the view that it reads: the same files give the same result.
 */
import { posix } from "./paths.ts";
import {
  valueOf,
  type CacheEntry,
  type HostLibrary,
  type HostView,
  type LibcFamily,
  type LibraryFacts,
} from "../host/index.ts";
import { DF_1 } from "../elf/index.ts";

/** An object in the process, with what the search rules need to know of it. */
export interface LoadedObject {
  /** Every name under which it was requested, and its soname. */
  readonly names: Set<string>;
  readonly path: string;
  readonly library: LibraryFacts;
  readonly requester: LoadedObject | undefined;
  /** True for a file of the release, false for a library of the host. */
  readonly shipped: boolean;
}

/** The files of the host, and those that are shipped with the modules. */
export interface Places {
  readonly host: HostView;
  readonly shipped: Pick<HostView, "library" | "identity">;
}

export type SearchResult =
  | { readonly found: true; readonly path: string; readonly library: LibraryFacts; readonly shipped: boolean }
  /** `reason` in the loader's own words; `path` when a file was found. */
  | { readonly found: false; readonly reason: string; readonly path?: string };

interface Candidate {
  readonly path: string;
  readonly shipped: boolean;
}

export interface SearchRequest {
  readonly name: string;
  readonly requester: LoadedObject;
  /** The executable. Its RPATH counts for every object. */
  readonly program: LoadedObject;
}

export function searchLibrary(family: LibcFamily, request: SearchRequest, places: Places): SearchResult {
  const candidates = family === "glibc" ? glibcCandidates(request, places) : muslCandidates(request, places);
  let wrongClass: string | undefined;
  for (const candidate of candidates) {
    const library = look(candidate, places);
    if (library === undefined) continue;
    if (library.kind !== "elf") {
      const reason = family === "musl" ? "Exec format error" : damage(library);
      return { found: false, reason, path: candidate.path };
    }
    const { machine } = request.program.library;
    if (library.machine === machine && library.bits === request.program.library.bits) {
      return { found: true, path: candidate.path, library, shipped: candidate.shipped };
    }
    // glibc skips libraries of another machine and searches on. musl takes the first file that opens.
    if (family === "musl") return { found: false, reason: `it is for ${library.arch}`, path: candidate.path };
    if (library.bits !== request.program.library.bits) wrongClass ??= candidate.path;
  }
  if (wrongClass !== undefined) return { found: false, reason: "wrong ELF class", path: wrongClass };
  return { found: false, reason: "no such file" };
}

/** Why a loader stops at a file that has the right name and is not a library (open_verify). */
function damage(library: Exclude<HostLibrary, LibraryFacts>): string {
  return library.kind === "malformed" ? library.reason : `invalid ELF header: it is ${library.what}`;
}

function look({ path, shipped }: Candidate, places: Places): HostLibrary | undefined {
  return shipped ? places.shipped.library(path) : places.host.library(path);
}

function* glibcCandidates({ name, requester, program }: SearchRequest, places: Places): Generator<Candidate> {
  const { search } = places.host.facts;
  if (name.includes("/")) {
    yield* expand([posix.dirname(name)], posix.basename(name), requester, places, alone);
    return;
  }
  if (requester.library.runpath.length === 0) {
    // DT_RPATH of the requester and of all objects above it, without those that have DT_RUNPATH.
    const above: LoadedObject[] = [];
    for (let at: LoadedObject | undefined = requester; at !== undefined; at = at.requester) above.push(at);
    if (!above.includes(program)) above.push(program);
    for (const owner of above) {
      if (owner.library.runpath.length === 0) yield* expand(owner.library.rpath, name, owner, places, levels);
    }
  }
  yield* inDirectories(search.libraryPath, name, places);
  yield* expand(requester.library.runpath, name, requester, places, levels);
  const avoidsDefaults = (requester.library.flags1 & DF_1.NODEFLIB) !== 0;
  for (const entry of cacheEntries(name, places)) {
    if (avoidsDefaults && systemDirsOf(places).includes(posix.dirname(entry.path))) continue;
    yield entry;
  }
  if (!avoidsDefaults) yield* inDirectories(systemDirsOf(places), name, places);
}

/** Directories that are compiled into glibc's loader. Its bytes are read on first use. */
function systemDirsOf(places: Places): readonly string[] {
  return valueOf(places.host.facts.search.systemDirs) ?? [];
}

const HWCAPS = /\/glibc-hwcaps\/x86-64-v([234])\//;

function rank(path: string): number {
  return Number(HWCAPS.exec(path)?.[1] ?? 1);
}

/** Cache entries for faster processors first, up to the level that this one is known to have (ld.so(8)). */
function cacheEntries(name: string, places: Places): Candidate[] {
  const entries = namedEntries(valueOf(places.host.facts.search.cache) ?? [], name);
  const [only] = entries;
  if (only !== undefined && entries.length === 1 && !only.path.includes("/glibc-hwcaps/")) {
    return [{ path: only.path, shipped: false }];
  }
  const level = valueOf(places.host.facts.cpu)?.level ?? 1;
  return entries
    .filter(({ path }) => rank(path) <= level)
    .toSorted((a, b) => rank(b.path) - rank(a.path))
    .map(({ path }) => ({ path, shipped: false }));
}

/** Indexes of caches by name, because every module asks for the same few libraries. */
const indexes = new WeakMap<readonly CacheEntry[], Map<string, CacheEntry[]>>();

function namedEntries(cache: readonly CacheEntry[], name: string): CacheEntry[] {
  let index = indexes.get(cache);
  if (index === undefined) {
    index = new Map();
    for (const entry of cache) {
      const same = index.get(entry.name);
      if (same === undefined) index.set(entry.name, [entry]);
      else same.push(entry);
    }
    indexes.set(cache, index);
  }
  return index.get(name) ?? [];
}

function* muslCandidates({ name, requester, program }: SearchRequest, places: Places): Generator<Candidate> {
  const { search } = places.host.facts;
  if (name.includes("/")) {
    yield* expand([posix.dirname(name)], posix.basename(name), requester, places, alone);
    return;
  }
  for (const directory of search.libraryPath) yield { path: posix.join(directory, name), shipped: false };
  // musl treats RPATH and RUNPATH alike, and both are inherited.
  let last: LoadedObject | undefined;
  for (let at: LoadedObject | undefined = requester; at !== undefined; at = at.requester) {
    last = at;
    yield* expand(pathsOf(at), name, at, places, alone);
  }
  if (last !== program) yield* expand(pathsOf(program), name, program, places, alone);
  for (const directory of valueOf(search.muslPath) ?? []) {
    yield { path: posix.join(directory, name), shipped: false };
  }
}

function pathsOf({ library }: LoadedObject): readonly string[] {
  return library.runpath.length > 0 ? library.runpath : library.rpath;
}

/**
 * Candidates for a name in the directories of an RPATH or RUNPATH. $ORIGIN and $LIB are expanded. Relative directories
 * depend on the current directory and are left out.
 */
function* expand(
  directories: readonly string[],
  name: string,
  owner: LoadedObject,
  places: Places,
  variants: (path: string, places: Places) => readonly string[],
): Generator<Candidate> {
  for (const directory of directories) {
    const own = directory.includes("$ORIGIN") || directory.includes("${ORIGIN}");
    let path = directory;
    if (own) path = path.replace(/\$(ORIGIN|\{ORIGIN\})/g, posix.dirname(owner.path));
    if (path.includes("$")) {
      const lib = systemDirsOf(places)[0]?.replace(/^\//, "") ?? "lib";
      path = path.replace(/\$(LIB|\{LIB\})/g, lib);
    }
    if (!path.startsWith("/") || path.includes("$")) continue;
    const shipped = own && owner.shipped;
    for (const candidate of variants(posix.join(path, name), places)) yield { path: candidate, shipped };
  }
}

function* inDirectories(directories: readonly string[], name: string, places: Places): Generator<Candidate> {
  for (const directory of directories) {
    for (const path of levels(posix.join(directory, name), places)) yield { path, shipped: false };
  }
}

/** The path alone: musl, and names with a slash, have no variants for other processors. */
function alone(path: string): string[] {
  return [path];
}

/** glibc 2.33 and newer look into glibc-hwcaps below every directory first. */
function levels(path: string, places: Places): string[] {
  const level = valueOf(places.host.facts.cpu)?.level ?? 1;
  const paths: string[] = [];
  for (let at: number = level; at >= 2; at -= 1) {
    paths.push(posix.join(posix.dirname(path), "glibc-hwcaps", `x86-64-v${at}`, posix.basename(path)));
  }
  return [...paths, path];
}
