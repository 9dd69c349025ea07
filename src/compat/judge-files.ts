/**
 * Judges files: takes facts of file, host and runtime, and returns findings. Runs the rules in the order in which a
 * loader would find the reasons. Damage in a file becomes a finding. Pure except for the views that it is given: the
 * same files give the same findings.
 */
import { guarded, type ElfFile, type MalformedValue, type NativeFile } from "../elf/index.ts";
import { valueOf, type HostView, type LibcFamily, type RuntimeView } from "../host/index.ts";
import { loadInto, startProcess, type Process } from "./library-closure.ts";
import { listed, verdictOf, type CompatFinding, type Draft, type FileVerdict } from "./compat-finding.ts";
import { judgeContainer, judgeForeign, judgeNoexec, machineOf } from "./rules/container.ts";
import { judgeDefects, judgeOldStrings } from "./rules/defects.ts";
import { judgeGlibcOnMusl, judgeLibraries } from "./rules/libraries.ts";
import { judgeExecutableStack, judgePackedRelocations, judgeProcessor } from "./rules/processor.ts";
import { foreignTo, type LoadPlace } from "./foreign/index.ts";
import { isAddon, judgeRegistration } from "./rules/registration.ts";
import { judgeSymbols } from "./rules/symbols.ts";
import { judgeThreadLocal } from "./rules/thread-local.ts";
import { judgeVersions } from "./rules/symbol-versions.ts";
import type { Places } from "./library-search.ts";
import type { LoadSituation, Situation } from "./rules/situation.ts";

interface ModuleFile {
  /** Absolute path at which the runtime would load it. */
  readonly path: string;
  readonly file: NativeFile;
  /** The mount point of its file system, when that is mounted noexec. */
  readonly noexec?: string;
}

export interface Judge {
  /** Reasons why the runtime itself cannot start on that host. Computed on first use. */
  readonly runtimeFindings: readonly CompatFinding[];
  judge(module: ModuleFile): FileVerdict;
}

/**
 * Prepares to judge modules for one runtime on one host; the runtime's own libraries are resolved once.
 * @param shipped the files that lie beside the modules; those of the host when left out
 */
export function createJudge(
  host: HostView,
  runtime: RuntimeView,
  shipped: Pick<HostView, "library" | "identity"> = host,
): Judge {
  const places: Places = { host, shipped };
  const family = familyOf(host, runtime);
  const { path } = runtime.facts;
  const process = startProcess(family, path, runtime.file, places);
  let ofRuntime: readonly CompatFinding[] | undefined;
  return {
    // Computed on first use: a launcher that runs in that runtime never needs it.
    get runtimeFindings() {
      return (ofRuntime ??= runtimeFindings(process, host, runtime));
    },
    judge: (module) => judgeModule(module, { places, family, process, runtime }),
  };
}

/**
 * The C library of the loader that the runtime asks for. The soname inside that file decides, because gcompat puts a
 * musl library at glibc's path. The path decides only when the host has no such file, or it has no soname.
 */
function familyOf(host: HostView, runtime: RuntimeView): LibcFamily {
  const interpreter = runtime.file.interpreter ?? "";
  const loader = host.library(interpreter);
  if (loader?.kind === "elf" && loader.soname !== undefined) {
    return /^ld(-linux|64|\.so)/.test(loader.soname) ? "glibc" : "musl";
  }
  return /\/ld-musl-/.test(interpreter) ? "musl" : "glibc";
}

interface Setting {
  readonly places: Places;
  readonly family: LibcFamily;
  readonly process: Process;
  readonly runtime: RuntimeView;
}

function judgeModule(module: ModuleFile, setting: Setting): FileVerdict {
  const verdict = judgeFile(module, setting);
  const foreign = foreignTo(module.path, module.file, placeOf(setting))?.what ?? foreignHere(verdict);
  return foreign === undefined ? verdict : { ...verdict, foreign };
}

function placeOf({ family, runtime }: Setting): LoadPlace {
  const { kind, abi } = runtime.facts;
  const libc = family === "glibc" ? "gnu" : "musl";
  return { os: "linux", arch: runtime.file.arch, libc, runtime: { kind, abi: valueOf(abi) } };
}

/** What only the host's own libraries or this very runtime tell: glibc on musl, a registration that Bun has not. */
function foreignHere({ findings }: FileVerdict): string | undefined {
  const [first] = findings;
  if (first?.severity !== "error") return undefined;
  if (first.code === "LIBC_MISMATCH") return "a module for the other C library";
  return first.code === "ABI_MISMATCH" ? "a module for another runtime" : undefined;
}

function judgeFile({ path, file, noexec }: ModuleFile, setting: Setting): FileVerdict {
  if (file.kind !== "elf") {
    const draft = judgeForeign(file, machineOf(setting.runtime));
    return { path, verdict: "fail", findings: [finish(draft, path, "error")] };
  }
  const findings = guarded(() => judgeElf(path, file, setting));
  if ("kind" in findings) {
    const draft = judgeDamage(file, findings, machineOf(setting.runtime));
    return { path, verdict: "fail", findings: [finish(draft, path, "error")] };
  }
  if (isLibrary(path, file, findings)) return { path, verdict: "skip", findings: [] };
  const all = noexec === undefined ? findings : [finish(judgeNoexec(noexec), path, "error"), ...findings];
  return { path, verdict: verdictOf(all), findings: all };
}

/** A finding for damage in the file itself, or else in a library that it loads. */
function judgeDamage(file: ElfFile, damage: MalformedValue, machine: string): Draft {
  const own = guarded(() => [file.versionNeeds(), file.imports(), file.addon()]);
  if ("kind" in own) return judgeForeign(own, machine);
  return {
    code: "ELF_MALFORMED",
    what: `a library that the module loads is damaged: ${damage.reason}`,
    evidence: `${damage.reason}, at offset ${damage.offset}`,
    fix: `reinstall the libraries that it needs: ${listed(file.needed)}`,
  };
}

/**
 * Whether a file is an ordinary library or program: its name does not end with .node, and it registers no addon or its
 * first finding is MODULE_UNAVAILABLE.
 */
function isLibrary(path: string, file: ElfFile, findings: readonly CompatFinding[]): boolean {
  if (path.endsWith(".node")) return false;
  const [first] = findings;
  if (first?.code === "MODULE_UNAVAILABLE") return true;
  const addon = guarded(() => file.addon());
  return !("kind" in addon) && !isAddon(addon);
}

function judgeElf(path: string, file: ElfFile, setting: Setting): CompatFinding[] {
  const { places, family, process, runtime } = setting;
  const container = judgeContainer(file, runtime, places.host.facts);
  if (container !== undefined) return [finish(container, path, "error")];
  const closure = loadInto(process, path, file, places);
  const situation: Situation = { file, family, host: places.host.facts, runtime, process, closure };
  const errors: Draft[] = [...judgeLibraries(situation), ...judgeProcessor(situation)];
  const complete = errors.length === 0;
  errors.push(...judgeExecutableStack(situation), ...judgeVersions(situation));
  errors.push(...judgePackedRelocations(situation));
  // When a library is missing, its symbols are missing too, and need no findings of their own.
  const symbols = complete ? judgeSymbols(situation) : undefined;
  errors.push(...(symbols?.errors ?? []), ...judgeThreadLocal(situation));
  const registration = judgeRegistration(situation);
  if (registration !== undefined) errors.push(registration);
  if (errors.length > 0) return errors.map((draft) => finish(draft, path, "error"));
  const warnings = [
    ...(symbols?.warnings ?? []),
    ...judgeGlibcOnMusl(situation),
    ...judgeDefects(situation),
    ...judgeOldStrings(situation),
  ];
  return warnings.map((draft) => finish(draft, path, "warning"));
}

function finish(draft: Draft, file: string, severity: "error" | "warning"): CompatFinding {
  return { ...draft, file, severity };
}

function runtimeFindings(process: Process, host: HostView, runtime: RuntimeView): readonly CompatFinding[] {
  const findings = guarded(() => judgeRuntime(process, host, runtime));
  if (!("kind" in findings)) return findings;
  return [finish(judgeForeign(findings, machineOf(runtime)), runtime.facts.path, "error")];
}

/** Judges whether the runtime starts on the host: machine, loader, libraries and their versions. */
function judgeRuntime(process: Process, host: HostView, runtime: RuntimeView): CompatFinding[] {
  const { path } = runtime.facts;
  const drafts: Draft[] = [];
  const arch = valueOf(host.facts.arch);
  if (arch !== undefined && arch !== runtime.file.arch) {
    drafts.push({
      code: "HOST_UNSUPPORTED",
      what: `the runtime is for ${runtime.file.arch}; this host is ${arch}`,
      evidence: runtime.file.arch,
      fix: `use the release for ${arch}`,
    });
    return drafts.map((draft) => finish(draft, path, "error"));
  }
  const { interpreter } = runtime.file;
  if (interpreter !== undefined && host.library(interpreter) === undefined) {
    const other = process.family === "musl" ? "glibc" : "musl";
    drafts.push({
      code: "LIBC_MISMATCH",
      what: `the runtime needs ${interpreter}, which is not on this host`,
      evidence: interpreter,
      fix: `use the ${other} release, or a host with ${process.family}`,
    });
    return drafts.map((draft) => finish(draft, path, "error"));
  }
  const [program, ...others] = process.started;
  if (program === undefined) return [];
  const situation: LoadSituation = {
    family: process.family,
    host: host.facts,
    runtime,
    process,
    closure: { objects: [program, ...others], missing: process.missing },
  };
  const missing = process.missing.map(({ name, reason }): Draft => ({
    code: "LIBRARY_MISSING",
    what: `the runtime needs ${name}, which is not on this host`,
    evidence: `${name}: ${reason}`,
    fix: "install the library with the host's package manager",
  }));
  return [...missing, ...judgeVersions(situation)].map((draft) => finish(draft, path, "error"));
}
