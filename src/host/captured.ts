/**
 * Host facts as one JSON document: `doctor --json` writes it on a server, `check --host` reads it on another machine.
 * Contains every library that the loader could find by name, with versions and exported symbols (compressed: a
 * libstdc++ alone exports 6,000), and the runtime when there is one. Reading checks shape and schema.
 */
import { posix } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { guarded, machineName } from "../elf/index.ts";
import { GantryError } from "../base/errors.ts";
import { valueOf, type HostFacts, type RuntimeFacts } from "./host-facts.ts";
import type { HostLibrary, HostView, LibraryExports, LibraryFacts } from "./libraries/library.ts";
import type { RuntimeView } from "./runtime/runtime.ts";

/** The plain facts of a library, and its tables. */
interface CapturedLibrary {
  readonly kind: "elf";
  readonly bits: 32 | 64;
  readonly machine: number;
  readonly type: number;
  readonly osabi: number;
  readonly interpreter?: string;
  readonly soname?: string;
  readonly needed: readonly string[];
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
  readonly flags1: number;
  readonly tlsSize: number;
  readonly tlsAlign: number;
  readonly staticTls: boolean;
  readonly executableStack: boolean;
  readonly isaLevel?: number;
  readonly versionNeeds: ReturnType<LibraryFacts["versionNeeds"]>;
  readonly versionDefinitions: readonly string[];
  /** Names as `name` or `name@VERSION`, one on each line, compressed (raw deflate), in base64. */
  readonly exports: string;
}

type CapturedFile = CapturedLibrary | Exclude<HostLibrary, LibraryFacts>;

/** Facts of a host as one JSON document. */
export interface CapturedHost {
  readonly schema: 1;
  readonly facts: HostFacts;
  /** Libraries by real path. */
  readonly libraries: Readonly<Record<string, CapturedFile>>;
  /** Real paths of libraries, by other paths that lead to them through links. */
  readonly links: Readonly<Record<string, string>>;
  readonly runtime?: {
    readonly facts: RuntimeFacts;
    readonly file: CapturedLibrary;
    readonly stubs: readonly string[];
  };
}

/**
 * Captures everything of this host that a later check of native files may need. A large system has a few thousand
 * libraries, which takes seconds, so only reports use it.
 * @param list names in a directory of the host
 */
export function captureHost(
  view: HostView,
  list: (directory: string) => readonly string[],
  runtime?: RuntimeView & { readonly stubs: readonly string[] },
): CapturedHost {
  const libraries: Record<string, CapturedFile> = {};
  const links: Record<string, string> = {};
  for (const path of loadablePaths(view, list)) {
    const library = view.library(path);
    if (library === undefined) continue;
    const real = view.identity(path);
    if (real !== path) links[path] = real;
    libraries[real] ??= captureFile(library);
  }
  const captured = { schema: 1 as const, facts: view.facts, libraries, links };
  if (runtime === undefined) return captured;
  const { facts, file, stubs } = runtime;
  return { ...captured, runtime: { facts, file: captureLibrary(file), stubs } };
}

/** Paths of loaders, of entries of the cache, and of files in directories that are searched by name. */
function loadablePaths(view: HostView, list: (directory: string) => readonly string[]): Set<string> {
  const { search, loaders } = view.facts;
  const paths = new Set(loaders.map(({ path }) => path));
  for (const { path } of valueOf(search.cache) ?? []) paths.add(path);
  const directories = [
    ...search.libraryPath,
    ...(valueOf(search.systemDirs) ?? []),
    ...(valueOf(search.muslPath) ?? []),
  ];
  for (const directory of directories) {
    for (const name of list(directory)) {
      if (/\.so(\.[\w.]+)?$/.test(name)) paths.add(posix.join(directory, name));
    }
  }
  return paths;
}

function captureFile(library: HostLibrary): CapturedFile {
  return library.kind === "elf" ? captureOr(library) : library;
}

function captureOr(library: LibraryFacts): CapturedFile {
  return guarded(() => captureLibrary(library));
}

function captureLibrary(library: LibraryFacts): CapturedLibrary {
  const { bits, machine, type, osabi, interpreter, soname, needed, rpath, runpath } = library;
  const { flags1, tlsSize, tlsAlign, staticTls, isaLevel, executableStack } = library;
  const names = library.exports().names().toSorted().join("\n");
  return {
    kind: "elf",
    bits,
    machine,
    type,
    osabi,
    needed,
    rpath,
    runpath,
    flags1,
    tlsSize,
    tlsAlign,
    staticTls,
    executableStack,
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(soname === undefined ? {} : { soname }),
    ...(isaLevel === undefined ? {} : { isaLevel }),
    versionNeeds: library.versionNeeds(),
    versionDefinitions: library.versionDefinitions(),
    exports: deflateRawSync(Buffer.from(names, "latin1")).toString("base64"),
  };
}

function reviveLibrary(captured: CapturedLibrary): LibraryFacts {
  let exports: LibraryExports | undefined;
  return {
    ...captured,
    arch: machineName(captured.machine, captured.bits === 64),
    interpreter: captured.interpreter,
    soname: captured.soname,
    isaLevel: captured.isaLevel,
    // Not captured: only files of a release need it, and those are read directly.
    bindsNow: false,
    packedRelocations: false,
    versionNeeds: () => captured.versionNeeds,
    versionDefinitions: () => captured.versionDefinitions,
    imports: () => [],
    ownStaticTls: () => undefined,
    exports: () => (exports ??= reviveExports(captured.exports)),
  };
}

function reviveExports(packed: string): LibraryExports {
  const text = inflateRawSync(Buffer.from(packed, "base64"), { maxOutputLength: 64 * 2 ** 20 });
  const versions = new Map<string, Set<string>>();
  const lines = text.toString("latin1").split("\n");
  for (const line of lines) {
    const at = line.indexOf("@");
    const name = at < 0 ? line : line.slice(0, at);
    const known = versions.get(name) ?? new Set<string>();
    versions.set(name, known.add(at < 0 ? "" : line.slice(at + 1)));
  }
  return {
    has(name, version) {
      const defined = versions.get(name);
      return defined !== undefined && (version === undefined || defined.has(version) || defined.has(""));
    },
    names: () => lines,
  };
}

/** A view that reads only a captured document. */
export function capturedView(captured: CapturedHost): HostView {
  const revived = new Map<string, HostLibrary>();
  const identity = (path: string): string => captured.links[path] ?? path;
  return {
    facts: captured.facts,
    identity,
    library(path) {
      const real = identity(path);
      const seen = revived.get(real);
      if (seen !== undefined) return seen;
      const file = captured.libraries[real];
      if (file === undefined) return undefined;
      const library = file.kind === "elf" ? reviveLibrary(file) : file;
      revived.set(real, library);
      return library;
    },
  };
}

export function capturedRuntime(captured: CapturedHost): RuntimeView | undefined {
  if (captured.runtime === undefined) return undefined;
  const { facts, file, stubs } = captured.runtime;
  const names = new Set(stubs);
  return { facts, file: reviveLibrary(file), isStub: (name) => names.has(name) };
}

/**
 * Reads the host facts that `doctor --json` or `readHostFacts` wrote.
 * @param origin the file's name, for messages
 * @throws GantryError CONFIG_INVALID with the key that is wrong
 */
export function parseCapturedHost(text: string, origin: string): CapturedHost {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(origin, `is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  // `doctor --json` puts the host into a larger report.
  const host = isRecord(value) && isRecord(value["host"]) ? value["host"] : value;
  if (!isRecord(host)) throw invalid(origin, "is no JSON object");
  if (host["schema"] !== 1) throw invalid(origin, `has schema ${String(host["schema"])}, not 1`);
  for (const key of ["facts", "libraries", "links"] as const) {
    if (!isRecord(host[key])) throw invalid(origin, `has no ${key}`);
  }
  if (!isCapturedHost(host)) throw invalid(origin, "has facts of another shape");
  return host;
}

/** Checks the keys that every check of native files reads. A wrong value deeper inside leads to an INTERNAL error. */
function isCapturedHost(value: Record<string, unknown>): value is Record<string, unknown> & CapturedHost {
  const facts = value["facts"];
  if (!isRecord(facts) || !isRecord(facts["search"]) || !Array.isArray(facts["loaders"])) return false;
  const { search } = facts;
  if (!Array.isArray(search["libraryPath"]) || !Array.isArray(search["preload"])) return false;
  const list = [
    facts["arch"],
    facts["libc"],
    facts["cpu"],
    facts["pageSize"],
    facts["system"],
    facts["kernel"],
  ];
  const nested = [search["cache"], search["conf"], search["systemDirs"], search["muslPath"]];
  if (![...list, ...nested].every((fact) => isRecord(fact) && typeof fact["known"] === "boolean"))
    return false;
  const files = isRecord(value["libraries"]) ? Object.values(value["libraries"]) : [];
  return files.every(isCapturedFile) && (value["runtime"] === undefined || isRecord(value["runtime"]));
}

function isCapturedFile(file: unknown): boolean {
  if (!isRecord(file)) return false;
  if (file["kind"] !== "elf") return typeof file["what"] === "string" || typeof file["reason"] === "string";
  return (
    Array.isArray(file["needed"]) &&
    Array.isArray(file["versionNeeds"]) &&
    typeof file["exports"] === "string"
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(origin: string, what: string): GantryError {
  const fix = "write it again with ./gantry doctor --json on the host";
  return new GantryError({ code: "CONFIG_INVALID", what: `the host facts file ${what}`, where: origin, fix });
}
