/**
 * Renders the shell scripts of a release from templates/*.sh: first `#@include FILE` lines, then `@KEY@` placeholders,
 * which may be in a file's name too. Every value is checked before it is inserted, so that no setting can become shell
 * code.
 */
import { EM_OF_ARCH } from "../../elf/index.ts";
import { basename } from "node:path";
import { variablesWhere } from "../../base/variables.ts";
import { packagesOf } from "../../compat/index.ts";
import {
  cpuFlagOfBun,
  KEPT_PATHS,
  KEPT_VARIABLES,
  LAUNCHER_RUNTIME,
  LIBC_MARKS,
  type Manifest,
  MODULES_VARIABLE,
  NAMES,
  NOTE,
  parseTarget,
  programPath,
  type ReleaseRuntime,
  STORE_NAME,
  STORE_STATUS,
  STORE_USED,
  STORE_VARIABLES,
  storeTreeName,
  type Target,
  targetSuffix,
} from "../../release/index.ts";
import type { ProvenFile } from "../checksum.ts";
import { plainWord, renderTemplate } from "../template.ts";

/** Variables that only gantry uses. The stub does not pass them to the app. */
const OWN_VARIABLES = variablesWhere(
  ({ kind, readBy }, name) =>
    // The app's prelude reads MODULES_VARIABLE, which the stub itself sets.
    kind !== "foreign" && readBy.some((side) => side !== "build") && name !== MODULES_VARIABLE,
);

/** The command for what Bun's musl builds need beside musl, on Alpine. */
const APK_ADD = "apk add libstdc++ libgcc";

/** What a shell's 126 or 127 can mean when the file, its loader and its machine are right. */
const EXEC_FIX = "check its mode (755), that its mount is not noexec, and what the loader says above";

/** Fix for a host on which no program starts that is linked to a C library, such as an empty image or NixOS. */
const NO_LIBC_FIX = {
  gnu: "there is no C library here: run it on a system or an image with glibc, such as debian:stable-slim; NixOS has one with programs.nix-ld.enable = true",
  musl: "there is no C library here: run it on a system or an image with musl, such as Alpine",
} as const;

export interface StubOptions {
  readonly manifest: Manifest;
  /** `name-vVERSION`, the part of the release's name before its target. */
  readonly base: string;
  readonly releaseId: string;
  /** Names of the launcher's files in lib/. */
  readonly launcher: readonly string[];
  /** Files that are compared before the launcher runs. */
  readonly proven: readonly ProvenFile[];
}

type ScriptValues = Readonly<Record<string, string | undefined>>;

/**
 * node-gyp-build takes musl for glibc on every host without /etc/alpine-release, and then misses its musl prebuilds.
 * It checks this variable first.
 */
const MUSL_VARIABLE = "export LIBC=musl";

/** Quotes a path with single quotes, the only quoting of sh in which no character is special. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The three scripts of a release, by their path in it. */
export function renderStubs(options: StubOptions): Record<string, string> {
  const values = stubValues(options);
  return {
    [options.manifest.binary]: renderTemplate("templates/brain.sh", values),
    [NAMES.gantry]: renderTemplate("templates/gantry.sh", values),
    [NAMES.setup]: renderTemplate("templates/setup.sh", values),
  };
}

function stubValues({ manifest, base, releaseId, launcher, proven }: StubOptions): ScriptValues {
  const target = parseTarget(manifest.target);
  const system = target.os === "linux" ? "Linux" : "Darwin";
  return {
    BASE: plainWord(base),
    TARGET: target.name,
    RELEASE: plainWord(releaseId),
    GANTRY: plainWord(manifest.gantry),
    BINARY: plainWord(manifest.binary),
    ...runtimeValues(manifest.runtime),
    VARIABLES: OWN_VARIABLES.join(" "),
    LAUNCHER: launcher.map(plainWord).join(" "),
    ...provenValues(proven),
    NAME: `${plainWord(base)}-${targetSuffix(target)}`,
    START_GATE: NAMES.startGate,
    STORES: STORE_VARIABLES.join(" "),
    STORE_USED,
    NOTE,
    STORE_TREE: `${STORE_NAME}/${storeTreeName(manifest.modules)}`,
    STORE_CASES: STORE_VARIABLES.map((name) => `${STORE_STATUS[name]}) in_store ${name} || : ;;`).join("\n"),
    SYSTEM: system,
    ARCH: target.arch,
    INTERPRETER: target.interpreter,
    EXEC_FIX: execFix(target, base),
    NO_LIBC_FIX: NO_LIBC_FIX[target.libc ?? "gnu"],
    APK_ADD,
    ABSOLUTE_PATHS: KEPT_PATHS.map(absolutePath).join("\n  "),
    KEPT_VARIABLES: keptVariables(manifest.runtime, target).join(" | "),
    MUSL_VARIABLE: target.libc === "musl" ? MUSL_VARIABLE : undefined,
    LIBRARIES: target.libc === "musl" ? ownLibraries(manifest).join(" ") : "",
    LINKED: target.libc === "gnu" ? linkedLibraries(manifest).join(" ") : "",
    MULTIARCH: target.machines[0] ?? "",
    ...processorValues(manifest.runtime, target, base),
    ELF_MACHINE: target.os === "linux" ? elfMachine(target) : "",
    MACHINES: target.machines.map((machine) => `"${system} ${machine}"`).join(" | "),
    LIBC_CHECKS: libcMarks(target.libc)
      .map((mark) => ` &&\n  ! [ ${mark} -nt "$gantry_stamp" ]`)
      .join(""),
    NATIVE_CHECKS: nativeChecks(manifest)
      .map((check) => ` &&\n  ${check}`)
      .join(""),
  };
}

/** The program's size is compared first, because that does not read the file. */
function provenValues(proven: readonly ProvenFile[]): Record<string, string> {
  const lines = (line: (file: ProvenFile) => string) => proven.map((file) => quote(line(file))).join(" ");
  return {
    PROVEN: proven.map(({ path }) => quote(path)).join(" "),
    SIZES: proven.map(({ path, size }) => `check_size ${quote(path)} ${size}`).join("\n  ") || ":",
    CHECKSUMS: lines(({ path, size, crc }) => `${crc} ${size} ${path}`),
    DIGESTS: lines(({ path, sha256 }) => `${sha256}  ${path}`),
  };
}

/** A relative path in a variable is relative to the directory that the stub is about to leave. */
function absolutePath(name: string): string {
  return `case \${${name}-} in '' | /*) ;; *) ${name}=\${PWD-}/\$${name} ;; esac`;
}

/** The launcher's environment: the variables that it keeps of its caller's, and those that the stub sets. */
function keptVariables({ kind }: ReleaseRuntime, { libc }: Target): readonly string[] {
  const own = [
    ...(kind === "bun" ? Object.keys(LAUNCHER_RUNTIME) : []),
    ...(libc === "musl" ? ["LIBC"] : []),
  ];
  return [...KEPT_VARIABLES, ...own];
}

/** gcompat puts a glibc loader on Alpine, which starts few programs that were built for glibc. */
function execFix(target: Target, base: string): string {
  if (target.libc === undefined) return EXEC_FIX;
  if (target.libc === "musl") return `${EXEC_FIX}; on Alpine: ${APK_ADD}`;
  return `${EXEC_FIX}; on Alpine, with gcompat too: take the release ${plainWord(base)}-linux-${target.arch}-musl`;
}

/** The shared libraries that the program in lib/ needs. */
function ownLibraries(manifest: Manifest): string[] {
  const program = basename(programPath(manifest) ?? "");
  const libraries = manifest.requires?.libraries ?? [];
  return libraries.filter(({ by }) => by.includes(program)).map(({ value }) => plainWord(value));
}

/** These libraries with the packages that contain them on Debian and on Fedora: `LIBRARY:PACKAGE:PACKAGE`. */
function linkedLibraries(manifest: Manifest): string[] {
  return ownLibraries(manifest).map((library) => {
    const packages = packagesOf(library);
    return packages === undefined
      ? `${library}::`
      : [library, plainWord(packages.debian), plainWord(packages.fedora)].join(":");
  });
}

/** e_machine as od prints its two bytes (ELF gABI). */
function elfMachine({ arch }: Target): string {
  return `${EM_OF_ARCH[arch].toString(16).padStart(2, "0")} 00`;
}

/** Node's builds for x64 (20 to 26, with qemu's processor models) run on every such processor; Bun's do not. */
function processorValues(runtime: ReleaseRuntime, target: Target, base: string): Record<string, string> {
  const flag = runtime.kind === "bun" ? cpuFlagOfBun(target, runtime.version) : undefined;
  const baseline = `take the release ${plainWord(base)}-${targetSuffix(target)}-baseline`;
  const newer =
    "run it on a newer processor (Intel since 2008, AMD since 2011): Bun has no build for this one";
  return { CPU_FLAG: flag ?? "", CPU_FIX: flag === "avx2" ? baseline : newer };
}

/** `PROGRAM` names the template that finds and runs this runtime. */
function runtimeValues(runtime: ReleaseRuntime): Record<string, string> {
  if (runtime.kind === "bun") return { PROGRAM: "bun", SAME_PROGRAM: "", ELSE_PROGRAM: "" };
  const { version, abi, entry, system } = runtime;
  return {
    PROGRAM: system ? "system" : "node",
    SAME_PROGRAM: system ? ' && same_program "$gantry_stamp"' : "",
    // The path in a stamp is used only when that stamp is valid.
    ELSE_PROGRAM: system ? " || ! gantry_program=$gantry_on_path" : "",
    ENTRY: quote(entry),
    NODE: plainWord(version),
    NODE_MAJOR: plainWord(version.split(".")[0] ?? ""),
    ABI: String(abi),
  };
}

function libcMarks(libc: string | undefined): readonly string[] {
  return libc === undefined ? [] : LIBC_MARKS;
}

/**
 * A test for each native file: it exists and is not newer than the stamp, unless its module is known to be absent on
 * this host.
 */
function nativeChecks(manifest: Manifest): string[] {
  const optional = new Map(manifest.externals.map((external, index) => [external.name, { external, index }]));
  return manifest.native.map(({ path, neededBy }) => {
    const file = `"$gantry_modules"/${quote(path)}`;
    const intact = `[ -f ${file} ] && ! [ ${file} -nt "$gantry_stamp" ]`;
    const needing = neededBy.flatMap((name) => optional.get(name) ?? []);
    if (needing.some(({ external }) => !external.optional)) return intact;
    const without = needing.map(({ index }) => `[ -f "$gantry_stamp.without-${index}" ]`).join(" && ");
    return `{ { ${without}; } || { ${intact}; }; }`;
  });
}
