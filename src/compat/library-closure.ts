/**
 * The objects of a process: those that the runtime starts with, and those that loading a module adds, in the order in
 * which a loader opens them (breadth first, ld.so(8)). A library that was found under a name is not searched for again.
 */
import type { LibcFamily, LibraryFacts } from "../host/index.ts";
import { searchLibrary, type LoadedObject, type Places } from "./library-search.ts";

export interface MissingLibrary {
  readonly name: string;
  /** Path of the object that needs it. */
  readonly neededBy: string;
  /** In the loader's words. */
  readonly reason: string;
  /** The file that was found but refused. */
  readonly path?: string;
}

export interface Closure {
  /** New objects. The first is the module itself. */
  readonly objects: readonly LoadedObject[];
  readonly missing: readonly MissingLibrary[];
}

/** A process in which modules can be loaded. */
export interface Process {
  readonly family: LibcFamily;
  readonly program: LoadedObject;
  /** The program and all libraries that it started with. */
  readonly started: readonly LoadedObject[];
  readonly missing: readonly MissingLibrary[];
  /** Host libraries whose version needs are known to be met. The set grows while modules are judged. */
  readonly satisfied: Set<LibraryFacts>;
}

/**
 * The objects of a program just after its start: the program, the libraries that it needs, the loader, and those of
 * LD_PRELOAD.
 */
export function startProcess(
  family: LibcFamily,
  path: string,
  library: LibraryFacts,
  places: Places,
): Process {
  const program: LoadedObject = {
    names: new Set([path]),
    path,
    library,
    requester: undefined,
    shipped: true,
  };
  const loader = loaderObject(program, places);
  const preloaded = places.host.facts.search.preload;
  const first = { ...program, library: { ...library, needed: [...preloaded, ...library.needed] } };
  const { objects, missing } = follow(family, first, program, loader === undefined ? [] : [loader], places);
  return {
    family,
    program,
    started: [program, ...objects.slice(1), ...(loader === undefined ? [] : [loader])],
    // ld.so only warns about a missing preload.
    missing: missing.filter(({ name }) => !preloaded.includes(name)),
    satisfied: new Set(),
  };
}

/** What loading `library` adds to a process. */
export function loadInto(process: Process, path: string, library: LibraryFacts, places: Places): Closure {
  const module: LoadedObject = {
    names: new Set([path, ...(library.soname === undefined ? [] : [library.soname])]),
    path,
    library,
    requester: process.program,
    shipped: true,
  };
  return follow(process.family, module, process.program, process.started, places);
}

/** The dynamic loader, which is an object of every process; undefined when the host has no such ELF file. */
function loaderObject(program: LoadedObject, places: Places): LoadedObject | undefined {
  const path = program.library.interpreter;
  const library = path === undefined ? undefined : places.host.library(path);
  if (path === undefined || library?.kind !== "elf") return undefined;
  const names = new Set([path, ...(library.soname === undefined ? [] : [library.soname])]);
  return { names, path, library, requester: program, shipped: false };
}

/** More objects than any real process has; the search ends there for a hostile tree of libraries. */
const MAX_OBJECTS = 500;

function follow(
  family: LibcFamily,
  first: LoadedObject,
  program: LoadedObject,
  present: readonly LoadedObject[],
  places: Places,
): Closure {
  const objects: LoadedObject[] = [first];
  const missing: MissingLibrary[] = [];
  const asked = new Set<string>();
  for (const requester of objects) {
    for (const name of requester.library.needed) {
      if (isPresent(family, name, present, objects)) continue;
      const result = searchLibrary(family, { name, requester, program }, places);
      if (!result.found) {
        if (!asked.has(name)) missing.push({ name, neededBy: requester.path, ...withoutFound(result) });
        asked.add(name);
        continue;
      }
      const place = result.shipped ? places.shipped : places.host;
      const same = [...present, ...objects].find(
        ({ path, shipped }) =>
          shipped === result.shipped && place.identity(path) === place.identity(result.path),
      );
      const { path, library, shipped } = result;
      if (same !== undefined) same.names.add(name);
      else if (objects.length < MAX_OBJECTS) {
        const names = new Set([name, ...(library.soname === undefined ? [] : [library.soname])]);
        objects.push({ names, path, library, requester, shipped });
      }
    }
  }
  return { objects, missing };
}

function withoutFound(result: {
  readonly reason: string;
  readonly path?: string;
}): Omit<MissingLibrary, "name" | "neededBy"> {
  return result.path === undefined ? { reason: result.reason } : { reason: result.reason, path: result.path };
}

/** Libraries that are part of musl itself: `reserved` in its ldso/dynlink.c. */
const MUSL_OWN = /^lib(c|pthread|rt|m|dl|util|xnet)\./;

function isPresent(
  family: LibcFamily,
  name: string,
  present: readonly LoadedObject[],
  objects: readonly LoadedObject[],
): boolean {
  if (family === "musl" && MUSL_OWN.test(name)) return true;
  return present.some(({ names }) => names.has(name)) || objects.some(({ names }) => names.has(name));
}
