/**
 * Is every symbol that the module imports defined in the process? Sources: glibc elf/dl-reloc.c and dl-lookup.c
 * (global scope first, then the module's own; weak references may stay open; JUMP_SLOT waits for the first call unless
 * BIND_NOW), musl ldso/dynlink.c (prepare_lazy: GLOB_DAT waits too). A lookup that fails at the first call ends the
 * process with status 127 and cannot be caught.
 */
import type { ElfImport } from "../../elf/index.ts";
import { listed, type Draft } from "../compat-finding.ts";
import { inObject, runtimeName, shippedObjects, type Situation } from "./situation.ts";
import type { LoadedObject } from "../library-search.ts";

export interface SymbolFindings {
  readonly errors: readonly Draft[];
  readonly warnings: readonly Draft[];
}

export function judgeSymbols(situation: Situation): SymbolFindings {
  const errors: Draft[] = [];
  const warnings: Draft[] = [];
  const isProvided = providers(situation);
  for (const object of shippedObjects(situation)) {
    const open = object.library.imports().filter((wanted) => !wanted.weak && !isProvided(wanted));
    const [now, later] = [
      open.filter((wanted) => !waits(wanted, object, situation)),
      open.filter((wanted) => waits(wanted, object, situation)),
    ];
    if (now.length > 0) errors.push(describeMissing(situation, object, now));
    if (later.length > 0) warnings.push(describeLater(situation, object, later));
  }
  const stubs = judgeStubs(situation);
  return { errors, warnings: stubs === undefined ? warnings : [...warnings, stubs] };
}

/**
 * Returns a function that tells whether an imported symbol is defined in the process. It looks first in the most likely
 * object: the library that the symbol's version names, or else the runtime. The order does not change the result. For a
 * library of the host that defines the wanted version, its symbols are not read: a module was linked against that
 * version, and symbols are never removed from a version (Drepper, How To Write Shared Libraries, section 3). A missing
 * version is reported by judgeVersions.
 */
function providers({ process, closure, family }: Situation): (wanted: ElfImport) => boolean {
  const scope = [...process.started, ...closure.objects];
  const byName = new Map<string, LoadedObject>();
  for (const object of scope) for (const name of object.names) byName.set(name, object);
  const versions = new Map<LoadedObject, ReadonlySet<string>>();
  const defines = (object: LoadedObject, version: string): boolean => {
    const known = versions.get(object) ?? new Set(object.library.versionDefinitions());
    versions.set(object, known);
    return known.has(version);
  };
  return ({ name, version, library }) => {
    // musl ignores versions.
    const asked = family === "musl" ? undefined : version;
    const likely = library === undefined ? process.program : byName.get(library);
    if (asked !== undefined && likely !== undefined && !likely.shipped && defines(likely, asked)) return true;
    if (likely?.library.exports().has(name, asked) === true) return true;
    return scope.some((object) => object !== likely && object.library.exports().has(name, asked));
  };
}

function waits(wanted: ElfImport, { library }: LoadedObject, { family }: Situation): boolean {
  return family === "musl" ? wanted.slot && !library.bindsNow : wanted.use === "lazy";
}

function describeMissing(situation: Situation, object: LoadedObject, open: readonly ElfImport[]): Draft {
  const names = open.map(({ name }) => name);
  const who = blame(names);
  const runtime = runtimeName(situation.runtime);
  const count = names.length === 1 ? "a symbol" : `${names.length} symbols`;
  return {
    code: "SYMBOL_MISSING",
    what: `the module needs ${count}${inObject(situation, object)} that ${who === "runtime" ? `${runtime} does not have` : "nothing here provides"}: ${listed(names)}`,
    evidence: `undefined symbol: ${listed(names)}`,
    symbols: names,
    fix: fixFor(who, situation),
  };
}

function describeLater(situation: Situation, object: LoadedObject, open: readonly ElfImport[]): Draft {
  const names = open.map(({ name }) => name);
  const who = blame(names);
  return {
    code: "SYMBOL_MISSING",
    what: `the module loads${inObject(situation, object)}, but the first call of ${listed(names)} ends the process: nothing here provides ${names.length === 1 ? "it" : "them"}`,
    evidence: `lazily bound: ${listed(names)}`,
    symbols: names,
    fix: fixFor(who, situation),
  };
}

/** Which interface the missing names belong to, by their prefixes. */
function blame(names: readonly string[]): "runtime" | "libc" | "other" {
  if (
    names.some((name) =>
      /^(_ZNK?2v8|_ZNK?4node|_ZNK?10v8_inspector|_ZTVN2v8|_ZTIN2v8|napi_|node_|uv_)/.test(name),
    )
  ) {
    return "runtime";
  }
  return names.some((name) => /^__.*_chk$|^gnu_|^__res_|^__(isoc|libc|memcpy|strdup)/.test(name))
    ? "libc"
    : "other";
}

function fixFor(who: "runtime" | "libc" | "other", { family, runtime }: Situation): string {
  if (who === "runtime" && runtime.facts.kind === "bun") {
    return "use a Node-API version of the module, or run the app with Node: Bun has only part of V8's own interface";
  }
  if (who === "runtime")
    return "rebuild the module for this runtime, or use the version that it was built for";
  if (who === "libc" && family === "musl") return "use the module's musl build: this one was built for glibc";
  return "use a version of the module that was built for this host, with every library beside it that it needs";
}

function judgeStubs(situation: Situation): Draft | undefined {
  const { runtime } = situation;
  if (runtime.facts.kind === "node") return undefined;
  const names = shippedObjects(situation)
    .flatMap(({ library }) => library.imports())
    .map(({ name }) => name)
    .filter((name) => name.startsWith("uv_") && runtime.isStub(name));
  if (names.length === 0) return undefined;
  return {
    code: "SYMBOL_MISSING",
    what: `${runtimeName(runtime)} has no working ${listed(names)}: the module loads, but a call of ${names.length === 1 ? "it" : "any of them"} ends the process`,
    evidence: `unsupported uv function: ${listed(names)}`,
    symbols: names,
    fix: "test what the app uses of the module under this runtime, use a version that needs no libuv, or run the app with Node",
  };
}
